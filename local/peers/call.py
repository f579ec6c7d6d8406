"""A simulated call of a PBX or a carrier: one media socket or one a party, at the pace of speech."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from websockets.asyncio.client import ClientConnection, connect

from local.audio import mulaw_silence
from local.peers.audiohook import Audiohook
from local.peers.carriers import Bandwidth, Exotel, Plivo, Signalwire, Telnyx
from local.peers.door import Door
from local.peers.forks import Asterisk, Freeswitch, Jambonz, Vonage
from local.peers.peer import Message, Peer

FRAME_MS, FRAME_BYTES = 20, 160
PARTIES = ("caller", "agent")


class Kind(StrEnum):
    """Whom a simulated call comes from, if not from Twilio."""

    ASTERISK = "asterisk"
    AUDIOHOOK = "audiohook"
    AUDIOSOCKET = "audiosocket"
    BANDWIDTH = "bandwidth"
    EXOTEL = "exotel"
    FREESWITCH = "freeswitch"
    JAMBONZ = "jambonz"
    PLIVO = "plivo"
    RTP = "rtp"
    SIGNALWIRE = "signalwire"
    SIPREC = "siprec"
    TELNYX = "telnyx"
    VONAGE = "vonage"


Make = Callable[[str, tuple[str, ...], str], Peer]
"""Makes a sender of a call, of parties, for a trunk."""

# Asterisk forks a leg at a time, and these two have no other way to keep the parties apart.
_APART: dict[Kind, Make] = {
    Kind.ASTERISK: lambda call, parties, trunk: Asterisk(
        call, parties, trunk, channel_id=f"simulated-{uuid.uuid4().hex[:12]}"
    ),
    Kind.EXOTEL: lambda call, parties, trunk: Exotel(call=call, parties=parties, trunk=trunk),
    Kind.VONAGE: Vonage,
}
_TOGETHER: dict[Kind, Make] = {
    Kind.AUDIOHOOK: lambda call, parties, trunk: Audiohook(call=call, parties=parties, trunk=trunk),
    Kind.BANDWIDTH: lambda call, parties, trunk: Bandwidth(call=call, parties=parties, trunk=trunk),
    Kind.FREESWITCH: Freeswitch,
    Kind.JAMBONZ: Jambonz,
    Kind.PLIVO: lambda call, parties, trunk: Plivo(call=call, parties=parties, trunk=trunk),
    Kind.SIGNALWIRE: lambda call, parties, trunk: Signalwire(call=call, parties=parties, trunk=trunk),
    Kind.TELNYX: lambda call, parties, trunk: Telnyx(call=call, parties=parties, trunk=trunk),
}


def whole(sides: Sequence[bytes]) -> list[bytes]:
    """Return all sides as long as the longest."""
    longest = max(map(len, sides))
    return [side + mulaw_silence((longest - len(side)) // 8) for side in sides]


@dataclass(frozen=True, slots=True)
class Fork:
    """A media socket, and the sides whose audio goes to it: 8000 Hz mu-law."""

    peer: Peer
    sides: tuple[bytes, ...]


def forks(kind: Kind, call: str, trunk: str, sides: Sequence[bytes]) -> list[Fork]:
    """Return the media sockets of a call of that kind; those that are not forked have none."""
    if kind in _APART:
        each = zip(PARTIES, whole(sides), strict=True)
        return [Fork(_APART[kind](call, (party,), trunk), (side,)) for party, side in each]
    return [Fork(_TOGETHER[kind](call, PARTIES, trunk), tuple(whole(sides)))]


async def send(
    fork: Fork,
    door: Door,
    *,
    pace: float | None = 1.0,
    together: asyncio.Barrier | None = None,
) -> None:
    """Open the media socket, send the whole call, close it.

    `pace` 2.0 is twice the speed of speech, None as fast as can be; those that wait `together` begin to speak at once.
    Raises what `websockets` does if it is not let in, or cut off.
    """
    login = base64.b64encode(f"{door.trunk}:{door.secret}".encode()).decode()
    async with connect(
        door.url.rstrip("/") + fork.peer.target,
        additional_headers={"Authorization": f"Basic {login}"},
        compression=None,
        proxy=None,
    ) as socket:
        await _send(socket, fork.peer.opening())
        answered = asyncio.Event()
        answering = asyncio.create_task(_answer(socket, fork.peer, answered))
        if isinstance(fork.peer, Audiohook):  # it has to be let in before it speaks
            await answered.wait()
        if together is not None:
            await together.wait()
        clock = asyncio.get_running_loop().time
        began = clock()
        for media_ms in range(0, len(fork.sides[0]) * FRAME_MS // FRAME_BYTES, FRAME_MS):
            begin = media_ms * FRAME_BYTES // FRAME_MS
            frames = [side[begin : begin + FRAME_BYTES] for side in fork.sides]
            if pace is not None:
                await asyncio.sleep(began + (media_ms + FRAME_MS) / 1000 / pace - clock())
            await _send(socket, fork.peer.frame(media_ms, frames))
        await _send(socket, fork.peer.closing())
        await socket.close()
        await answering


async def _send(socket: ClientConnection, messages: Sequence[Message]) -> None:
    for message in messages:
        await socket.send(message.content.decode() if message.is_text else message.content)


async def _answer(socket: ClientConnection, peer: Peer, answered: asyncio.Event) -> None:
    async for content in socket:
        if isinstance(content, str):
            await _send(socket, peer.answered(content))
            answered.set()
