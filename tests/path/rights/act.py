"""Something that a process does, and the rights that it takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callscribe.errors import CallscribeError
from local.aws.stream_services import Away
from tests.path.rights.right import Right


class FunctionFailed(Exception):
    """A function ended in an error; the message is its own."""


# How an act ends that isn't done.
NOT_DONE = (AssertionError, FunctionFailed, CallscribeError, Away)


@dataclass(frozen=True, slots=True)
class Act:
    """`do` does it once, with a call of its own, and raises one of NOT_DONE unless it was done.

    `needs` are the rights that it takes when the process has just started, and no others.
    """

    claim: str
    needs: frozenset[Right]
    do: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a process does. `start_anew` has it forget the secrets and settings that it keeps for a minute."""

    acts: list[Act]
    start_anew: Callable[[], Awaitable[None]]

    def needs(self) -> set[Right]:
        return {right for act in self.acts for right in act.needs}

    def act_with(self, right: Right) -> Act:
        return next(act for act in self.acts if right in act.needs)
