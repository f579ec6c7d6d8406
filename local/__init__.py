"""The laptop: local AWS, emulated Gladia, simulated Twilio, the command line."""
