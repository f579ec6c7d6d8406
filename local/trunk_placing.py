"""A simulated call of a PBX or a carrier, and whoever follows it, at once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
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
from local.peers.door import SIMULATOR, Door
from local.peers.forks import uuid_of
from local.peers.siprec import NotRecorded
from local.peers.unforked import offer_rtp, record, stream
from local.placing import Tracks, watch
from local.terminal import CallScreen

NOT_FOUND = 404
ASK_AGAIN_S = 0.2


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
    # Of a call by AudioSocket nothing is told but a UUID.
    call_id = f"{door.trunk}.{uuid_of(call) if kind is Kind.AUDIOSOCKET else call}"
    screen.note(f"{kind.value} opens the media of the call {call_id}")
    sides = (tracks.inbound, tracks.outbound)
    sending = asyncio.create_task(_send(kind, call, sides, door, pace))
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


async def _send(kind: Kind, call: str, sides: Sequence[bytes], door: Door, pace: float | None) -> None:
    match kind:
        case Kind.SIPREC:
            await record(door, call, whole(sides), pace=pace)
        case Kind.RTP:
            await offer_rtp(door, call, whole(sides), pace=pace)
        case Kind.AUDIOSOCKET:
            await stream(door, call, sides[0], pace=pace)
        case _:
            opened = forks(kind, call, door.trunk, sides)
            together = asyncio.Barrier(len(opened))
            await asyncio.gather(*(send(fork, door, pace=pace, together=together) for fork in opened))


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


def laptops_door(addresses: Addresses, kind: Kind) -> Door:
    """Return the laptop's door, with a trunk of its own that is made, or given another secret, for each call."""
    client = root_at(addresses.aws_url).client("dynamodb")
    trunks = Trunks(addresses.keys_table)
    now = datetime.now(UTC)
    new = new_trunk("default", SIMULATOR, at=timestamp(now), networks=["127.0.0.0/8"])
    if not perform(client, trunks.add(new)):
        rotated = perform(client, trunks.rotate(SIMULATOR, now_s=int(now.timestamp())))
        if rotated is None:
            return laptops_door(addresses, kind)  # another call was given its secret at this moment
        new = rotated
    urls = {Kind.SIPREC: addresses.sip_url, Kind.AUDIOSOCKET: addresses.audiosocket_url}
    return Door(urls.get(kind, addresses.media_url), SIMULATOR, new.secret)
