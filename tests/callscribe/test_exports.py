"""Transcripts in the formats of others, read back by others' parsers."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import msgspec
import pytest
import srt
import webvtt as webvtt_judge
from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import (
    CallEnded,
    Dtmf,
    Entry,
    Ledger,
    LegEnded,
    LegGap,
    LegStarted,
    Utterance,
    Word,
)
from callscribe.exports.cues import CUE_CHARACTERS, CUE_MS, cues
from callscribe.exports.document import TranscriptDocument
from callscribe.exports.formats import FORMATS
from callscribe.exports.plain_text import clock, plain
from callscribe.transcript import Line, transcript

NASTY = 'a <b>bold</b> & <v Agent>-->{\\an8}\r\n\r\n2\x1b[31m\u202ered\u2028line "quoted", =1+1'


def leg(name: str, party: str) -> LegStarted:
    return LegStarted(
        leg=name, party=party, track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0,
    )  # fmt: skip


def said(text: str, *, leg: str = "a", start_ms: int = 1000, end_ms: int = 2000, words: tuple[Word, ...] = ()):
    return Utterance(
        leg=leg, id=f"{leg}{start_ms}", text=text, start_ms=start_ms, end_ms=end_ms, language="en", confidence=0.9,
        words=words,
    )  # fmt: skip


def log_of(*bodies) -> list[Entry]:
    return [Entry("CA1", seq, "2026-11-22T09:15:02.417Z", "acme", body) for seq, body in enumerate(bodies, start=1)]


def written(name: str, *bodies) -> str:
    return FORMATS[name].write("CA1", log_of(leg("a", "caller"), leg("b", "agent"), *bodies))


def captions(text: str) -> list:
    return list(webvtt_judge.from_buffer(io.StringIO(text)))


def test_webvtt_names_the_speaker_of_each_cue():
    caption, *rest = captions(written("vtt", said("Good morning.", start_ms=3_661_001, end_ms=3_662_500)))

    assert rest == []
    assert (caption.start, caption.end) == ("01:01:01.001", "01:01:02.500")
    assert (caption.voice, caption.text) == ("caller", "Good morning.")


def test_subrip_says_who_speaks_before_what_is_said():
    (subtitle,) = srt.parse(written("srt", said("Good morning.", leg="b")))

    assert (subtitle.start, subtitle.end) == (timedelta(seconds=1), timedelta(seconds=2))
    assert subtitle.content == "agent: Good morning."


def test_text_is_one_line_an_utterance_in_the_order_of_speech():
    text = written("text", said("Second.", start_ms=5000), said("First.", leg="b", start_ms=64_300))

    assert text == "[00:00:05.000] caller: Second.\n[00:01:04.300] agent: First.\n"


def test_csv_has_a_header_and_a_row_an_utterance():
    rows = list(csv.DictReader(io.StringIO(written("csv", said('He said "no", twice.')))))

    assert rows == [
        {
            "start": "00:00:01.000", "end": "00:00:02.000", "party": "caller", "text": 'He said "no", twice.',
            "language": "en", "confidence": "0.900",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text):
    (row,) = csv.DictReader(io.StringIO(written("csv", said(text))))

    assert row["text"].startswith("'")


def test_the_document_tells_what_is_missing_and_whether_it_is_all_there():
    ledger = Ledger(heard=8000, sent=8000, acknowledged=8000)
    ends = [LegEnded(leg=name, ledger=ledger, sessions=1, reconnects=0) for name in ("a", "b")]
    word = Word(" yes", 1000, 1200, 0.5)

    text = written(
        "json",
        said("yes", words=(word,)),
        LegGap(leg="b", start_ms=10, end_ms=40, cause="not delivered by the carrier"),
        Dtmf(leg="a", digit="1", at_ms=7),
        *ends,
        CallEnded(reason="completed", duration_ms=9000),
    )

    found = msgspec.json.decode(text, type=TranscriptDocument)
    assert (found.call_id, found.seq, found.settled, found.complete) == ("CA1", 8, True, False)
    assert (found.parties, found.duration_ms) == (("caller", "agent"), 9000)
    assert [(line.party, line.text, line.words) for line in found.utterances] == [("caller", "yes", (word,))]
    assert [(gap.party, gap.start_ms, gap.end_ms) for gap in found.gaps] == [("agent", 10, 40)]
    assert [(digit.party, digit.digit) for digit in found.digits] == [("caller", "1")]


def test_a_long_utterance_is_cut_between_words_into_cues_that_can_be_read():
    words = tuple(Word(f" word{number:03}", 400 * number, 400 * number + 300, 0.9) for number in range(60))
    line = Line("caller", said("".join(word.text for word in words), start_ms=0, end_ms=24_000, words=words))

    found = cues([line])

    assert " ".join(cue.text for cue in found) == line.said.text.strip()
    assert all(len(cue.text) <= CUE_CHARACTERS and cue.end_ms - cue.start_ms <= CUE_MS for cue in found)
    assert [cue.start_ms for cue in found[1:]] == [
        words[sum(len(each.text.split()) for each in found[:place])].start_ms for place in range(1, len(found))
    ]


def test_what_looks_like_markup_is_text_in_every_format():
    (caption,) = captions(written("vtt", said(NASTY)))
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;v Agent&gt;--&gt;" in written("vtt", said(NASTY))
    assert caption.voice == "caller"
    (subtitle,) = srt.parse(written("srt", said(NASTY)))
    assert not set("<>{}\x1b\u202e") & set(subtitle.content)
    assert written("text", said(NASTY)).count("\n") == 1
    (row,) = csv.DictReader(io.StringIO(written("csv", said(NASTY))))
    assert row["text"] == plain(NASTY)
    (line,) = msgspec.json.decode(written("json", said(NASTY)), type=TranscriptDocument).utterances
    assert line.text == NASTY  # JSON has its own escapes; what shows it has to be careful


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.lists(st.tuples(TEXTS, st.integers(0, 10**7), st.integers(-5, 10**4)), max_size=6))
def test_whatever_is_said_others_read_back_the_same_cues(utterances):
    bodies = [said(text, start_ms=at, end_ms=at + length) for text, at, length in utterances]
    due = cues(transcript(log_of(leg("a", "caller"), *bodies)))

    vtt = captions(written("vtt", *bodies)) if due else []
    subtitles = list(srt.parse(written("srt", *bodies)))

    assert [caption.start for caption in vtt] == [clock(cue.start_ms) for cue in due]
    assert [caption.voice for caption in vtt] == ["caller"] * len(due)
    assert len(subtitles) == len(due)
    assert all(subtitle.start < subtitle.end for subtitle in subtitles)
    rows = list(csv.DictReader(io.StringIO(written("csv", *bodies))))
    assert len(rows) == len({body.id for body in bodies})


def test_scripts_that_join_their_letters_stay_joined():
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}"

    assert plain(f" {family}\x00 ok ") == f"{family} ok"
