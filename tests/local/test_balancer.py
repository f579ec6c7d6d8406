"""The balancer sends new connections to processes that are ready, and leaves the others to end by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from socket import SO_LINGER, SOL_SOCKET

import pytest

from local.balancer import Balancer


class Backend:
    """A process: answers checks with its state, and every other connection line by line with its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.lines: list[str] = []
        self.endings: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self):
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.die()

    def die(self) -> None:
        self._server.close()
        for writer in self._writers:
            reset(writer)

    async def _serve(self, reader, writer) -> None:
        self._writers.add(writer)
        try:
            while line := (await reader.readline()).decode():
                if line.startswith("GET /readyz"):
                    writer.write(f"HTTP/1.1 {self.status} Whatever\r\ncontent-length: 0\r\n\r\n".encode())
                    break
                self.lines.append(line)
                writer.write(f"{self.name}\n".encode())
            else:
                self.endings.put_nowait("orderly")
        except ConnectionResetError:
            self.endings.put_nowait("reset")
        finally:
            self._writers.discard(writer)
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Client:
    """One connection to the balancer."""

    def __init__(self, reader, writer) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, balancer: Balancer):
        return cls(*await asyncio.open_connection("127.0.0.1", int(balancer.url.rpartition(":")[2])))

    async def ask(self) -> str:
        """Return the name of the process on the other side."""
        self.writer.write(b"who?\n")
        return (await self.reader.readline()).decode().strip()


@pytest.fixture
async def two():
    async with Backend("one") as one, Backend("two") as two, Balancer([one.port, two.port], check_s=0.01) as balancer:
        await balancer.ready([one.port, two.port])
        yield one, two, balancer


async def test_each_new_connection_goes_to_the_process_with_the_fewest(two):
    _, _, balancer = two
    clients = [await Client.to(balancer) for _ in range(2)]
    assert sorted([await client.ask() for client in clients]) == ["one", "two"]

    clients.append(await Client.to(balancer))
    third = await clients[2].ask()
    other = await Client.to(balancer)

    assert {third, await other.ask()} == {"one", "two"}


async def test_a_process_that_drains_keeps_what_it_has_and_gets_nothing_new(two):
    one, two_, balancer = two
    clients = [await Client.to(balancer) for _ in range(2)]
    names = [await client.ask() for client in clients]
    one.status = 503
    await balancer.ready([two_.port])

    assert [await (await Client.to(balancer)).ask() for _ in range(3)] == ["two"] * 3
    assert [await client.ask() for client in clients] == names


async def test_a_process_that_was_removed_keeps_what_it_has_and_gets_nothing_new(two):
    one, _, balancer = two
    clients = [await Client.to(balancer) for _ in range(2)]
    names = [await client.ask() for client in clients]

    balancer.remove(one.port)

    assert [await (await Client.to(balancer)).ask() for _ in range(3)] == ["two"] * 3
    assert [await client.ask() for client in clients] == names


async def test_with_nobody_ready_a_connection_is_answered_503(two):
    one, two_, balancer = two
    one.status = two_.status = 503
    await balancer.ready([])

    client = await Client.to(balancer)

    assert (await client.reader.read()).startswith(b"HTTP/1.1 503 ")


async def test_the_connections_of_a_process_that_died_are_dropped_and_it_gets_no_others(two):
    one, two_, balancer = two
    clients = [await Client.to(balancer) for _ in range(2)]
    (its_own,) = [client for client in clients if await client.ask() == "one"]
    one.die()

    with contextlib.suppress(ConnectionResetError):
        assert await its_own.reader.read() == b""
    await balancer.ready([two_.port])
    assert await (await Client.to(balancer)).ask() == "two"


@pytest.mark.parametrize("ending", ["orderly", "reset"])
async def test_a_connection_ends_at_the_process_as_it_ended_at_the_client(two, ending):
    one, two_, balancer = two
    client = await Client.to(balancer)
    backend = {"one": one, "two": two_}[await client.ask()]

    if ending == "orderly":
        client.writer.write(b"goodbye\n")
        client.writer.write_eof()
    else:
        reset(client.writer)

    assert await backend.endings.get() == ending
    assert backend.lines == ["who?\n", "goodbye\n"][: 1 + (ending == "orderly")]


async def test_a_process_that_was_added_gets_connections_as_soon_as_it_is_ready(two):
    one, two_, balancer = two
    one.status = two_.status = 503
    await balancer.ready([])
    async with Backend("three") as three:
        balancer.add(three.port)
        await balancer.ready([three.port])

        assert await (await Client.to(balancer)).ask() == "three"
