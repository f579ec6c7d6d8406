"""The calls of the simulated Twilio: on the line, asked for media streams, hung up."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from local.twilio.account import new_sid
from local.twilio.recordings import Recordings
from local.twilio.rest import RestServer
from local.twilio.switchboard import CallRecord, StreamRecord, Switchboard
from tests.path.rights.deployment import ACCOUNT


@dataclass(slots=True)
class Line:
    """A call that the deployment has not heard of."""

    sid: str = field(default_factory=lambda: new_sid("CA"))
    ended_at_s: float | None = None
    asked: list[Any] = field(default_factory=list)

    def record(self) -> CallRecord:
        over = self.ended_at_s is not None
        status = "completed" if over else "in-progress"
        return CallRecord(
            self.sid, "+12025550101", "+12025550188", "inbound", status, time.time() - 60, self.ended_at_s,
            42 if over else None,
        )  # fmt: skip

    def attach(self, verb: Any) -> StreamRecord:
        self.asked.append(verb)
        return StreamRecord(new_sid("MZ"), verb.name, "in-progress")

    def detach(self, _name: str) -> None:
        return None

    def record_from_now(self, recording: Any) -> None:
        self.asked.append(recording)

    def hang_up(self) -> None:
        self.ended_at_s = time.time()


@dataclass(slots=True)
class Carrier:
    """Twilio's REST API, and who is on the line."""

    url: str
    _switchboard: Switchboard

    @property
    def recordings(self) -> Recordings:
        """Its recordings."""
        return self._switchboard.recordings

    def call(self) -> Line:
        """Return a call that has just been answered."""
        line = Line()
        self._switchboard.connect(line)
        return line


@asynccontextmanager
async def carrier() -> AsyncIterator[Carrier]:
    switchboard = Switchboard()
    async with RestServer(ACCOUNT, switchboard) as server:
        yield Carrier(server.url, switchboard)
