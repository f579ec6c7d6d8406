"""A process of the laptop ends when it is told to, and as it is told to.

That it has ended is known from its output: the pipe closes when the last of it is gone.
"""

from __future__ import annotations

import sys

import pytest

from local.process import Process, ProcessFailed

SAYS_WHO_IT_IS = """
import os, signal, sys
signal.signal(signal.SIGTERM, {on_term})
print('{{"pid": %d}}' % os.getpid(), flush=True)
while True:
    signal.pause()
"""
ENDS_IN_ORDER = SAYS_WHO_IT_IS.format(on_term="lambda *_: sys.exit('farewell')")
STUBBORN = SAYS_WHO_IT_IS.format(on_term="signal.SIG_IGN")


def process(tmp_path, program: str, **options) -> Process:
    return Process(
        "the process",
        [sys.executable, "-c", program],
        log=tmp_path / "log",
        ready=lambda line: str(line["pid"]),
        **options,
    )


async def test_one_that_is_asked_to_end_says_its_last(tmp_path):
    async with process(tmp_path, ENDS_IN_ORDER, grace_s=30) as running:
        running.terminate()
        await running.ended()

    assert "farewell" in (tmp_path / "log").read_text()


async def test_one_that_is_killed_ends_without_a_word(tmp_path):
    async with process(tmp_path, ENDS_IN_ORDER) as running:
        running.kill()
        await running.ended()

    assert "farewell" not in (tmp_path / "log").read_text()


async def test_one_that_does_not_end_in_time_is_ended(tmp_path):
    async with process(tmp_path, STUBBORN, grace_s=0.1) as running:
        running.terminate()
        await running.ended()

    assert "still running" in (tmp_path / "log").read_text()


async def test_one_that_ends_before_it_is_ready_is_said_with_its_last_words(tmp_path):
    with pytest.raises(ProcessFailed, match="ended at once: no port is free"):
        async with process(tmp_path, "print('no port is free')"):
            pass
