"""Senders of base64 in JSON: SignalWire, Telnyx, Plivo, Exotel and Bandwidth."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from local.peers.peer import Message, linear, text

TRACKS = ("inbound", "outbound")


class _Carrier:
    """A sender that numbers its messages, and hears nothing of what it is answered."""

    def __init__(self, *, call: str, parties: Sequence[str], trunk: str = "carrier") -> None:
        """`parties` are those of inbound and, if there are two, outbound."""
        self.call = call
        self.parties = tuple(parties)
        self._trunk = trunk
        self._number = 0

    def answered(self, _content: str) -> Sequence[Message]:
        """Return nothing."""
        return ()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _target(self, dialect: str) -> str:
        return f"/{dialect}/{self._trunk}?party={','.join(self.parties)}"

    @property
    def _tracks(self) -> list[str]:
        return list(TRACKS[: len(self.parties)])


class Signalwire(_Carrier):
    """cXML's `<Stream track="both_tracks">`; parties are those of a number's settings."""

    @property
    def target(self) -> str:
        """The path."""
        return f"/signalwire/{self._trunk}"

    def opening(self) -> Sequence[Message]:
        """Return `connected` and `start`."""
        start = {
            "streamSid": "29ad9ba9-0001", "accountSid": "ae19d4ea-0001", "callSid": self.call, "tracks": self._tracks,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        connected = {"event": "connected", "protocol": "Call", "version": "0.2.0"}
        return _texts(connected, {"event": "start", "sequenceNumber": str(self._next()), "start": start})

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a message a side."""
        return _texts(
            *(
                {
                    "event": "media", "sequenceNumber": str(self._next()),
                    "media": {"track": track, "chunk": "1", "timestamp": str(media_ms), "payload": _base64(side)},
                }
                for track, side in zip(TRACKS, sides, strict=False)
            )
        )  # fmt: skip

    def closing(self) -> Sequence[Message]:
        """Return `stop`, without a body."""
        return _texts({"event": "stop", "sequenceNumber": str(self._next())})


class Telnyx(_Carrier):
    """`streaming_start` with `stream_track` `both_tracks`, or `inbound_track` of one side."""

    @property
    def target(self) -> str:
        """The path and the parties."""
        return self._target("telnyx")

    def opening(self) -> Sequence[Message]:
        """Return `connected` and `start`, which does not tell the tracks."""
        start = {
            "call_control_id": self.call, "from": "+493010000000", "to": "+493010000001", "custom_parameters": {},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        }  # fmt: skip
        connected = {"event": "connected", "version": "1.0.0"}
        return _texts(connected, self._numbered("start", {"start": start}))

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a message a side, that of outbound first: order is not guaranteed."""
        told = [
            {"track": track, "chunk": "1", "timestamp": str(media_ms), "payload": _base64(side)}
            for track, side in zip(TRACKS, sides, strict=False)
        ]
        return _texts(*(self._numbered("media", {"media": each}) for each in reversed(told)))

    def closing(self) -> Sequence[Message]:
        """Return `stop`."""
        return _texts(self._numbered("stop", {"stop": {"call_control_id": self.call}}))

    def _numbered(self, event: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"event": event, "sequence_number": str(self._next()), "stream_id": "32de0dea-0001", **body}


class Plivo(_Carrier):
    """`<Stream audioTrack="both" contentType="audio/x-mulaw;rate=8000">`, or `inbound` of one side."""

    @property
    def target(self) -> str:
        """The path and the parties."""
        return self._target("plivo")

    def opening(self) -> Sequence[Message]:
        """Return `start`; there is no `connected`."""
        start = {
            "callId": self.call, "streamId": "b77e037d-0001", "accountId": "MAXXXXXXXXXXXXXXXXXX",
            "tracks": self._tracks, "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
        }  # fmt: skip
        return _texts({"event": "start", "sequenceNumber": self._next(), "start": start, "extra_headers": "{}"})

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a message a side: the time is a text, the number a number."""
        return _texts(
            *(
                {
                    "event": "media", "sequenceNumber": self._next(), "streamId": "b77e037d-0001",
                    "media": {"track": track, "timestamp": str(media_ms), "chunk": 1, "payload": _base64(side)},
                    "extra_headers": "{}",
                }
                for track, side in zip(TRACKS, sides, strict=False)
            )
        )  # fmt: skip

    def closing(self) -> Sequence[Message]:
        """Return nothing: the socket closes."""
        return ()


class Exotel(_Carrier):
    """A Stream applet: linear samples of one side, 100 ms a message, timed by its end."""

    def __init__(self, *, call: str, parties: Sequence[str], trunk: str = "carrier") -> None:
        """`parties` is one."""
        super().__init__(call=call, parties=parties, trunk=trunk)
        self._waiting = b""

    @property
    def target(self) -> str:
        """The path and the party."""
        return self._target("exotel")

    def opening(self) -> Sequence[Message]:
        """Return `connected` and `start`, all numbers as texts."""
        start = {
            "stream_sid": "es-0001", "call_sid": self.call, "account_sid": "ea-0001", "from": "03010000000",
            "to": "03010000001", "custom_parameters": {},
            "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"},
        }  # fmt: skip
        return _texts({"event": "connected"}, self._numbered("start", {"start": start}))

    def frame(self, media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a message with each fifth frame."""
        self._waiting += sides[0]
        if len(self._waiting) < 800:
            return ()
        samples, self._waiting = linear(self._waiting), b""
        media = {"chunk": "1", "timestamp": str(media_ms + 20), "payload": _base64(samples)}
        return _texts(self._numbered("media", {"media": media}))

    def closing(self) -> Sequence[Message]:
        """Return `stop`."""
        return _texts(self._numbered("stop", {"stop": {"call_sid": self.call, "reason": "callended"}}))

    def _numbered(self, event: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"event": event, "stream_sid": "es-0001", "sequence_number": str(self._next()), **body}


class Bandwidth(_Carrier):
    """`<StartStream tracks="both">`: without numbers, without times."""

    @property
    def target(self) -> str:
        """The path and the parties."""
        return self._target("bandwidth")

    def opening(self) -> Sequence[Message]:
        """Return `start`."""
        form = {"encoding": "audio/PCMU", "sampleRate": 8000}
        metadata = {
            "accountId": "5555", "callId": self.call, "streamId": "s-0001", "streamName": "live",
            "tracks": [{"name": track, "mediaFormat": form} for track in self._tracks],
        }  # fmt: skip
        return _texts({"eventType": "start", "metadata": metadata, "streamParams": {}})

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a message a side."""
        return _texts(
            *(
                {"eventType": "media", "track": track, "payload": _base64(side)}
                for track, side in zip(TRACKS, sides, strict=False)
            )
        )

    def closing(self) -> Sequence[Message]:
        """Return `stop`."""
        return _texts({"eventType": "stop", "metadata": {"callId": self.call}})


def _base64(audio: bytes) -> str:
    return b64encode(audio).decode("ascii")


def _texts(*messages: Mapping[str, Any]) -> list[Message]:
    return [text(json.dumps(message, separators=(",", ":"))) for message in messages]
