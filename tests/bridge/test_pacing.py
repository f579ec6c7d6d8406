from __future__ import annotations

from bridge.pacing import Pacing
from bridge.telling import Partial


def partial(text: str, *, leg: str = "a", utterance: str = "1") -> Partial:
    return Partial(leg, "caller", utterance, text, 0, 100)


def test_the_first_partial_is_shown_at_once():
    pacing = Pacing()
    pacing.offer(partial("good"))

    assert pacing.take(now=10) == [partial("good")]
    assert pacing.due is None


def test_after_that_only_the_newest_is_shown_and_not_too_soon():
    pacing = Pacing(interval_s=0.25)
    pacing.offer(partial("good"))
    pacing.take(now=10)
    pacing.offer(partial("good mor"))
    pacing.offer(partial("good morning"))

    assert pacing.take(now=10.1) == []
    assert pacing.due == 10.25
    assert pacing.take(now=10.25) == [partial("good morning")]


def test_two_parties_who_talk_at_once_are_shown_together():
    pacing = Pacing()
    pacing.offer(partial("yes", leg="a"))
    pacing.offer(partial("no", leg="b"))

    assert pacing.take(now=10) == [partial("yes", leg="a"), partial("no", leg="b")]


def test_a_partial_whose_utterance_is_final_is_not_shown_any_more():
    pacing = Pacing()
    pacing.offer(partial("good"))
    pacing.take(now=10)
    pacing.offer(partial("good morning", utterance="1"))
    pacing.settle("1")

    assert pacing.due is None
    assert pacing.take(now=11) == []
