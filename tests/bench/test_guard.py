"""What is guarded runs, and comes out whole; and what is dearer than what was kept is told."""

from __future__ import annotations

import json

import pytest

from bench.guard import __main__ as guard
from bench.guard.audio import CALLS, hot_path
from bench.guard.reference import Libraries
from bench.guard.writing import finals, posts


@pytest.mark.parametrize(
    ("ratio", "said"), [(2.0, ""), (2.29, ""), (2.32, "16% worse"), (1.7, "15% better: keep it, by --keep")]
)
def test_what_is_worse_is_told(ratio, said):
    assert guard.judged(ratio, 2.0) == said


async def test_media_streams_go_through_the_hot_path_whole():
    async with hot_path() as say:
        assert say(range(10)) == 2 * CALLS * 10


async def test_a_byte_that_does_not_come_out_is_told():
    with pytest.raises(RuntimeError, match="not what went in"):
        async with hot_path() as say:
            say(range(7))  # the last chunk is not complete


def test_the_libraries_alone_hear_as_many_messages():
    assert Libraries().say(range(10)) == 2 * CALLS * 10


async def test_finals_are_written_and_posts_are_taken():
    async with finals() as write, posts() as post:
        await write()
        await write()
        await post()


@pytest.mark.parametrize(("kept", "status"), [(1.0, 0), (0.9, 0), (0.8, 1)])
def test_the_exit_status_tells(monkeypatch, tmp_path, kept, status):
    monkeypatch.setattr(guard, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(guard, "instructions", lambda _name: 1000.0)
    monkeypatch.setattr(guard.sys, "argv", ["guard"])
    guard.KEPT.write_text(json.dumps(dict.fromkeys(guard.MEANS, kept)))

    assert guard.main() == status


def test_what_cannot_be_counted_is_no_success(monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert guard.main() == 2
