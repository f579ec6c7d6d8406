"""Audio that waits to be acknowledged."""

from __future__ import annotations

import pytest

from bridge.backlog import Backlog


def holding(audio: bytes, **options) -> Backlog:
    backlog = Backlog(limit_bytes=8000, **options)
    backlog.append(audio)
    backlog.send()
    return backlog


def test_a_resumed_session_is_sent_only_what_was_not_acknowledged():
    backlog = holding(b"a" * 160 + b"b" * 160)
    backlog.acknowledge(160)

    assert backlog.unacknowledged() == b"b" * 160
    assert (backlog.acknowledged, backlog.end) == (160, 320)


@pytest.mark.parametrize("end", [0, 100, 160, -5])
def test_a_late_or_repeated_acknowledgement_changes_nothing(end):
    backlog = holding(b"a" * 160 + b"b" * 160)
    backlog.acknowledge(160)
    backlog.acknowledge(end)

    assert backlog.unacknowledged() == b"b" * 160


def test_what_was_never_sent_can_t_have_been_acknowledged():
    backlog = holding(b"a" * 160)
    backlog.append(b"b" * 160)
    backlog.acknowledge(10**9)

    assert backlog.unacknowledged() == b"b" * 160


def test_a_replay_never_begins_inside_a_sample_of_both_channels():
    backlog = holding(b"abc" * 160, frame_bytes=3)
    backlog.acknowledge(160)

    assert backlog.acknowledged == 159


def test_a_position_one_short_of_a_whole_sample_is_that_of_the_last_byte():
    backlog = holding(b"ab" * 160, frame_bytes=2)
    backlog.acknowledge(159)

    assert backlog.acknowledged == 160


def test_a_position_one_short_of_all_that_was_sent_is_that_of_the_last_byte():
    backlog = holding(b"a" * 160)
    backlog.append(b"a" * 160)
    backlog.acknowledge(159)

    assert backlog.acknowledged == 160


def test_room_ends_at_the_limit():
    backlog = holding(b"a" * 7840)

    assert backlog.has_room(160)
    assert not backlog.has_room(161)


def test_it_may_begin_anywhere():
    backlog = Backlog(limit_bytes=8000, frame_bytes=2)
    backlog.begin(1601)

    assert (backlog.acknowledged, backlog.end) == (1600, 1600)
