"""Simulated calls that are not forked to media sockets: recorded by SIPREC, sent by RTP on demand, by AudioSocket."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from websockets.asyncio.client import connect

from callscribe.errors import Refused
from local.peers.door import Door
from local.peers.forks import AudioSocket
from local.peers.rtp import RtpManner
from local.peers.siprec import Response, recording_client, speak

FRAME_MS, FRAME_BYTES = 20, 160


async def record(
    door: Door, call: str, sides: Sequence[bytes], manner: RtpManner | None = None, *, pace: float | None = 1.0
) -> None:
    """Have a call recorded at sip:HOST:PORT, as a session border controller does.

    Raises Refused for another address, NotRecorded if it is not let in.
    """
    scheme, _, address = door.url.partition(":")
    host, _, port = address.rpartition(":")
    if scheme not in ("sip", "sips") or not port.isdecimal():
        raise Refused("a recording server's address is sip:HOST:PORT, or sips:HOST:PORT")
    tls = ssl.create_default_context() if scheme == "sips" else None
    async with recording_client(host, int(port), door.trunk, secret=door.secret, call=call, tls=tls) as session:
        await speak(await session.invite(), sides, manner, pace=pace)
        await session.bye()


async def offer_rtp(
    door: Door, call: str, sides: Sequence[bytes], manner: RtpManner | None = None, *, pace: float | None = 1.0
) -> None:
    """Offer RTP on a media socket, send it, close the socket."""
    query = urlencode({"call": call, "party": "caller,agent"}, safe=",")
    login = base64.b64encode(f"{door.trunk}:{door.secret}".encode()).decode()
    lines = "".join(f"m=audio {40_000 + 2 * place} RTP/AVP 0\r\na=sendonly\r\n" for place in range(len(sides)))
    async with connect(
        f"{door.url.rstrip('/')}/rtp/{door.trunk}?{query}",
        additional_headers={"Authorization": f"Basic {login}"},
        compression=None,
        proxy=None,
    ) as socket:
        await socket.send(f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{lines}")
        await speak(Response(200, "OK", {}, str(await socket.recv())), sides, manner, pace=pace)


async def stream(door: Door, call: str, side: bytes, *, pace: float | None = 1.0) -> None:
    """Send one party by AudioSocket to tcp://HOST:PORT; the call is named by a UUID made of `call`."""
    parts = urlsplit(door.url)
    if parts.scheme != "tcp" or parts.hostname is None or parts.port is None:
        raise Refused("an AudioSocket's address is tcp://HOST:PORT")
    peer = AudioSocket(call, ("caller",))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    kept_alive = asyncio.create_task(reader.read())  # the bridge sends silence, until it ends
    for message in peer.opening():
        writer.write(message.content)
    clock = asyncio.get_running_loop().time
    began = clock()
    for media_ms in range(0, len(side) * FRAME_MS // FRAME_BYTES, FRAME_MS):
        begin = media_ms * FRAME_BYTES // FRAME_MS
        if pace is not None:
            await asyncio.sleep(began + (media_ms + FRAME_MS) / 1000 / pace - clock())
        for message in peer.frame(media_ms, [side[begin : begin + FRAME_BYTES]]):
            writer.write(message.content)
    writer.close()
    kept_alive.cancel()
