"""Puts what is appended to calls' logs on an event bus."""
