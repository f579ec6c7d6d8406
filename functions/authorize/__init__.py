"""Lets clients into the WebSocket API by their tickets."""
