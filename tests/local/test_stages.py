"""What a start takes, and what happens at once in it."""

from __future__ import annotations

import asyncio
import io

import msgspec
import pytest
from rich.console import Console

from local.stages import Stage, Stages, since_start, together


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stages(clock) -> Stages:
    return Stages(clock=clock)


def test_stages_that_overlap_are_told_each_by_its_own_time(stages, clock):
    with stages.timed("outer"):
        clock.now_s = 1.0
        with stages.timed("inner"):
            clock.now_s = 3.0
        clock.now_s = 4.0

    assert stages.ended == (Stage("inner", 1.0, 3.0), Stage("outer", 0.0, 4.0))


async def test_what_is_awaited_is_a_stage_and_has_its_result(stages, clock):
    async def work() -> str:
        clock.now_s = 2.0
        return "done"

    assert await stages.during("work", work()) == "done"
    assert stages.ended == (Stage("work", 0.0, 2.0),)


def test_a_stage_that_fails_is_none(stages):
    with pytest.raises(ValueError, match="why"), stages.timed("failing"):
        raise ValueError("why")

    assert stages.ended == ()


def test_each_step_lasts_until_another_kind_begins(stages, clock):
    step = stages.steps("the deployment")
    for what in ("bundles", "stack one", "stack two", "settings", "deployed"):
        step(what)
        clock.now_s += 1.0

    assert stages.ended == (
        Stage("the deployment: bundles", 0.0, 1.0),
        Stage("the deployment: stack", 1.0, 3.0),
        Stage("the deployment: settings", 3.0, 4.0),
    )


def test_they_are_shown_by_their_beginnings_and_written_as_they_are(stages, tmp_path):
    stages.end("later", 2.0, ended_s=4.0)
    stages.end("first", 0.0, ended_s=2.0)
    console = Console(file=io.StringIO(), width=100)

    console.print(stages.table())
    stages.write(tmp_path / "timings.json")

    text = console.file.getvalue()
    assert text.index("first") < text.index("later")
    assert msgspec.json.decode((tmp_path / "timings.json").read_bytes(), type=list[Stage]) == list(stages.ended)


def test_the_clock_is_the_processs_own():
    first_s = since_start()

    assert 0 < first_s <= since_start()


async def test_what_is_done_at_once_answers_in_order():
    began = asyncio.Event()

    async def waits() -> str:
        await began.wait()
        return "first"

    async def begins() -> str:
        began.set()
        return "second"

    assert await together(waits(), begins()) == ["first", "second"]


async def test_where_one_fails_the_others_are_over_before_it_is_told():
    ended = []

    async def others() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("others")

    async def fails() -> None:
        raise ValueError("why")

    with pytest.raises(ValueError, match="why"):
        await together(others(), fails())
    assert ended == ["others"]
