"""A simulated call of a PBX or a carrier, and whoever follows it, at once."""

from __future__ import annotations

import asyncio
import uuid
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
from local.peers.call import Kind, forks, send
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
        door = await asyncio.to_thread(laptops_door, addresses)
    if door is None:
        raise Refused("neither a laptop that is up nor another deployment's media streams are known")
    with CallScreen(console) as screen:
        try:
            await place_by_trunk(kind, tracks, addresses=addresses, door=door, screen=screen)
        except (WebSocketException, OSError) as error:
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

    Raises what `websockets` does if it is not let in, or cut off.
    """
    call = f"simulated-{uuid.uuid4().hex[:12]}"
    call_id = f"{door.trunk}.{call}"
    opened = forks(kind, call, door.trunk, (tracks.inbound, tracks.outbound))
    screen.note(f"{kind.value} opens {len(opened)} media stream{'s'[: len(opened) - 1]} of the call {call_id}")
    together = asyncio.Barrier(len(opened))
    to = {"media_url": door.media_url, "trunk": door.trunk, "secret": door.secret}
    sending = asyncio.gather(*(send(fork, **to, pace=pace, together=together) for fork in opened))
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


async def _begun(callscribe: Callscribe, call_id: str, sending: asyncio.Future[list[None]]) -> None:
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
    return f"the media stream broke off: {error}"


def laptops_door(addresses: Addresses) -> Door:
    """Return the laptop's door, with a trunk of its own that is made, or given another secret, for each call."""
    client = root_at(addresses.aws_url).client("dynamodb")
    trunks = Trunks(addresses.keys_table)
    now = datetime.now(UTC)
    new = new_trunk("default", SIMULATOR, at=timestamp(now))
    if not perform(client, trunks.add(new)):
        rotated = perform(client, trunks.rotate(SIMULATOR, now_s=int(now.timestamp())))
        if rotated is None:
            return laptops_door(addresses)  # another call was given its secret at this moment
        new = rotated
    return Door(addresses.media_url, SIMULATOR, new.secret)
