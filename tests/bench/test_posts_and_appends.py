"""What is compared does the same, so that nothing but its cost differs."""

from __future__ import annotations

import pytest

from bench import appends, posts
from bench.aws_peer import aws_peer
from bench.in_turns import cpu_us


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def peer(request, monkeypatch):
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):  # set by the peer, and put back
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with aws_peer(tls=request.param) as origin:
        yield origin


async def test_every_way_to_post_and_to_append_is_measured(peer):
    posted = await posts.measure(peer, rounds=1, times=2)
    appended = await appends.measure(peer, rounds=1, times=2)

    assert [len(posted), len(appended)] == [6, 4]
    for (measured,) in [*posted.values(), *appended.values()]:
        assert measured > 0


async def test_ways_are_measured_in_turns_and_the_first_round_is_thrown_away():
    done = []

    async def one() -> None:
        done.append("one")

    async def other() -> None:
        done.append("other")

    found = await cpu_us({"one": one, "other": other}, rounds=2, times=1)

    assert done == ["one", "other"] * 3
    assert {name: len(measured) for name, measured in found.items()} == {"one": 2, "other": 2}
