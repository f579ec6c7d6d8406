"""A recording's words on the call's clock, and whose they are."""

from __future__ import annotations

from callscribe.call import Call
from callscribe.entries import LegStarted, Utterance, Word
from callscribe.gladia_batch import Recorded, Spoken
from callscribe.gladia_transcript import Word as Spelled
from callscribe.recorded import Voice, begin_ms, by_channel, by_speaker, shift_ms, utterances

PARTIES = {"inbound": "caller", "outbound": "agent"}
TEXT = "my card is lost since yesterday evening somewhere between station and theatre"


def leg(track, party):
    return LegStarted(
        leg=f"MZ1/{track}", party=party, track=track, codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0,
    )  # fmt: skip


def spoken(text, start, end, *, channel=0, speaker=None):
    step = (end - start) / max(1, len(text.split()))
    words = tuple(
        Spelled(f" {word}", start + place * step, start + (place + 1) * step, 0.9)
        for place, word in enumerate(text.split())
    )
    return Spoken(text, start, end, 0.9, channel, "en", words, speaker)


def live(text, start_ms, *, name="MZ1/inbound", each_ms=300):
    words = tuple(
        Word(f" {word}", start_ms + place * each_ms, start_ms + (place + 1) * each_ms, 0.9)
        for place, word in enumerate(text.split())
    )
    return Utterance(
        leg=name, id=f"G1/{start_ms}", text=text, start_ms=start_ms, end_ms=start_ms + each_ms * len(words),
        language="en", confidence=0.9, words=words,
    )  # fmt: skip


def test_the_first_channel_is_what_the_inbound_track_heard():
    voices = by_channel([leg("outbound", "agent"), leg("inbound", "caller")], recording="RE1", parties=PARTIES)

    assert voices == {0: Voice("MZ1/inbound", "caller"), 1: Voice("MZ1/outbound", "agent")}


def test_a_call_that_was_not_heard_live_has_legs_of_the_recordings_own():
    voices = by_channel([], recording="RE1", parties=PARTIES)

    assert voices == {0: Voice("RE1/inbound", "caller"), 1: Voice("RE1/outbound", "agent")}


def test_a_speaker_of_a_mono_recording_is_who_spoke_at_the_same_time():
    recorded = Recorded(
        "done", (spoken("a b", 0, 2, speaker=1), spoken("c d", 3, 5, speaker=0), spoken("e", 9, 10, speaker=2))
    )
    heard = [live("a b", 0, each_ms=1000), live("c d", 3000, name="MZ1/outbound", each_ms=1000)]

    voices = by_speaker(
        recorded, heard, [leg("inbound", "caller"), leg("outbound", "agent")], recording="RE1", offset_ms=0
    )
    assert voices == {
        1: Voice("MZ1/inbound", "caller"),
        0: Voice("MZ1/outbound", "agent"),
        2: Voice("RE1/speaker-3", "speaker 3"),
    }


def test_words_stand_on_the_calls_clock_and_nothing_before_its_beginning():
    recorded = Recorded("done", (spoken(" one two", 1, 2), spoken("three", 0, 0.5, channel=1), spoken(" ", 5, 6)))
    (three, one) = sorted(
        utterances(
            recorded, by_channel([], recording="RE1", parties=PARTIES), job="J1", offset_ms=-700, is_mono=False
        ),
        key=lambda each: each.start_ms,
    )  # fmt: skip

    assert (three.leg, three.start_ms, three.end_ms) == ("RE1/outbound", 0, 0)
    assert (one.id, one.leg, one.text, one.start_ms, one.end_ms) == ("J1/0", "RE1/inbound", "one two", 300, 1300)
    assert [each.start_ms for each in one.words] == [300, 800]


def test_the_clocks_tell_where_a_recording_begins_to_a_second():
    call = Call(first_leg_at="2026-11-22T09:00:01.500Z")

    assert begin_ms(call, "2026-11-22T09:00:03Z") == 1500
    assert begin_ms(call, "") == begin_ms(Call(), "2026-11-22T09:00:03Z") == 0


def test_the_words_tell_it_better_if_enough_of_them_agree():
    heard = [live(TEXT, 10_000)]

    assert abs(shift_ms(heard, [live(TEXT, 8700)]) - 1300) <= 1
    assert shift_ms(heard, [live("nothing of this was said live", 8700)]) is None
    assert shift_ms([], []) is None
