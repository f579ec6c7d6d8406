"""A load of simulated media streams, paced, over raw sockets: both tracks of a call, 100 messages a second.

Frames are made once for all callers, and both of a tick are one `send`, so that the load costs less than what it is to
measure.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import time
from array import array
from functools import lru_cache
from types import TracebackType
from typing import Self

from twilio.request_validator import RequestValidator

from bench.websocket_frames import CLOSE, frame
from callscribe.tickets import Ticket, sign

FRAME_S = 0.02
FIRST_MS = 102
STREAM_SID = f"MZ{'0' * 32}"  # of all: the bridge knows a media stream by its socket
BOTH = ("inbound", "outbound")
PAYLOAD = base64.b64encode(b"\x7e" * 160).decode()
CHUNK_FRAMES = 5  # of 20 ms, sent on at once
GROUPS = 20  # callers are spread over each 20 ms in so many
_GOODBYE = frame((1000).to_bytes(2, "big"), opcode=CLOSE, masked=True)
_END = b"\r\n\r\n"


@lru_cache(maxsize=2000)
def media(tick: int, tracks: tuple[str, ...] = BOTH) -> bytes:
    """Return the frames of the tracks of 20 ms number `tick`, in a row."""
    at = FIRST_MS + 20 * tick
    count = len(tracks)
    return b"".join(
        _text(
            f'{{"event":"media","sequenceNumber":"{count * tick + place + 2}","media":{{"track":"{track}",'
            f'"chunk":"{count * tick + place + 1}","timestamp":"{at}","payload":"{PAYLOAD}"}},'
            f'"streamSid":"{STREAM_SID}"}}'
        )
        for place, track in enumerate(tracks)
    )


def upgrade(call_id: str, media_url: str, *, tenant: str = "bench", key: str = "key", auth: str = "token") -> bytes:
    """Return what asks for the media socket of a call; `key` signs its ticket, and `auth` the request."""
    ticket = Ticket(use="media", tenant=tenant, calls=(call_id,), expires_at=int(time.time()) + 600)
    path = f"/twilio/{sign(ticket, key)}"
    signature = RequestValidator(auth).compute_signature(media_url + path, {})
    head = (
        f"GET {path} HTTP/1.1", f"Host: {media_url.removeprefix('ws://')}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"X-Twilio-Signature: {signature}", "", "",
    )  # fmt: skip
    return "\r\n".join(head).encode()


def beginning(call_id: str, tracks: tuple[str, ...] = BOTH) -> bytes:
    """Return the frames before the first of audio: `connected` and `start`."""
    start = {
        "streamSid": f"MZ{call_id}", "accountSid": "AC", "callSid": call_id, "tracks": list(tracks),
        "customParameters": {}, "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }  # fmt: skip
    said = {"event": "start", "sequenceNumber": "1", "streamSid": start["streamSid"], "start": start}
    return _text('{"event":"connected","protocol":"Call","version":"1.0.0"}') + _text(json.dumps(said))


class Caller:
    """One media stream, and when the frames of each 20 ms were sent."""

    def __init__(
        self,
        call_id: str,
        media_url: str,
        *,
        tenant: str = "bench",
        key: str = "key",
        auth: str = "token",
        tracks: tuple[str, ...] = BOTH,
    ) -> None:
        """`key` signs its ticket, and `auth` the carrier's upgrade."""
        self.call_id = call_id
        self.media_url = media_url
        self._tenant = tenant
        self._key = key
        self._auth = auth
        self._tracks = tracks
        self._unsent = b""  # what the peer has not made room for
        self.sent_at_s = array("d")

    async def open(self) -> None:
        """Go through the upgrade and send `start`. Raises RuntimeError if the bridge refuses."""
        host, port = self.media_url.removeprefix("ws://").split(":")
        self._socket = socket.socket()
        self._socket.setblocking(False)  # noqa: FBT003 - its only argument
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, (host, int(port)))
        asked = upgrade(self.call_id, self.media_url, tenant=self._tenant, key=self._key, auth=self._auth)
        await loop.sock_sendall(self._socket, asked)
        answer = b""
        while not answer.endswith(_END):
            read = await loop.sock_recv(self._socket, 4096)
            answer += read
            if not read or b" 101 " not in answer.split(b"\r\n", 1)[0]:
                raise RuntimeError(f"the bridge answered {answer[:60]!r}")
        await loop.sock_sendall(self._socket, beginning(self.call_id, self._tracks))

    def send(self, tick: int) -> None:
        """Send the frames of its tracks of 20 ms number `tick`. Raises OSError if the connection is lost."""
        self._send(media(tick, self._tracks))
        self.sent_at_s.append(time.monotonic())

    @property
    def frames(self) -> int:
        """How many frames of 20 ms it has sent, of all its tracks."""
        return len(self._tracks) * len(self.sent_at_s)

    def hang_up(self) -> None:
        """Send `stop`."""
        number = self.frames + 2
        self._send(_text(f'{{"event":"stop","sequenceNumber":"{number}","streamSid":"MZ","stop":{{}}}}'))

    async def close(self) -> None:
        """Wait until the bridge has closed."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, self._unsent)
        while await loop.sock_recv(self._socket, 4096):
            pass
        self.leave()

    def leave(self) -> None:
        """Say goodbye and close the socket, without waiting for anything."""
        with contextlib.suppress(OSError):  # it may be closed, or be full
            self._socket.send(_GOODBYE)
        self._socket.close()

    def _send(self, data: bytes) -> None:
        if self._unsent:
            data = self._unsent + data
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        self._unsent = data[sent:] if sent < len(data) else b""


class Talking:
    """All callers talk while inside, spread evenly over each 20 ms, and all stop in the same one.

    They begin at different frames of a chunk, as calls do that begin at any moment.
    """

    def __init__(self, callers: list[Caller]) -> None:
        count = min(GROUPS, len(callers))
        self._groups = [callers[place::count] for place in range(count)]
        self._late_s = array("d")
        self._is_ending = False

    async def __aenter__(self) -> Self:
        """Begin."""
        self._task = asyncio.create_task(self._talk())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at the end of a tick. Raises OSError if a connection was lost."""
        self._is_ending = True
        await self._task

    def forget(self) -> None:
        """Count the lateness from now on."""
        del self._late_s[:]

    def late_s(self, share: float = 0.99) -> float:
        """Return how late `share` of all frames were at most."""
        return sorted(self._late_s)[int(len(self._late_s) * share)]

    async def _talk(self) -> None:
        begin, tick = time.monotonic() + 0.05, 0
        while not self._is_ending:
            for place, group in enumerate(self._groups):
                due = begin + FRAME_S * (tick + place / len(self._groups))
                await asyncio.sleep(max(due - time.monotonic(), 0))
                self._late_s.append(time.monotonic() - due)
                for number, caller in enumerate(group):
                    if tick >= number % CHUNK_FRAMES:
                        caller.send(len(caller.sent_at_s))
            tick += 1


async def talk(callers: list[Caller], *, seconds: float) -> float:
    """Let all `callers` talk for `seconds`; return the p99 of how late frames were."""
    async with Talking(callers) as talking:
        await asyncio.sleep(seconds)
    return talking.late_s()


def _text(text: str) -> bytes:
    return frame(text.encode(), masked=True)
