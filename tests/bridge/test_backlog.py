from __future__ import annotations

import pytest

from bridge.backlog import Backlog
from callscribe.errors import Overloaded


def test_a_resumed_session_is_sent_only_what_was_not_acknowledged():
    backlog = Backlog(limit_bytes=8000)
    backlog.append(b"a" * 160 + b"b" * 160)
    backlog.acknowledge(160)

    assert backlog.unacknowledged() == b"b" * 160


def test_a_late_or_repeated_acknowledgement_changes_nothing():
    backlog = Backlog(limit_bytes=8000)
    backlog.append(b"a" * 160 + b"b" * 160)
    backlog.acknowledge(160)
    backlog.acknowledge(160)
    backlog.acknowledge(80)

    assert (backlog.acknowledged, backlog.end) == (160, 320)


def test_a_replay_never_begins_inside_a_sample_of_both_channels():
    backlog = Backlog(limit_bytes=8000, frame_bytes=2)
    backlog.append(b"ab" * 160)
    backlog.acknowledge(159)

    assert backlog.unacknowledged() == b"ab" * 81


def test_more_than_the_limit_is_refused_and_nothing_is_shifted():
    backlog = Backlog(limit_bytes=160)
    backlog.append(b"a" * 160)

    with pytest.raises(Overloaded):
        backlog.append(b"b")
    assert backlog.unacknowledged() == b"a" * 160
