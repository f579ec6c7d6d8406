"""A process of the laptop ends when it is told to, and as it is told to."""

from __future__ import annotations

import sys
from pathlib import Path

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


def is_alive(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2][0] not in "ZX"


async def test_one_that_is_asked_to_end_says_its_last_and_is_gone(tmp_path):
    async with process(tmp_path, ENDS_IN_ORDER, grace_s=30) as running:
        pid = await running.said()
        running.terminate()
        await running.ended()

    assert not is_alive(pid)
    assert "farewell" in (tmp_path / "log").read_text()


async def test_one_that_is_killed_is_gone_without_a_word(tmp_path):
    async with process(tmp_path, ENDS_IN_ORDER) as running:
        pid = await running.said()
        running.kill()
        await running.ended()

    assert not is_alive(pid)
    assert "farewell" not in (tmp_path / "log").read_text()


async def test_one_that_does_not_end_in_time_is_ended(tmp_path):
    async with process(tmp_path, STUBBORN, grace_s=0.1) as running:
        pid = await running.said()
        running.terminate()
        await running.ended()

    assert not is_alive(pid)
    assert "still running" in (tmp_path / "log").read_text()


async def test_one_that_ends_before_it_is_ready_is_said_with_its_last_words(tmp_path):
    with pytest.raises(ProcessFailed, match="ended at once: no port is free"):
        async with process(tmp_path, "print('no port is free')"):
            pass
