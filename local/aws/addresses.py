"""Where API Gateway's addresses lead on this machine.

An API is at `https://<id>.execute-api.<region>.amazonaws.com` in AWS and at `/_aws/execute-api/<id>` of the local one.
The rest of the address (the stage of a WebSocket API, the path) is the same.
"""

from __future__ import annotations

import re
from typing import Final

API_ADDRESS: Final = re.compile(r"(?P<scheme>https?|wss?)://(?P<api>[a-z0-9]+)\.execute-api\.[^/\s]+")
NOBODY: Final = "http://127.0.0.1:9"  # the discard port, where nothing listens
# Services outside AWS, by the variables that name them to functions: never the real ones unless one is given.
OUTSIDE: Final = {"GLADIA_URL": NOBODY, "TWILIO_URL": NOBODY}
SCHEMES: Final = {"https": "http", "http": "http", "wss": "ws", "ws": "ws"}


def on_loopback(text: str, *, port: int) -> str:
    """Return `text` with the addresses of APIs in it replaced by those that work here."""

    def address(found: re.Match[str]) -> str:
        return f"{SCHEMES[found['scheme']]}://127.0.0.1:{port}/_aws/execute-api/{found['api']}"

    return API_ADDRESS.sub(address, text)
