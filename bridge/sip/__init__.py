"""SIP: a recording server, so that a session border controller needs nothing between it and the bridge (RFC 7866)."""
