"""One run of the sweep: which calls need to be looked after, each by itself, and what came of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from callscribe.entries import timestamp
from callscribe.errors import CallscribeError, MalformedMessage
from callscribe.in_progress import InProgress
from functions.sweep.care import Care

YOUNG = timedelta(minutes=2)  # a call that began later may not have a media stream yet
MARGIN_S = 15.0  # one call takes no longer: three requests of five seconds

FAILED = "failed"
POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that could not be looked after; the next run tries again."""

    call_id: str
    why: str  # fit for a log


@dataclass(slots=True)
class Report:
    """What a run came to."""

    calls: Counter[str] = field(default_factory=Counter)  # by what became of them: see Outcome
    troubles: list[Trouble] = field(default_factory=list)
    tasks_forgotten: int = 0
    bugs: list[BaseException] = field(default_factory=list)  # of single calls; the others were looked after


@dataclass(frozen=True, slots=True)
class _Found:
    calls: list[str]
    alive: frozenset[str]
    empty_tasks: list[str]
    troubles: list[Trouble]


def run(care: Care, *, now: datetime, workers: Executor, time_left_s: Callable[[], float]) -> Report:
    """Look after every call that may need it, some at once, and begin none when the time is nearly over.

    Raises Unavailable if the tables can't be read.
    """
    found = _find(care, now)
    report = Report(troubles=found.troubles)

    def look_after(call_id: str) -> str | Trouble:
        if time_left_s() < MARGIN_S:
            return POSTPONED
        try:
            return care.look_after(call_id, alive=found.alive, now=now)
        except MalformedMessage as error:
            return Trouble(call_id, f"malformed: {error.kind}")  # the message may quote what was said
        except CallscribeError as error:
            return Trouble(call_id, str(error))
        except ClientError as error:
            return Trouble(call_id, f"aws: {error.response['Error']['Code']}")

    running = [workers.submit(look_after, call_id) for call_id in found.calls]
    for task in found.empty_tasks:
        care.perform(care.sessions.forget_task(task))
        report.tasks_forgotten += 1
    for each in running:
        if (bug := each.exception()) is not None:
            report.bugs.append(bug)
            continue
        match each.result():
            case Trouble() as trouble:
                report.troubles.append(trouble)
            case outcome:
                report.calls[str(outcome)] += 1
    report.calls[FAILED] += len(report.troubles) + len(report.bugs)
    return report


def _find(care: Care, now: datetime) -> _Found:
    """Return the calls to look after: those of dead tasks first, then those in progress that nobody owns."""
    now_ms = round(1000 * now.timestamp())
    orphaned: dict[str, None] = {}
    owned: set[str] = set()
    alive: set[str] = set()
    empty: list[str] = []
    troubles: list[Trouble] = []
    for task in care.perform(care.sessions.tasks()):
        is_stale = task.is_stale(now_ms=now_ms)
        if not is_stale:
            alive.add(task.id)
        try:
            records = care.perform(care.sessions.of_task(task.id))
        except MalformedMessage as error:
            troubles.append(Trouble("", f"malformed: {error.kind} of task {task.id}"))
            continue
        if is_stale and not records:
            empty.append(task.id)
        for record in records:
            if is_stale or record.released:
                orphaned[record.call_id] = None
            else:
                owned.add(record.call_id)
    listed = care.perform(InProgress(care.calls_table).before(timestamp(now - YOUNG)))
    others = [call_id for call_id in listed if call_id not in owned and call_id not in orphaned]
    # In another order each minute, so that the same ones are not always those for which there is no time.
    chance = random.Random(now_ms)  # noqa: S311 - to be repeated, not to be secret
    first = list(orphaned)
    chance.shuffle(first)
    chance.shuffle(others)
    return _Found([*first, *others], frozenset(alive), empty, troubles)
