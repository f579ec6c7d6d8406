"""Answers Twilio's webhooks: opens and closes the log of a call, and says what the phone call does."""
