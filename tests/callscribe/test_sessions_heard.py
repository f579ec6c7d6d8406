"""Which sessions heard a call, and what the log lacks of what they heard."""

from __future__ import annotations

from callscribe.entries import Entry, LegStarted, Utterance
from callscribe.gladia_transcript import Speech, Transcript
from callscribe.reconciliation import Place
from callscribe.sessions_heard import SessionHeard, sessions_heard
from callscribe.stored_result import Stored

IN, OUT = "MZ1/inbound", "MZ1/outbound"


def started(session, *, leg=IN, channel=0, begin_ms=0, offset_ms=0, stream="MZ1"):
    return LegStarted(
        leg=leg, party="caller", track="inbound", codec="mulaw/8000", media_stream=stream, session=session,
        channel=channel, offset_ms=offset_ms, session_begin_ms=begin_ms,
    )  # fmt: skip


def log(*bodies):
    return [Entry("CA1", seq, "2026-11-22T09:00:00.000Z", "acme", body) for seq, body in enumerate(bodies, 1)]


def spoken(number, start, end, channel=0, text="Hello."):
    return Transcript(number, is_final=True, utterance=Speech(text, start, end, 0.9, channel, "en", ()))


def heard(number, start_ms, end_ms, *, session="G1", leg=IN):
    return Utterance(
        leg=leg, id=f"{session}/{number}", text="Hello.", start_ms=start_ms, end_ms=end_ms, language="en",
        confidence=0.9, words=(),
    )  # fmt: skip


def test_a_session_of_two_tracks_has_a_leg_on_each_channel():
    found = sessions_heard(log(started("G1", leg=OUT, channel=1), started("G1")))

    assert found == [SessionHeard(Place("G1", (IN, OUT), 0))]


def test_a_session_that_another_one_followed_was_heard_until_there():
    found = sessions_heard(log(started("G1"), started("G2", begin_ms=9000), started("G3", begin_ms=20_000)))

    assert [(each.id, each.place.begin_ms, each.until_ms) for each in found] == [
        ("G1", 0, 9000),
        ("G2", 9000, 20_000),
        ("G3", 20_000, None),
    ]


def test_a_session_that_another_media_stream_went_on_with_is_one():
    found = sessions_heard(log(started("G1"), started("G1", stream="MZ2")))

    assert [(each.id, each.until_ms) for each in found] == [("G1", None)]


def test_in_older_logs_only_the_first_session_of_a_leg_has_a_place():
    found = sessions_heard(log(started("G1", begin_ms=None, offset_ms=500), started("G2", begin_ms=None)))

    assert [(each.id, each.place.begin_ms) for each in found] == [("G1", 500)]


def test_a_log_lacks_what_it_does_not_have():
    session = SessionHeard(Place("G1", (IN, OUT), 1000))
    stored = Stored("done", (spoken("00", 0, 1), spoken("01", 2, 3), spoken("02", 2, 3, channel=1)))

    lacking = session.lacking([heard("00", 1000, 2000)], stored)

    assert [(each.id, each.leg, each.start_ms) for each in lacking] == [("G1/01", IN, 3000), ("G1/02", OUT, 3000)]


def test_what_another_session_heard_is_not_lacking():
    session = SessionHeard(Place("G1", (IN, OUT), 0), until_ms=5000)
    stored = Stored("done", (spoken("00", 4, 4.8), spoken("01", 5, 6), spoken("02", 4, 4.8, channel=1)))

    lacking = session.lacking([heard("00", 4100, 4900, session="G2")], stored)

    assert [each.id for each in lacking] == ["G1/02"]


def test_words_on_a_channel_that_no_leg_is_told_of_have_no_place():
    session = SessionHeard(Place("G1", ("", OUT), 0))

    assert session.lacking([], Stored("done", (spoken("00", 0, 1), spoken("01", 0, 1, channel=3)))) == []
