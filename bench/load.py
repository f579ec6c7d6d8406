"""A load of simulated media streams: both tracks, 100 messages a second a call, paced, over raw sockets.

Frames are made once for all callers, so that the load costs less than what it is to measure.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from array import array
from functools import lru_cache

from twilio.request_validator import RequestValidator

from callscribe.tickets import Ticket, sign

FRAME_S = 0.02
FIRST_MS = 102
STREAM_SID = f"MZ{'0' * 32}"  # of all: the bridge knows a media stream by its socket
PAYLOAD = base64.b64encode(b"\x7e" * 160).decode()
_TEXT = b"\x81"
_MASKED = 0x80


def _frame(text: str) -> bytes:
    """Return `text` as a client's frame; the mask is zero, which is allowed and costs nothing."""
    data = text.encode()
    size = bytes([_MASKED | len(data)]) if len(data) < 126 else bytes([_MASKED | 126]) + len(data).to_bytes(2, "big")
    return _TEXT + size + bytes(4) + data


@lru_cache(maxsize=1000)
def _frames(tick: int) -> tuple[bytes, ...]:
    """Return the frames of both tracks of 20 ms number `tick`."""
    at = FIRST_MS + 20 * tick
    return tuple(
        _frame(
            f'{{"event":"media","sequenceNumber":"{2 * tick + place + 2}","media":{{"track":"{track}",'
            f'"chunk":"{2 * tick + place + 1}","timestamp":"{at}","payload":"{PAYLOAD}"}},'
            f'"streamSid":"{STREAM_SID}"}}'
        )
        for place, track in enumerate(("inbound", "outbound"))
    )


class Caller:
    """One media stream, and when each pair of frames was sent."""

    def __init__(
        self, call_id: str, media_url: str, *, tenant: str = "bench", key: str = "key", auth: str = "token"
    ) -> None:
        """`key` signs its ticket, and `auth` the carrier's upgrade."""
        self.call_id = call_id
        self.media_url = media_url
        self._tenant = tenant
        self._key = key
        self._auth = auth
        self.sent_at_s = array("d")

    async def open(self) -> None:
        """Go through the upgrade and send `start`. Raises RuntimeError if the bridge refuses."""
        ticket = Ticket(use="media", tenant=self._tenant, calls=(self.call_id,), expires_at=int(time.time()) + 600)
        path = f"/twilio/{sign(ticket, self._key)}"
        host, port = self.media_url.removeprefix("ws://").split(":")
        signature = RequestValidator(self._auth).compute_signature(self.media_url + path, {})
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        head = (
            f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"X-Twilio-Signature: {signature}", "", "",
        )  # fmt: skip
        self._writer.write("\r\n".join(head).encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"the bridge answered {answer[:60]!r}")
        start = {
            "streamSid": f"MZ{self.call_id}", "accountSid": "AC", "callSid": self.call_id,
            "tracks": ["inbound", "outbound"], "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        text = json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": start["streamSid"], "start": start})
        self._writer.write(_frame(text))

    def send(self, tick: int) -> None:
        """Send the frames of both tracks of 20 ms number `tick`."""
        for frame in _frames(tick):
            self._writer.write(frame)
        self.sent_at_s.append(time.monotonic())

    def hang_up(self) -> None:
        """Send `stop`."""
        number = 2 * len(self.sent_at_s) + 2
        self._writer.write(_frame(f'{{"event":"stop","sequenceNumber":"{number}","streamSid":"MZ","stop":{{}}}}'))

    async def close(self) -> None:
        """Wait until the bridge has closed."""
        await self._reader.read()
        self.leave()

    def leave(self) -> None:
        """Close the socket without waiting for anything."""
        self._writer.close()


async def talk(callers: list[Caller], *, seconds: float) -> float:
    """Let all `callers` talk for `seconds`, spread evenly over each 20 ms; return the p99 of how late frames were."""
    ticks = round(seconds / FRAME_S)
    groups = [callers[place::10] for place in range(10)]
    begin = time.monotonic() + 0.05
    late: list[float] = []
    for tick in range(ticks):
        for place, group in enumerate(groups):
            due = begin + tick * FRAME_S + place * FRAME_S / 10
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            else:
                await asyncio.sleep(0)
            late.append(time.monotonic() - due)
            for caller in group:
                caller.send(len(caller.sent_at_s))
    late.sort()
    return late[int(len(late) * 0.99)]
