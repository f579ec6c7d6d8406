"""A process that writes a call's log and may be killed at any point of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from callscribe.entries import Body, decode_body, timestamp
from callscribe.log import Log
from tests.log_table import Table

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Mortal:
    """The table Calls, and at which act on the outside the process is to be killed."""

    table: Table = field(default_factory=Table)
    dies_at: int = -1  # the act at which it is killed, before or after it
    dies_after: bool = False
    acts: int = 0

    def write(self, *bodies: Body, at: datetime = NOW - timedelta(seconds=30), call_id: str = "CA1") -> None:
        """Append `bodies` as others do."""
        for body in bodies:
            number = len(self.table.items)
            steps = Log("Calls", call_id).append(body, at=timestamp(at), tenant="acme", token=f"w{number}")
            self.table.run(steps)

    def act(self, do: Callable[[], Any]) -> Any:
        """Do something outside of the process. Raises Killed before or after it, if this is the one."""
        self.acts += 1
        if self.acts - 1 == self.dies_at and not self.dies_after:
            raise Killed
        done = do()
        if self.acts - 1 == self.dies_at:
            raise Killed
        return done

    def perform(self, steps: Any, /) -> Any:
        """Run the steps of an operation on the table, each an act."""
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            answer = self.act(lambda request=request: self.table.ask(request))

    def log(self) -> list[Body]:
        """Return what the call's log says, in order."""
        found = sorted(
            (item for (_, sk), item in self.table.items.items() if sk != "HEAD"), key=lambda it: it["sk"]["S"]
        )
        return [decode_body(item["kind"]["S"], item["body"]["S"]) for item in found]

    def of(self, kind: type) -> list[Any]:
        """Return what the log says of a kind."""
        return [body for body in self.log() if isinstance(body, kind)]
