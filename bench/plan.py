"""What is measured with how many calls, and in which turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bench.rounds import Round
from bench.subjects import EVERYTHING, FLOOR, PIPECAT, PLAIN, RELAY, RELAY_TLS, SDK
from bench.trust import is_disturbed, overloaded

# Loads at which the delay is told; how many calls make them is found in the first round.
SHARES = (0.7, 0.9)
STEP = 5  # calls


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """A subject, by name, with so many calls at once."""

    subject: str
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole run."""

    seconds: float
    rounds: int
    compared: Sequence[Case]  # in every round
    curves: Mapping[str, Sequence[int]] = field(default_factory=dict)  # by subject; each up to where its core is full
    curve_rounds: int = 0
    loaded: bool = False  # whether the calls are looked for that make `SHARES` of a core


_FEW = (
    Case(FLOOR.name, 3), Case(FLOOR.name, 10), Case(RELAY.name, 10), Case(EVERYTHING.name, 10), Case(PLAIN.name, 10),
    Case(SDK.name, 3), Case(PIPECAT.name, 10),
)  # fmt: skip
QUICK = Plan(
    seconds=4,
    rounds=2,
    compared=_FEW,
    curves={RELAY.name: (25, 50), RELAY_TLS.name: (50,), FLOOR.name: (50,)},
    curve_rounds=2,
)
WHOLE = Plan(
    seconds=10,
    rounds=5,
    compared=_FEW,
    curves={
        RELAY.name: (25, 50, 100, 200, 300, 500, 750, 1000),
        RELAY_TLS.name: (50, 100, 200, 500),
        EVERYTHING.name: (25, 50, 100, 200, 500),
        FLOOR.name: (50, 100, 500),
    },
    curve_rounds=3,
    loaded=True,
)


def turns(plan: Plan, measured: Mapping[Case, Sequence[Round]], number: int) -> Iterator[Case]:
    """Yield the cases of round `number`, from 0 on; each has to be in `measured` before the next one is asked for."""
    for wanted in (plan.compared, _along_curves(plan, measured, number), _loaded(plan, measured)):
        for case in wanted:
            if len(measured.get(case, ())) <= number:
                yield case


def loaded_calls(plan: Plan, measured: Mapping[Case, Sequence[Round]], share: float) -> int | None:
    """Return with how many calls the relay takes that share of a core, by the first round of its curve.

    None if the curve ends below.
    """
    cases = [case for calls in plan.curves.get(RELAY.name, ()) if (case := Case(RELAY.name, calls)) in measured]
    points = [(0, 0.0), *((case.calls, measured[case][0].cpu_share) for case in cases)]
    for (calls, below), (more, above) in pairwise(points):
        if below < share <= above:
            exact = calls + (more - calls) * (share - below) / (above - below)
            return max(round(exact / STEP), 1) * STEP
    return None


def _along_curves(plan: Plan, measured: Mapping[Case, Sequence[Round]], number: int) -> Iterator[Case]:
    for subject, counts in plan.curves.items() if number < plan.curve_rounds else ():
        for calls in counts:
            case = Case(subject, calls)
            if number > 0 and _ends(measured.get(case, ())):
                break  # known from the first round; to see it again would tell nothing
            yield case
            if _ends(measured.get(case, ())):
                break


def _ends(rounds: Sequence[Round]) -> bool:
    # Of a round that others disturbed it is not known whose the core was.
    return bool(rounds) and not is_disturbed(rounds[0]) and (rounds[0].is_full or bool(overloaded(rounds[:1])))


def _loaded(plan: Plan, measured: Mapping[Case, Sequence[Round]]) -> Iterator[Case]:
    if plan.loaded:
        for share in SHARES:
            if calls := loaded_calls(plan, measured, share):
                yield from (Case(RELAY.name, calls), Case(FLOOR.name, calls))
