"""Media streams through the bridge's own sockets and sessions, with bytes handed over instead of sent.

All of the hot path is the bridge's: from what a read of the carrier's socket brought to what is written to Gladia's,
and back with its acknowledgement. There is no kernel in it and no chance, so that it takes the same each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast
from unittest import mock

import aiohttp
from websockets.client import ClientProtocol
from websockets.http11 import Request as Upgrade
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bench.load import beginning, media, upgrade
from bridge import gladia_link
from bridge.connections import Connections
from bridge.door import Door
from bridge.dynamodb import Dynamodb
from bridge.environment import Environment
from bridge.gladia_socket import GladiaSocket
from bridge.governor import Governor
from bridge.keys import KeyRing, Keys
from bridge.media_socket import MediaSocket
from bridge.server import Bridge
from bridge.services import Services
from bridge.spill import Spill
from callscribe.requests import Request
from callscribe.sessions import Sessions
from callscribe.slots import Slots

CALLS = 4
CHUNK_TICKS = 5
MESSAGE_BYTES = 160
MEDIA_URL = "ws://bridge.example.test"
OPEN_S = 60.0  # under a tool that counts
KEYS = Keys(gladia="gladia", auth_tokens=("token",), signing=("key",))


class Agreeing:
    """A DynamoDB in which nothing stands and all is taken."""

    async def ask(self, request: Request) -> Any:
        """Answer at once."""
        return {"Items": [], "Count": 0} if request.method == "query" else {}


class Granting:
    """An HTTP client that is granted a session whenever it asks, and the answer to it."""

    status = 201

    def __init__(self) -> None:
        self._granted = 0

    @contextlib.asynccontextmanager
    async def post(self, _url: str, **_: Any) -> AsyncIterator[Granting]:
        """Grant a session."""
        self._granted += 1
        yield self

    async def read(self) -> bytes:
        """Return what is said of it."""
        return json.dumps({"id": f"G{self._granted}", "url": f"ws://gladia.example.test/{self._granted}"}).encode()


class Wire(asyncio.Transport):
    """A transport on which nothing goes anywhere."""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Throw it away."""

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """Nothing is read now either."""

    def abort(self) -> None:
        """Nothing is open."""


class Gladia(Wire):
    """The other side of one session's socket: it counts the audio that is written, and acknowledges when asked to."""

    def __init__(self, socket: GladiaSocket) -> None:
        super().__init__()
        self.received = 0
        self.is_open = False
        self._acknowledged = 0
        self._socket = socket
        self._protocol = ServerProtocol()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Take a frame of audio, of which the length is enough; before that the upgrade."""
        if self.is_open:
            self.received += int.from_bytes(data[2:4], "big")
            return
        self._protocol.receive_data(bytes(data))
        upgrade = cast("Upgrade", self._protocol.events_received()[0])
        self._protocol.send_response(self._protocol.accept(upgrade))
        self.is_open = True
        asyncio.get_running_loop().call_soon(self._socket.data_received, b"".join(self._protocol.data_to_send()))

    def acknowledge(self) -> None:
        """Acknowledge what was received since the last time."""
        if self.received > self._acknowledged:
            text = (
                '{"type":"audio_chunk","session_id":"s","created_at":"now","acknowledged":true,"error":null,'
                f'"data":{{"byte_range":[{self._acknowledged},{self.received}],"time_range":[0,0]}}}}'
            ).encode()
            self._acknowledged = self.received
            self._socket.data_received(b"\x81\x7e" + len(text).to_bytes(2, "big") + text)


@contextlib.asynccontextmanager
async def hot_path() -> AsyncIterator[Callable[[Sequence[int]], int]]:
    """Yield what has `CALLS` media streams say these ticks of 20 ms, and returns how many messages that were.

    Raises RuntimeError in the end if what came out is not what went in.
    """
    gladias: list[Gladia] = []
    all_open = asyncio.Event()

    async def dial(url: str, *, opened: Any, received: Any, within_s: float) -> GladiaSocket:  # noqa: ARG001
        socket = GladiaSocket(ClientProtocol(parse_uri(url)), opened=opened, received=received)
        gladias.append(Gladia(socket))
        socket.connection_made(gladias[-1])
        await socket.opened
        if len(gladias) == CALLS and all(gladia.is_open for gladia in gladias):
            all_open.set()
        return socket

    with mock.patch.object(gladia_link, "dial", dial), tempfile.TemporaryDirectory() as folder:
        bridge = Bridge(await _services(Path(folder)), Door(MEDIA_URL, (KEYS.signing[0],), KEYS.auth_tokens))
        sockets = [_streaming(bridge, f"CA{number}") for number in range(CALLS)]
        async with asyncio.timeout(OPEN_S):
            await all_open.wait()
        messages = 0

        def say(ticks: Sequence[int]) -> int:
            nonlocal messages
            before = messages
            for data in _reads(ticks):
                for socket in sockets:
                    socket.data_received(data)
                for gladia in gladias:
                    gladia.acknowledge()
            messages += 2 * CALLS * len(ticks)
            return messages - before

        yield say
        if sum(gladia.received for gladia in gladias) != MESSAGE_BYTES * messages:
            raise RuntimeError("what came out is not what went in")


def _reads(ticks: Sequence[int]) -> Iterator[bytes]:
    """Yield what reads bring of a socket that rests between: a chunk each."""
    for at in range(0, len(ticks), CHUNK_TICKS):
        yield b"".join(media(tick) for tick in ticks[at : at + CHUNK_TICKS])


def _streaming(bridge: Bridge, call_id: str) -> MediaSocket:
    socket = MediaSocket(bridge)
    socket.connection_made(Wire())
    socket.data_received(upgrade(call_id, MEDIA_URL))
    socket.data_received(beginning(call_id))
    return socket


async def _services(folder: Path) -> Services:
    environment = Environment(
        calls_table="Calls",
        subscriptions_table="Subscriptions",
        sessions_table="Sessions",
        keys_table="Keys",
        push_endpoint="https://push.example.test",
        media_url=MEDIA_URL,
        gladia_secret="gladia",  # noqa: S106 - the names of secrets
        twilio_secret="twilio",  # noqa: S106
        signing_secret="signing",  # noqa: S106
        spill_dir=str(folder),
    )
    dynamodb = cast("Dynamodb", Agreeing())

    async def keys() -> Keys:
        return KEYS

    return Services(
        environment=environment,
        task="guarded",
        dynamodb=dynamodb,
        connections=cast("Connections", None),  # nobody follows
        http=cast("aiohttp.ClientSession", Granting()),
        keys=KeyRing(KEYS, keys),
        sessions=Sessions("Sessions"),
        governor=Governor(dynamodb, Slots("Sessions", CALLS), "guarded"),
        recall=None,
        spill=Spill(folder),
    )
