"""The commands of `callscribe`, and what they share."""
