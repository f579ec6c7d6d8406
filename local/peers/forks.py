"""Senders of binary audio: Asterisk's `chan_websocket` and AudioSocket, FreeSWITCH, jambonz and Vonage."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from local.peers.peer import Message, interleaved, linear, text


def uuid_of(call: str) -> uuid.UUID:
    """Return the UUID that stands for a call's name where there is no room for it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, call)


@dataclass(frozen=True, slots=True)
class _Fork:
    """A sender that says nothing at the end, and hears nothing of what it is answered."""

    call: str
    parties: tuple[str, ...]
    trunk: str = "pbx"

    def answered(self, _content: str) -> Sequence[Message]:
        """Return nothing."""
        return ()

    def closing(self) -> Sequence[Message]:
        """Return nothing: it closes the socket."""
        return ()

    def _query(self) -> str:
        channels = {"channels": str(len(self.parties))} if len(self.parties) > 1 else {}
        return urlencode({"call": self.call, "party": ",".join(self.parties), **channels}, safe=",")


@dataclass(frozen=True, slots=True)
class Asterisk(_Fork):
    """`WebSocket/…/c(ulaw)d(in)` of Asterisk 22.10.1; what it is told in words as `f(json)` or `f(plain-text)`."""

    is_json: bool = True
    channel_id: str = "lab1-1795347268.5"

    @property
    def target(self) -> str:
        """The path, with `v(call=…,party=…)` at its end."""
        return f"/asterisk/{self.trunk}?{self._query()}"

    def opening(self) -> Sequence[Message]:
        """Return `MEDIA_START`."""
        told = {
            "connection_id": "callscribe", "channel": "WebSocket/callscribe/0x7f4fa8005d40",
            "channel_id": self.channel_id, "format": "ulaw", "optimal_frame_size": 160, "ptime": 20,
        }  # fmt: skip
        if not self.is_json:
            return (text("MEDIA_START " + " ".join(f"{name}:{value}" for name, value in told.items())),)
        variables = {"DIALEDPEERNUMBER": "callscribe/c(ulaw)f(json)d(in)"}
        event = {"event": "MEDIA_START", **told, "channel_variables": variables}
        return (text(json.dumps(event, separators=(",", ":"))),)

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return the frame, interleaved in a stereo of ChanSpy's."""
        return (Message(interleaved(sides, 1)),)


@dataclass(frozen=True, slots=True)
class AudioSocket(_Fork):
    """Asterisk's `AudioSocket/…/c(slin)`; of one side, on TCP."""

    @property
    def target(self) -> str:
        """Nothing: a connection has no path."""
        return ""

    def opening(self) -> Sequence[Message]:
        """Return the packet of the UUID, which is made of the call's name."""
        return (Message(b"\x01\x00\x10" + uuid_of(self.call).bytes),)

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return a packet of linear samples."""
        samples = linear(sides[0])
        return (Message(b"\x10" + len(samples).to_bytes(2) + samples),)


@dataclass(frozen=True, slots=True)
class Freeswitch(_Fork):
    """`uuid_audio_stream … start … stereo 8k`, or `mono` of one side."""

    metadata: str = '{"tenant":"acme"}'

    @property
    def target(self) -> str:
        """The path and what nothing on the wire tells."""
        return f"/freeswitch/{self.trunk}?{self._query()}"

    def opening(self) -> Sequence[Message]:
        """Return the metadata of the operator's."""
        return (text(self.metadata),)

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return linear samples, interleaved."""
        return (Message(interleaved([linear(side) for side in sides], 2)),)


@dataclass(frozen=True, slots=True)
class Jambonz(_Fork):
    """The verb `listen`, of a call that comes in."""

    @property
    def target(self) -> str:
        """The path and the parties; the call is told by the first message."""
        return f"/jambonz/{self.trunk}?party={','.join(self.parties)}"

    def opening(self) -> Sequence[Message]:
        """Return the call's attributes."""
        told = {
            "sampleRate": 8000, "mixType": "stereo" if len(self.parties) > 1 else "mono", "callSid": self.call,
            "direction": "inbound", "from": "+493010000000", "to": "+493010000001", "callId": "274f72bb@sbc.example",
        }  # fmt: skip
        return (text(json.dumps(told)),)

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return linear samples, interleaved."""
        return (Message(interleaved([linear(side) for side in sides], 2)),)


@dataclass(frozen=True, slots=True)
class Vonage(_Fork):
    """An NCCO's `connect` to a `websocket`, of one side."""

    @property
    def target(self) -> str:
        """The path; call and party are headers of the NCCO."""
        return f"/vonage/{self.trunk}"

    def opening(self) -> Sequence[Message]:
        """Return `websocket:connected` with the headers."""
        told = {"event": "websocket:connected", "content-type": "audio/l16;rate=8000"}
        return (text(json.dumps({**told, "call": self.call, "party": self.parties[0]})),)

    def frame(self, _media_ms: int, sides: Sequence[bytes]) -> Sequence[Message]:
        """Return linear samples."""
        return (Message(linear(sides[0])),)
