"""What a log lacks is appended, and nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import Utterance, Word
from callscribe.gladia_transcript import Speech, Transcript
from callscribe.gladia_transcript import Word as Spelled
from callscribe.reconciliation import Place, missing
from callscribe.stored_result import Stored

PLACE = Place("S", ("MZ1/inbound", "MZ1/outbound"), begin_ms=60_000)


def said(transcript_id: str, start: float, end: float, channel: int = 0) -> Transcript:
    words = (Spelled(" Hello.", start, end, 0.9),)
    return Transcript(transcript_id, is_final=True, utterance=Speech(" Hello.", start, end, 0.9, channel, "en", words))


def entry(transcript: Transcript, place: Place = PLACE) -> Utterance:
    utterance = place.utterance(transcript)
    assert utterance is not None
    return utterance


def lacking(known: list[Transcript], *stored: Transcript) -> list[str]:
    return [each.id for each in missing(map(entry, known), Stored("done", stored), PLACE)]


def test_an_entry_stands_on_the_calls_clock_under_the_sessions_name():
    assert entry(said("01_3", 1.25, 2.0, channel=1)) == Utterance(
        leg="MZ1/outbound",
        id="S/01_3",
        text="Hello.",
        start_ms=61_250,
        end_ms=62_000,
        language="en",
        confidence=0.9,
        words=(Word(" Hello.", 61_250, 62_000, 0.9),),
    )


@pytest.mark.parametrize("channel", [-1, 2])
def test_what_is_on_a_channel_without_a_leg_becomes_no_entry(channel: int):
    assert lacking([], said("09_0", 0, 1, channel)) == []


def test_what_the_log_does_not_have_is_missing():
    assert lacking([said("00_0", 0, 1)], said("00_0", 0, 1), said("00_1", 2, 3)) == ["S/00_1"]


def test_ids_decide_where_both_have_them_however_the_times_differ():
    assert lacking([said("00_0", 0, 1)], said("00_0", 50, 51)) == []
    assert lacking([said("00_0", 0, 1)], said("00_1", 0, 1)) == ["S/00_1"]


@pytest.mark.parametrize(("known", "stored"), [("00_0", "stored:0:0"), ("stored:0:0", "00_0")])
def test_time_decides_where_one_id_was_made(known: str, stored: str):
    assert lacking([said(known, 0, 1)], said(stored, 0.2, 1.2)) == []
    assert lacking([said(known, 0, 1)], said(stored, 0.9, 2)) == [f"S/{stored}"]
    assert lacking([said(known, 0, 1)], said(stored, 0, 1, channel=1)) == [f"S/{stored}"]


def test_an_utterance_without_length_is_known_where_it_stands():
    assert lacking([said("00_0", 0, 1)], said("stored:0:500", 0.5, 0.5)) == []
    assert lacking([said("00_0", 0, 1)], said("stored:0:1500", 1.5, 1.5)) == ["S/stored:0:1500"]


def test_another_sessions_words_are_no_reason_to_leave_any_out():
    other = Place("S2", PLACE.legs, PLACE.begin_ms)
    known = [entry(said("00_0", 0, 1), other)]

    assert len(missing(known, Stored("done", (said("00_0", 0, 1), said("stored:0:0", 0, 1))), PLACE)) == 2


_spans = st.tuples(st.floats(0, 100), st.floats(0, 5), st.integers(0, 1), st.booleans())


@given(st.lists(_spans))
def test_what_was_appended_is_not_missing_again(spans: list[tuple[float, float, int, bool]]):
    transcripts = tuple(
        said(f"{'stored:' if made else ''}{number}", start, start + length, channel)
        for number, (start, length, channel, made) in enumerate(spans)
    )
    first = missing([], Stored("done", transcripts), PLACE)

    assert missing(first, Stored("done", transcripts), PLACE) == []
