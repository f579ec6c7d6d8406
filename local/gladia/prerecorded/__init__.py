"""The emulated Gladia's pre-recorded API: files are uploaded, transcribed by the same recogniser, and fetched."""
