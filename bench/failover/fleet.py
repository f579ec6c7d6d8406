"""Several bridges behind a balancer, sharing one world's tables; each can be killed, or asked to go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.chaos.world import World
from bench.ports import free_port
from local.balancer import Balancer
from local.gladia.settings import Settings
from local.process import Process

# The bridge has `drain_s` for its calls, and some seconds more for their last entries.
LAST_ENTRIES_S = 10


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One of the bridges."""

    process: Process
    port: int
    log: Path

    def calls(self) -> set[str]:
        """Return the calls whose media streams it has, by its log."""
        streams: dict[str, str] = {}
        for line in self.lines():
            if line.get("message") == "media stream opened":
                streams[line["media_stream"]] = line["call_id"]
            elif line.get("message") == "media stream closed":
                streams.pop(line["media_stream"], None)
        return set(streams.values())

    def lines(self) -> list[dict[str, Any]]:
        """Return what it has logged; what is no JSON, such as a traceback, comes as a message."""
        return [_line(text) for text in self.log.read_text(errors="replace").splitlines()]


class Fleet(World):
    """Runs while it is entered."""

    def __init__(self, size: int = 2, *, name: str = "failover", drain_s: int = 30,
                 patience: Mapping[str, float] | None = None) -> None:  # fmt: skip
        super().__init__(Settings(), name=name, drain_s=drain_s, patience=patience)
        self.members: list[Member] = []
        self.balancer = Balancer()
        self._size = size
        self._processes = contextlib.AsyncExitStack()

    async def add(self) -> Member:
        """Start another bridge; return it when it gets calls."""
        port = free_port()
        log = self.log_path.with_name(f"{self.log_path.stem}-{len(self.members)}.log")
        process = self._bridge(port, log, grace_s=self._drain_s + LAST_ENTRIES_S)
        member = Member(process, port, log)
        self.members.append(member)
        await self._processes.enter_async_context(process)
        target = self.balancer.add(port)
        await self.balancer.until(lambda: target.is_ready)
        return member

    def fullest(self) -> Member:
        """Return the bridge that has most calls."""
        return max(self.members, key=lambda member: len(member.calls()))

    def retire(self, member: Member) -> None:
        """Ask a bridge to go, as ECS does: the balancer sends it nothing new, then it gets SIGTERM."""
        self.balancer.remove(member.port)
        member.process.terminate()

    async def _answer(self, stack: contextlib.AsyncExitStack) -> None:
        await stack.enter_async_context(self.balancer)
        self.media_url = self.balancer.url
        await stack.enter_async_context(self._processes)
        await asyncio.gather(*(self.add() for _ in range(self._size)))


def _line(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"level": "ERROR", "message": text}
