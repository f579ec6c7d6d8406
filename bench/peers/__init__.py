"""Other bridges from Twilio to Gladia, each a process as its users would write it, measured beside ours."""
