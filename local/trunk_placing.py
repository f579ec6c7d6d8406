"""A simulated call of a PBX or a carrier, and whoever follows it, at once."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from websockets.exceptions import InvalidStatus, WebSocketException

from callscribe.client import Callscribe, RequestFailed
from callscribe.dynamodb import perform
from callscribe.entries import timestamp
from callscribe.errors import Refused
from callscribe.trunks import Trunks, new_trunk
from local.aws.engine import root_at
from local.laptop import Addresses
from local.measures import Seen
from local.peers.call import Kind, forks, send, whole
from local.peers.siprec import NotRecorded, recording_client, speak
from local.placing import Tracks, watch
from local.terminal import CallScreen

NOT_FOUND = 404
ASK_AGAIN_S = 0.2
SIMULATOR = "simulator"  # the laptop's trunk for such calls


@dataclass(frozen=True, slots=True)
class Door:
    """Where media streams are opened, and what opens it."""

    media_url: str
    trunk: str
    secret: str = field(repr=False)


async def call_by_trunk(
    kind: Kind, tracks: Tracks, *, addresses: Addresses | None, door: Door | None, console: Console
) -> int:
    """Place a call of that kind to the laptop that is up and show its words, or to another deployment's `door`."""
    if addresses is not None:
        door = await asyncio.to_thread(laptops_door, addresses, kind)
    if door is None:
        raise Refused("neither a laptop that is up nor another deployment's media streams are known")
    with CallScreen(console) as screen:
        try:
            await place_by_trunk(kind, tracks, addresses=addresses, door=door, screen=screen)
        except (WebSocketException, NotRecorded, OSError) as error:
            console.print(_why(error), style="red", markup=False)
            return 1
    return 0


async def place_by_trunk(
    kind: Kind,
    tracks: Tracks,
    *,
    addresses: Addresses | None,
    door: Door,
    screen: CallScreen,
    pace: float | None = 1.0,
) -> list[Seen]:
    """Place a call of that kind at `door`, and follow it to its last entry where `addresses` tell how.

    Raises what `websockets` does, or NotRecorded, if it is not let in, or cut off.
    """
    call = f"simulated-{uuid.uuid4().hex[:12]}"
    call_id = f"{door.trunk}.{call}"
    screen.note(f"{kind.value} opens the media of the call {call_id}")
    sides = (tracks.inbound, tracks.outbound)
    placed = _record(call, sides, door, pace) if kind is Kind.SIPREC else _fork(kind, call, sides, door, pace)
    sending = asyncio.create_task(placed)
    try:
        seen: list[Seen] = []
        if addresses is not None:
            screen.note(f"page: {addresses.page(call_id)}")
            async with addresses.callscribe() as callscribe:
                await _begun(callscribe, call_id, sending)
                seen = await watch(callscribe, call_id, screen.show)
        await sending
        return seen
    finally:
        sending.cancel()


async def _fork(kind: Kind, call: str, sides: Sequence[bytes], door: Door, pace: float | None) -> None:
    opened = forks(kind, call, door.trunk, sides)
    together = asyncio.Barrier(len(opened))
    to = {"media_url": door.media_url, "trunk": door.trunk, "secret": door.secret}
    await asyncio.gather(*(send(fork, **to, pace=pace, together=together) for fork in opened))


async def _record(call: str, sides: Sequence[bytes], door: Door, pace: float | None) -> None:
    """Have a call recorded, as a session border controller does."""
    scheme, _, address = door.media_url.partition(":")
    host, _, port = address.rpartition(":")
    if scheme not in ("sip", "sips") or not port.isdecimal():
        raise Refused("a recording server's address is sip:HOST:PORT, or sips:HOST:PORT")
    tls = ssl.create_default_context() if scheme == "sips" else None
    client = recording_client(host, int(port), door.trunk, secret=door.secret, call=call, tls=tls)
    async with client as session:
        await speak(await session.invite(), whole(sides), pace=pace)
        await session.bye()


async def _begun(callscribe: Callscribe, call_id: str, sending: asyncio.Task[None]) -> None:
    """Wait until the call has a log, or its sender has ended, and failed if it did."""
    while not sending.done():
        try:
            await callscribe.call(call_id)
        except RequestFailed as error:
            if error.status != NOT_FOUND:
                raise
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return
    await sending


def _why(error: BaseException) -> str:
    if isinstance(error, InvalidStatus):
        body = error.response.body.decode(errors="replace").strip() if error.response.body else ""
        return f"the media stream was refused: {error.response.status_code} {body}: see `callscribe trunks`"
    if isinstance(error, NotRecorded):
        return f"the recording was refused: {error}: see `callscribe trunks`"
    return f"the media stream broke off: {error}"


def laptops_door(addresses: Addresses, kind: Kind | None = None) -> Door:
    """Return the laptop's door, with a trunk of its own that is made, or given another secret, for each call."""
    client = root_at(addresses.aws_url).client("dynamodb")
    trunks = Trunks(addresses.keys_table)
    now = datetime.now(UTC)
    new = new_trunk("default", SIMULATOR, at=timestamp(now))
    if not perform(client, trunks.add(new)):
        rotated = perform(client, trunks.rotate(SIMULATOR, now_s=int(now.timestamp())))
        if rotated is None:
            return laptops_door(addresses, kind)  # another call was given its secret at this moment
        new = rotated
    url = addresses.sip_url if kind is Kind.SIPREC else addresses.media_url
    return Door(url, SIMULATOR, new.secret)
