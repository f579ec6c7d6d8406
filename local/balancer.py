"""A load balancer before several bridges: one address, and each new connection goes to a process that is ready.

It passes bytes on and reads none, keeps a connection where it began, and ends it as its other side ends: orderly, or by
a reset. Two things differ from the balancer in AWS (`infra/media_ingress.py`). It asks `/readyz` each half second, so
that neither a process that drains nor one that died gets anything new; AWS's asks `/healthz` each ten seconds and takes
a process for dead after three failures, as a failed check would end a task with its calls, and learns from ECS which
tasks leave. And a connection that was closed on one side may not stay half open for minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from types import TracebackType
from typing import Self

CHECK_S = 0.5
PATIENCE_S = 5.0  # for a connection to a process, for its answer to a check, for the second half of an end
_PIECE_BYTES = 65536
_RESET_AT_ONCE = struct.pack("ii", 1, 0)  # lingering for 0 s is a reset
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(slots=True, eq=False)
class Target:
    """One process behind the balancer, on a port of this machine."""

    port: int
    is_ready: bool = False
    connections: set[asyncio.Task[None]] = field(default_factory=set)


class Balancer:
    """Balances while it is entered; `url` is the address to give to carriers."""

    def __init__(self, ports: Iterable[int] = (), *, check_s: float = CHECK_S, path: str = "/readyz") -> None:
        """`path` is asked of each process every `check_s` seconds; whoever answers 200 gets new connections."""
        self.targets = [Target(port) for port in ports]
        self._leaving: set[Target] = set()
        self._check_s = check_s
        self._path = path
        self._changed = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen, on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._checking = asyncio.create_task(self._check_all(), name="balancer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop every connection."""
        self._server.close()
        tasks = {self._checking, *(task for target in (*self.targets, *self._leaving) for task in target.connections)}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def add(self, port: int) -> Target:
        """Balance over one process more."""
        target = Target(port)
        self.targets.append(target)
        return target

    def remove(self, port: int) -> None:
        """Send a process nothing new, as ECS has it done before it stops a task; what it has stays."""
        self._leaving.update(target for target in self.targets if target.port == port)
        self.targets = [target for target in self.targets if target.port != port]
        self._changed.set()

    async def ready(self, ports: Iterable[int]) -> None:
        """Wait until exactly the processes on these ports are sent new connections."""
        wanted = set(ports)
        await self.until(lambda: {target.port for target in self.targets if target.is_ready} == wanted)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the processes' states are such that it `holds`."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def _check_all(self) -> None:
        while True:
            targets = list(self.targets)
            answers = await asyncio.gather(*(self._is_ready(target) for target in targets))
            for target, is_ready in zip(targets, answers, strict=True):
                if target.is_ready is not is_ready:
                    target.is_ready = is_ready
                    self._changed.set()
            await asyncio.sleep(self._check_s)

    async def _is_ready(self, target: Target) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
                try:
                    writer.write(f"GET {self._path} HTTP/1.1\r\nhost: balancer\r\nconnection: close\r\n\r\n".encode())
                    status = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return status.startswith(b"HTTP/1.1 200 ")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [target for target in self.targets if target.is_ready]
        if not ready:
            await _refuse(writer, _UNAVAILABLE)
            return
        target = min(ready, key=lambda target: len(target.connections))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        target.connections.add(task)
        try:
            await _carry(target.port, reader, writer)
        finally:
            target.connections.discard(task)


async def _carry(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect the client to the process on `port` until both sides have ended."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            its_reader, its_writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        await _refuse(writer, _BAD_GATEWAY)
        return
    directions = {
        asyncio.create_task(_pass_on(reader, its_writer)),
        asyncio.create_task(_pass_on(its_reader, writer)),
    }
    try:
        _, open_ones = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(open_ones or directions, timeout=PATIENCE_S)
    finally:
        for direction in directions:
            direction.cancel()
        for each in (writer, its_writer):
            each.close()  # what is still in it goes out


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and then how it ended: FIN for FIN, RST for RST."""
    try:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET_AT_ONCE)
        writer.transport.abort()


async def _refuse(writer: asyncio.StreamWriter, answer: bytes) -> None:
    with contextlib.suppress(OSError):
        writer.write(answer)
        await writer.drain()
    writer.close()
