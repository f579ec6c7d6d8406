"""Latency is counted from the sound of a word to the screen."""

from __future__ import annotations

import pytest

from callscribe.entries import CallEnded, Entry, Ledger, LegEnded, LegStarted, Utterance, Word
from callscribe.messages import PartialMessage
from local.measures import Latencies, Seen, measure
from local.twilio.report import MediaStreamReport

LEG = LegStarted(
    leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
    channel=0, offset_ms=0,
)  # fmt: skip
# Each 20 ms frame was sent as it ended: media time 0 is second 100 of the clock.
STREAM = MediaStreamReport(
    stream_sid="MZ1", name=None, tracks=("inbound",), opened=True, status=101, problem=None, messages_sent=0,
    bytes_sent={}, bytes_dropped={}, audio_begins_ms={}, frames_sent_at_s=[100 + 0.02 * (n + 1) for n in range(200)],
)  # fmt: skip
SAID = Utterance(
    leg="MZ1/inbound", id="G1/0", text="Good morning.", start_ms=0, end_ms=1000, language="en", confidence=0.9,
    words=(Word(" Good", 0, 400, 0.9), Word(" morning.", 400, 1000, 0.9)),
)  # fmt: skip


def entry(seq: int, body, at_s: float = 101.5) -> Seen:
    return Seen(Entry("CA1", seq, "now", "default", body), at_s)


def partial(text: str, at_s: float) -> Seen:
    message = PartialMessage(
        call_id="CA1", leg="MZ1/inbound", party="caller", id="G1/0", text=text, start_ms=0, end_ms=0, after=1
    )
    return Seen(message, at_s)


def test_a_words_latency_is_that_of_the_first_partial_that_shows_it():
    seen = [
        entry(1, LEG),
        partial("Could", 100.55),
        partial("Good", 100.7),
        partial("Good mourning", 101.1),
        partial("Good morning", 101.3),
        entry(2, SAID, at_s=101.5),
    ]
    measures = measure(seen, [STREAM], {"caller": "good morning"})

    assert measures.partials.values_ms == pytest.approx((300, 300))
    assert measures.finals.values_ms == pytest.approx((500,))
    assert measures.words["caller"].wrong == 0


def test_a_wrong_word_before_it_does_not_hide_a_word():
    seen = [entry(1, LEG), partial("Oh could morning", 101.3), entry(2, SAID, at_s=101.5)]

    assert measure(seen, [STREAM], {"caller": ""}).partials.values_ms == pytest.approx((300,))


def test_a_word_is_not_shown_before_it_is_spoken():
    again = Utterance(
        leg="MZ1/inbound", id="G1/0", text="No no", start_ms=0, end_ms=1000, language="en", confidence=0.9,
        words=(Word(" No", 0, 400, 0.9), Word(" no", 600, 1000, 0.9)),
    )  # fmt: skip
    seen = [entry(1, LEG), partial("no", 100.5), partial("no no", 101.2), entry(2, again)]

    assert measure(seen, [STREAM], {"caller": ""}).partials.values_ms == pytest.approx((100, 200))


def test_a_word_that_only_the_final_showed_is_no_partials_merit():
    measures = measure([entry(1, LEG), partial("Good", 100.7), entry(2, SAID)], [STREAM], {"caller": "good morning"})

    assert len(measures.partials.values_ms) == 1


def test_nothing_heard_is_said_so():
    measures = measure([entry(1, CallEnded(reason="completed", duration_ms=1))], [], {"caller": "good morning"})

    assert not measures.heard_anything
    assert measures.finals.quantile(0.5) is None


def test_quantiles_are_taken_over_all_latencies():
    latencies = Latencies(tuple(float(value) for value in range(101)))

    assert (latencies.quantile(0.5), latencies.quantile(0.95)) == (50, 95)


def test_a_call_is_complete_once_every_leg_has_ended_and_all_was_acknowledged():
    ended = LegEnded(leg="MZ1/inbound", ledger=Ledger(heard=8, sent=8, acknowledged=8), sessions=1, reconnects=0)
    over = CallEnded(reason="completed", duration_ms=1)

    assert measure([entry(1, LEG), entry(2, ended), entry(3, over)], [STREAM], {}).call.settled
    assert not measure([entry(1, LEG), entry(2, over)], [STREAM], {}).call.settled
