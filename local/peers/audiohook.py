"""Genesys AudioHook's client: it opens a session, waits to be let in, pings, and closes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from local.peers.peer import Message, interleaved, text

_SESSION = "e160e428-53e2-487c-977d-96989bf5c99d"
_PING_MS = 5000
_CHANNELS = ("external", "internal")


class ProtocolError(Exception):
    """The server's side broke the protocol; the message says how."""


class Audiohook:
    """The client's side of one session. It holds what it is answered to the protocol, as the vendor's client does."""

    def __init__(self, *, call: str, parties: Sequence[str], trunk: str = "genesys") -> None:
        """`parties` are those of external and, if there are two, internal."""
        self.call = call
        self.parties = tuple(parties)
        self.target = f"/audiohook/{trunk}?party={','.join(parties)}"
        self.is_open = self.is_closed = False
        self._seq = self._serverseq = 0
        self._pings = 0  # that were not answered
        self._position_ms = 0

    def opening(self) -> Sequence[Message]:
        """Return `open`, which offers linear samples too."""
        channels = _CHANNELS[: len(self.parties)]
        media = [{"type": "audio", "format": form, "channels": channels, "rate": 8000} for form in ("PCMU", "L16")]
        participant = {"id": _SESSION, "ani": "+493010000000", "aniName": "", "dnis": "+493010000001"}
        return self._message(
            "open", organizationId="d7934305-0001", conversationId=self.call, participant=participant, media=media,
            language="en-US",
        )  # fmt: skip

    def answered(self, content: str) -> Sequence[Message]:
        """Take an answer. Raises ProtocolError for one that is out of order, or that was not asked for."""
        told = json.loads(content)
        if told["version"] != "2" or told["id"] != _SESSION or told["seq"] != self._serverseq + 1:
            raise ProtocolError(f"{told['type']} has the version, session or number of another")
        if told["clientseq"] > self._seq:
            raise ProtocolError(f"{told['type']} knows of messages that were not sent")
        self._serverseq = told["seq"]
        match told["type"]:
            case "opened" if not self.is_open and [each["format"] for each in told["parameters"]["media"]] == ["PCMU"]:
                self.is_open = True
            case "pong" if self._pings:
                self._pings -= 1
            case "closed":
                self.is_closed = True
            case _:
                raise ProtocolError(f"{told['type']} was not asked for: {told['parameters']}")
        return ()

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return the sides byte by byte in turns; each five seconds a `ping` before it. Nothing until it is let in."""
        if not self.is_open:
            raise ProtocolError("it was not let in")
        self._position_ms = media_ms
        audio = Message(interleaved(sides, 1))
        if media_ms and media_ms % _PING_MS == 0:
            self._pings += 1
            return (*self._message("ping", rtt="PT0.02S"), audio)
        return (audio,)

    def closing(self) -> Sequence[Message]:
        """Return `close`."""
        return self._message("close", reason="end")

    def _message(self, kind: str, **parameters: Any) -> Sequence[Message]:
        self._seq += 1
        told = {"version": "2", "type": kind, "seq": self._seq, "serverseq": self._serverseq, "id": _SESSION}
        position = {"position": f"PT{self._position_ms / 1000}S", "parameters": parameters}
        return (text(json.dumps(told | position)),)
