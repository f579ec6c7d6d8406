"""Returns the event that the clock sent, and where it would look for Twilio and Gladia."""

import os


def handler(event, context):
    return {"event": event, "twilio": os.environ["TWILIO_URL"], "gladia": os.environ["GLADIA_URL"]}
