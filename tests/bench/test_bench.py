"""What `make bench` tells of, and what it does not; and its load, heard by the dialect that it claims to speak."""

from __future__ import annotations

import asyncio

import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from bench.__main__ import Round, distrust
from bench.floor import Discarding
from bench.load import FIRST_MS, Caller
from bridge.dialects.events import Audio, Started, Stopped
from bridge.dialects.twilio import TwilioDialect


def a_round(*, share: float = 0.2, late_s: float = 0.001, complete: bool = True) -> Round:
    return Round(25, share, (0.3, 0.4), late_s, complete=complete, memory_kb=70_000)


@pytest.mark.parametrize(
    ("rounds", "reason"),
    [
        ([a_round(), a_round(share=0.25)], ""),
        ([a_round(), a_round(late_s=0.031)], "the load was up to 31 ms late"),
        ([a_round(), a_round(complete=False)], "what came out is not what went in"),
        ([a_round(share=0.1), a_round(share=0.2)], "rounds took from 10% to 20% of a core"),
    ],
)
def test_what_does_not_tell_of_the_bridge_is_not_told_of(rounds, reason):
    assert distrust(rounds) == reason


class Serving(asyncio.Protocol):
    """A socket as the bridge has it: websockets' Sans-I/O core, and Twilio's dialect."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self._protocol = ServerProtocol()
        self._dialect = TwilioDialect()

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                assert event.opcode is Opcode.TEXT
                self.heard += self._dialect.receive(bytes(event.data))
            else:
                self._protocol.send_response(self._protocol.accept(event))
        self._transport.writelines(self._protocol.data_to_send())
        if self.heard and isinstance(self.heard[-1], Stopped):
            self._transport.close()


async def test_the_load_is_what_twilio_sends():
    socket = Serving()
    server = await asyncio.get_running_loop().create_server(lambda: socket, "127.0.0.1", 0)
    async with server:
        caller = Caller("CA0", f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await caller.open()
        for tick in range(3):
            caller.send(tick)
        caller.hang_up()
        await caller.close()

    started, *audio, stopped = socket.heard
    assert isinstance(started, Started)
    assert isinstance(stopped, Stopped)
    assert [(each.track, each.media_ms, len(each.audio)) for each in audio if isinstance(each, Audio)] == [
        (track, FIRST_MS + 20 * tick, 160) for tick in range(3) for track in ("inbound", "outbound")
    ]
    assert stopped.is_proper


async def test_the_floor_lets_the_load_in_and_says_no_more():
    server = await asyncio.get_running_loop().create_server(Discarding, "127.0.0.1", 0)
    async with server:
        caller = Caller("CA0", f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await caller.open()
        caller.send(0)
        caller.leave()
