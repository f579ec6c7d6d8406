"""Answers clients of the WebSocket API: subscribe, replay, unsubscribe, ping."""
