"""The HTTP API for products: calls, their logs and transcripts, tickets, media streams."""
