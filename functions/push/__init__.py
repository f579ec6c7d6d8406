"""Posts what is appended to a call's log to those who follow the call."""
