"""One media stream: tracks to sessions, words to the log."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.events import Audio, Digit, Started, Stopped
from bridge.hearing import ToSession
from bridge.media_stream import MediaStream
from bridge.session_events import (
    NO_SLOT,
    Open,
    OpeningFailed,
    OpeningRefused,
    Received,
    ResultFetched,
    Send,
    SessionOpened,
    SocketLost,
    SocketOpened,
)
from bridge.telling import Append, Partial
from callscribe.after_call import Entities, EntityFound
from callscribe.entries import (
    BatchWanted,
    CallFailed,
    Dtmf,
    Ledger,
    LegEnded,
    LegGap,
    LegStarted,
    SessionWaiting,
    Utterance,
    Word,
)
from callscribe.gladia_transcript import Speech
from callscribe.gladia_transcript import Transcript as Final
from callscribe.settings import NumberSettings, Then
from callscribe.stored_result import Stored

STARTED = Started("MZ1", "CA1", "AC1", ("inbound", "outbound"))
SETTINGS = NumberSettings(
    then=Then(say=""), parties={"outbound": "agent"}, gladia={"language_config": {"languages": ["en"]}}
)


def stream(*, session="per_stream", offset_ms=0) -> MediaStream:
    settings = NumberSettings(then=SETTINGS.then, parties=SETTINGS.parties, gladia=SETTINGS.gladia, session=session)
    return MediaStream(STARTED, settings, direction="inbound", offset_ms=offset_ms, jitter=lambda: 1.0)


def relaying(*, sessions=1, **options) -> MediaStream:
    opened = stream(**options)
    opened.open()
    for number in range(sessions):
        opened.from_gladia(number, SessionOpened(f"G{number}", "wss://gladia.example.test"), now=0)
        opened.from_gladia(number, SocketOpened(), now=0)
    return opened


def say(heard: MediaStream, letters_in: str, letters_out: str, *, first_ms: int = 102) -> list[ToSession]:
    sent = []
    for place, pair in enumerate(zip(letters_in, letters_out, strict=True)):
        for track, letter in zip(("inbound", "outbound"), pair, strict=True):
            sent += heard.hear(Audio(track, first_ms + 20 * place, letter.encode() * 160), now=0)
    return sent


def transcript(
    text: str,
    *,
    channel: int = 0,
    is_final: bool = True,
    utterance_id: str = "00_00000000",
    words: tuple[tuple[str, float, float], ...] = (),
) -> Received:
    spoken = words or ((text, 0.74, 1.42),)
    utterance = {
        "text": text, "start": spoken[0][1], "end": spoken[-1][2], "confidence": 0.91, "channel": channel,
        "language": "en",
        "words": [{"word": word, "start": start, "end": end, "confidence": 0.91} for word, start, end in spoken],
    }  # fmt: skip
    data = {"id": utterance_id, "is_final": is_final, "utterance": utterance}
    return Received(json.dumps({"type": "transcript", "data": data}))


def entities(
    *found: tuple[str, float, float], utterance_id: str = "00_00000000", end_s: float = 1.42, error: str = ""
) -> Received:
    results = [{"entity_type": "NAME", "text": text, "start": start, "end": end} for text, start, end in found]
    data = {"utterance_id": utterance_id, "utterance": {"end": end_s}, "results": results}
    told = {"error": {"message": error}, "data": None} if error else {"error": None, "data": data}
    return Received(json.dumps({"type": "named_entity_recognition", **told}))


def acknowledgement(end: int) -> Received:
    return Received(json.dumps({"type": "audio_chunk", "acknowledged": True, "data": {"byte_range": [0, end]}}))


def refusal() -> Received:
    return Received(
        json.dumps({"type": "audio_chunk", "acknowledged": False, "error": {"message": "no"}, "data": None})
    )


def bodies(effects: list) -> list:
    return [effect.body for effect in effects if isinstance(effect, Append)]


def test_both_tracks_are_channels_of_one_session():
    effects = stream().open()

    assert [(effect.number, type(effect.command)) for effect in effects] == [(0, Open)]
    request = effects[0].command.request
    assert (request["channels"], request["encoding"], request["bit_depth"]) == (2, "wav/ulaw", 8)
    assert request["language_config"] == {"languages": ["en"]}
    assert request["custom_metadata"] == {"call_id": "CA1", "media_stream": "MZ1"}


def test_per_leg_each_track_has_a_session_of_its_own():
    effects = stream(session="per_leg").open()

    assert [effect.command.request["channels"] for effect in effects] == [1, 1]


def test_sessions_in_use_are_those_that_gladia_granted_until_their_last_word():
    heard = stream(session="per_leg")
    heard.open()
    used = [heard.totals()["sessions_open"]]
    for number in range(2):
        heard.from_gladia(number, SessionOpened(f"G{number}", "wss://gladia.example.test"), now=0)
        used.append(heard.totals()["sessions_open"])
    heard.from_gladia(0, SocketOpened(), now=0)
    heard.hear(Stopped("over"), now=1)
    heard.from_gladia(0, SocketLost(1000), now=2)

    assert [*used, heard.totals()["sessions_open"]] == [0, 1, 2, 1]


def test_the_number_may_not_change_the_form_of_the_audio_nor_silence_the_finals():
    settings = NumberSettings(
        then=Then(say=""),
        gladia={"channels": 8, "encoding": "wav/pcm", "messages_config": {"receive_final_transcripts": False}},
    )
    request = MediaStream(STARTED, settings, direction="inbound", jitter=lambda: 1.0).open()[0].command.request

    assert (request["channels"], request["encoding"]) == (2, "wav/ulaw")
    assert request["messages_config"]["receive_final_transcripts"] is True
    assert request["messages_config"]["receive_partial_transcripts"] is True


def test_a_granted_session_starts_both_legs_with_who_speaks_on_them():
    opened = stream()
    opened.open()

    legs = bodies(opened.from_gladia(0, SessionOpened("G0", "wss://gladia.example.test"), now=0))

    assert [(leg.party, leg.track, leg.channel, leg.session) for leg in legs] == [
        ("caller", "inbound", 0, "G0"),
        ("agent", "outbound", 1, "G0"),
    ]
    assert all(isinstance(leg, LegStarted) and leg.codec == "mulaw/8000" for leg in legs)


def test_audio_goes_to_gladia_in_chunks_of_100_ms_interleaved():
    sent = say(relaying(), "abcde", "vwxyz")

    assert [effect.number for effect in sent] == [0]
    assert sent[0].command == Send(b"".join(pair.encode() * 160 for pair in ("av", "bw", "cx", "dy", "ez")))


def test_per_leg_the_bytes_are_the_carriers():
    sent = say(relaying(session="per_leg", sessions=2), "abcde", "vwxyz")

    assert [(effect.number, len(effect.command.message)) for effect in sent] == [(0, 800), (1, 800)]
    assert sent[1].command.message == b"".join(letter.encode() * 160 for letter in "vwxyz")


def test_a_final_is_an_utterance_of_the_leg_that_its_channel_stands_for():
    heard = relaying(offset_ms=1000)

    assert bodies(heard.from_gladia(0, transcript(" Good morning.", channel=1), now=1)) == [
        Utterance(
            leg="MZ1/outbound",
            id="G0/00_00000000",
            text="Good morning.",
            start_ms=1740,
            end_ms=2420,
            language="en",
            confidence=0.91,
            words=(Word(" Good morning.", 1740, 2420, 0.91),),
        )
    ]


def test_a_final_that_comes_twice_is_written_once():
    heard = relaying()
    heard.from_gladia(0, transcript(" Yes."), now=1)

    assert heard.from_gladia(0, transcript(" Yes."), now=2) == []
    assert heard.totals()["repeated"] == 1


def test_a_partial_is_shown_and_not_written():
    effects = relaying().from_gladia(0, transcript(" Good", is_final=False), now=1)

    assert effects == [Partial("MZ1/inbound", "caller", "G0/00_00000000", "Good", 740, 1420)]


def test_what_an_add_on_finds_in_an_utterance_is_an_entry_after_it():
    heard = relaying()
    heard.from_gladia(0, transcript(" This is Maya."), now=1)

    assert heard.from_gladia(0, entities(("Maya", 1.0, 1.42)), now=1) == [
        Append(
            Entities(
                utterance="G0/00_00000000",
                entities=(EntityFound(type="NAME", text="Maya", start_ms=1000, end_ms=1420),),
            ),
            "G0/00_00000000/entities",
        )
    ]
    assert heard.from_gladia(0, entities(("Maya", 1.0, 1.42)), now=2) == []
    assert heard.totals()["repeated"] == 1


def test_what_an_add_on_finds_waits_as_long_as_its_final_does():
    heard = relaying()
    say(heard, "a" * 100, "v" * 100)

    assert heard.from_gladia(0, transcript(" This is Maya."), now=1) == []
    assert heard.from_gladia(0, entities(("Maya", 1.0, 1.42)), now=1) == []
    told = bodies(heard.from_gladia(0, acknowledgement(80 * 320), now=1))
    assert [type(each) for each in told] == [Utterance, Entities]


def test_an_add_on_that_fails_or_is_of_an_utterance_that_nobody_told_says_nothing():
    heard = relaying()
    heard.from_gladia(0, transcript(" This is Maya."), now=1)

    assert heard.from_gladia(0, entities(error="busy"), now=1) == []
    assert heard.from_gladia(0, entities(("Maya", 1.0, 1.42), utterance_id="00_7"), now=1) == []
    assert heard.totals()["add_ons_failed"] == 1


def test_words_on_a_channel_that_does_not_exist_are_counted_and_dropped():
    heard = relaying()

    assert heard.from_gladia(0, transcript(" Who?", channel=2), now=1) == []
    assert heard.totals()["unknown_channel"] == 1


def test_a_gap_is_an_entry_of_its_leg():
    heard = relaying()
    say(heard, "a", "v")

    effects = say(heard, "d" * 12, "w" * 12, first_ms=162)

    cause = "not delivered by the carrier"
    assert bodies(effects) == [
        LegGap(leg=f"MZ1/{track}", start_ms=20, end_ms=60, cause=cause) for track in ("inbound", "outbound")
    ]


def test_a_digit_is_an_entry_at_the_time_of_its_track():
    heard = relaying()
    say(heard, "ab", "vw")

    assert bodies(heard.hear(Digit("inbound", "5"), now=0)) == [Dtmf(leg="MZ1/inbound", digit="5", at_ms=40)]


def test_the_end_flushes_what_is_left_and_the_last_words_come_before_the_legs_end():
    heard = relaying()
    say(heard, "abc", "vwx")
    flushed = heard.hear(Stopped("stop"), now=1)

    assert [type(effect.command.message) for effect in flushed] == [bytes, str]
    assert len(flushed[0].command.message) == 960
    heard.from_gladia(0, acknowledgement(960), now=1.1)
    assert bodies(heard.from_gladia(0, transcript(" Bye."), now=1.2))[0].text == "Bye."
    ends = bodies(heard.from_gladia(0, SocketLost(1000), now=2))
    ledger = Ledger(heard=480, sent=480, acknowledged=480)
    assert ends == [
        LegEnded(leg=f"MZ1/{track}", ledger=ledger, sessions=1, reconnects=0) for track in ("inbound", "outbound")
    ]
    assert heard.closed


def test_a_refused_session_fails_the_transcript_and_says_what_was_heard():
    opened = stream()
    opened.open()
    say(opened, "abcde", "vwxyz")

    effects = opened.from_gladia(0, OpeningRefused("gladia answered 401: key not found"), now=1)

    assert bodies(effects) == [
        CallFailed(reason="gladia answered 401: key not found", kept="0 utterances of 100 ms heard")
    ]
    assert opened.closed


def go_on(heard: MediaStream, number: int, *, now: float) -> list:
    """Let session `number` be granted and its socket open."""
    while heard.deadline is not None and heard.deadline <= now:
        heard.wake(now=now)
    effects = heard.from_gladia(number, SessionOpened(f"G{number}", "wss://gladia.example.test"), now=now)
    return effects + heard.from_gladia(number, SocketOpened(), now=now)


def test_a_session_that_gladia_ends_is_followed_by_one_that_hears_what_it_did_not_take():
    heard = relaying()
    say(heard, "a" * 50 + "bbbbb", "v" * 50 + "wwwww")
    heard.from_gladia(0, acknowledgement(50 * 320), now=1)

    opening = heard.from_gladia(0, SocketLost(4403), now=1)
    effects = go_on(heard, 1, now=1)

    assert [type(effect.command) for effect in opening if effect.number == 1] == [Open]
    assert effects[-1].command == Send(b"bw" * 160 * 5)
    heard.from_gladia(1, transcript(" Hello again."), now=2)
    words = bodies(heard.from_gladia(1, acknowledgement(5 * 320), now=2))
    assert (words[0].id, words[0].start_ms) == ("G1/00_00000000", 1000 + 740)
    assert [leg.session for leg in bodies(effects)] == ["G1", "G1"]


def test_the_ledger_goes_over_all_sessions():
    heard = relaying()
    say(heard, "a" * 55, "v" * 55)
    heard.from_gladia(0, acknowledgement(50 * 320), now=1)
    heard.from_gladia(0, SocketLost(4403), now=1)
    go_on(heard, 1, now=1)
    heard.hear(Stopped("stop"), now=2)
    heard.from_gladia(1, acknowledgement(5 * 320), now=2)
    heard.from_gladia(0, ResultFetched(Stored("done")), now=2)

    ends = bodies(heard.from_gladia(1, SocketLost(1000), now=3))

    assert [end.ledger for end in ends] == [Ledger(heard=8800, sent=8800, acknowledged=8800)] * 2
    assert [end.sessions for end in ends] == [2, 2]


def test_sessions_that_come_to_nothing_are_opened_later_and_later_and_not_for_ever():
    heard = relaying()
    now, delays = 0.0, []
    for number in range(9):
        heard.from_gladia(number, SocketLost(4403), now=now)
        waited = 0.0 if heard.deadline is None else heard.deadline - now
        delays.append(waited)
        now += waited
        go_on(heard, number + 1, now=now)

    failed = bodies(heard.from_gladia(9, SocketLost(4403), now=now))[0]

    assert delays == [0.25, 0.5, 1, 2, 4, 8, 8, 8, 8]
    assert failed.reason == "gladia ended the session with 4403"
    assert heard.closed


def lost_with_4403(*, heard_ms: int = 1000) -> MediaStream:
    """A stream whose first session said one utterance and was ended by Gladia; the second one goes on."""
    heard = relaying()
    frames = heard_ms // 20
    say(heard, "a" * frames, "v" * frames)
    heard.from_gladia(0, transcript(" One.", utterance_id="00_0"), now=1)
    heard.from_gladia(0, acknowledgement(heard_ms * 16), now=1)
    heard.from_gladia(0, SocketLost(4403), now=1)
    go_on(heard, 1, now=1)
    return heard


def stored(*said: tuple[str, str, float, float]) -> ResultFetched:
    finals = [
        Final(key, is_final=True, utterance=Speech(text, start, end, 0.9, 0, "en", ()))
        for key, text, start, end in said
    ]
    return ResultFetched(Stored("done", tuple(finals)))


def test_words_that_a_session_had_not_said_when_it_ended_are_taken_from_what_is_stored_and_none_twice():
    heard = lost_with_4403(heard_ms=4000)

    effects = heard.from_gladia(0, stored(("00_0", " One.", 0.74, 1.42), ("00_1", " Two.", 2.0, 2.5)), now=2)

    assert [(each.id, each.text, each.start_ms) for each in bodies(effects)] == [("G0/00_1", "Two.", 2000)]
    assert heard.totals()["recovered"] == 1


def test_words_that_the_next_session_hears_too_are_left_to_it():
    heard = lost_with_4403(heard_ms=4000)

    assert bodies(heard.from_gladia(0, stored(("00_1", " Two.", 4.0, 4.5)), now=2)) == []


def test_where_the_stored_words_can_t_be_had_the_log_names_the_span():
    heard = lost_with_4403(heard_ms=4000)

    effects = heard.wake(now=62)

    cause = "gladia did not say its last words"
    assert bodies(effects)[:2] == [
        LegGap(leg="MZ1/inbound", start_ms=1420, end_ms=4000, cause=cause),
        LegGap(leg="MZ1/outbound", start_ms=0, end_ms=4000, cause=cause),
    ]
    assert not heard.closed


def test_words_that_two_sessions_hear_are_told_as_the_one_hears_them_that_goes_on():
    heard = relaying()
    say(heard, "a" * 100, "v" * 100)
    heard.from_gladia(0, acknowledgement(50 * 320), now=1)
    heard.from_gladia(0, refusal(), now=1)
    go_on(heard, 1, now=1)
    words = ((" Good", 0.8, 0.95), (" morning,", 0.96, 1.02), (" how", 1.1, 1.2))

    before = bodies(heard.from_gladia(0, transcript(" Good morning, how", words=words), now=1))
    before += bodies(heard.from_gladia(0, SocketLost(1000), now=2))

    assert [(each.text, each.end_ms) for each in before] == [("Good morning,", 1020)]


def test_audio_that_gladia_did_not_take_in_time_is_a_gap_and_the_newer_half_is_heard(monkeypatch):
    monkeypatch.setattr("bridge.session.BACKLOG_S", 0.4)
    opened = stream()
    opened.open()
    opened.from_gladia(0, OpeningFailed("gladia answered 503"), now=0)

    effects = say(opened, "a" * 25, "v" * 25)
    opened.from_gladia(1, SessionOpened("G1", "wss://gladia.example.test"), now=1)
    sent = opened.from_gladia(1, SocketOpened(), now=1)

    assert [(gap.start_ms, gap.end_ms, gap.cause) for gap in bodies(effects)] == [
        (0, 200, "gladia could not be reached in time")
    ] * 2
    assert sent[0].command == Send(b"av" * 160 * 15)
    opened.from_gladia(1, acknowledgement(15 * 320), now=2)
    heard = bodies(opened.from_gladia(1, transcript(" Late."), now=2))[0]
    assert heard.start_ms == 200 + 740
    ledger = opened.lanes[0].ledger(opened.lanes[0].legs[0])
    assert (ledger.heard, ledger.sent, ledger.unsent) == (4000, 2400, 1600)


def test_a_call_for_which_gladia_s_plan_has_no_session_is_marked_for_batch():
    opened = stream()
    opened.open()

    assert bodies(opened.waits(0, 30)) == [SessionWaiting(media_stream="MZ1", taken=30)]
    assert bodies(opened.from_gladia(0, OpeningRefused(NO_SLOT), now=60)) == [
        BatchWanted(media_stream="MZ1", reason=NO_SLOT)
    ]
    assert opened.closed


TALK = "\x10" * 5 + "\x30" * 5  # louder and softer in turn, a tenth of a second each


def talk(heard: MediaStream, seconds: int, *, first_ms: int, letters: str = "ab", now: float) -> list:
    """Let both parties talk, or be silent, for so many seconds."""
    effects = []
    for place in range(seconds * 50):
        for track in ("inbound", "outbound"):
            audio = bytes(letters[place % len(letters)], "latin-1") * 160
            effects += heard.hear(Audio(track, first_ms + 20 * place, audio), now=now)
    return effects


def about_to_roll_over() -> MediaStream:
    """A stream whose session is nearly three hours old; the next one is open."""
    old = relaying()
    talk(old, 1, first_ms=102, now=0)
    old.from_gladia(0, acknowledgement(16_000), now=0)
    old.hear(Audio("inbound", 102 + 1000, b"a" * 160), now=10_200)
    (opening,) = [effect for effect in old.wake(now=10_200) if isinstance(effect, ToSession)]
    assert (opening.number, type(opening.command)) == (1, Open)
    old.from_gladia(1, SessionOpened("G1", "wss://gladia.example.test"), now=10_200)
    old.from_gladia(1, SocketOpened(), now=10_200)
    return old


def test_before_its_three_hours_a_session_gives_way_to_the_next_in_a_pause_of_the_talk():
    old = about_to_roll_over()

    spoken = talk(old, 4, first_ms=102 + 1000, letters=TALK, now=10_201)
    pause = talk(old, 1, first_ms=102 + 5000, letters="\xff", now=10_205)

    sent = [(effect.number, effect.command) for effect in spoken + pause if isinstance(effect, ToSession)]
    before = b"".join(command.message for number, command in sent if number == 0 and isinstance(command.message, bytes))
    after = b"".join(command.message for number, command in sent if number == 1)
    assert {number for number, _ in sent[: len(spoken)]} == {0}
    assert len(before) + len(after) == 5 * 16_000
    assert after == b"\xff" * len(after) != b""
    assert (0, Send('{"type":"stop_recording"}')) in sent
    assert [leg.session for leg in bodies(pause)] == ["G1", "G1"]


def test_after_a_rollover_words_stand_where_they_were_spoken_and_the_old_session_says_its_last():
    old = about_to_roll_over()
    talk(old, 4, first_ms=102 + 1000, letters=TALK, now=10_201)
    talk(old, 1, first_ms=102 + 5000, letters="\xff", now=10_205)
    begin_ms = old.lanes[0].ms(old.lanes[0].current.begin)

    last = bodies(old.from_gladia(0, transcript(" Old."), now=10_206))
    old.from_gladia(1, transcript(" New."), now=10_206)
    first = bodies(old.from_gladia(1, acknowledgement(16_000), now=10_206))

    assert 5000 <= begin_ms <= 5500
    assert [each.start_ms for each in (*last, *first)] == [740, begin_ms + 740]
    old.from_gladia(0, SocketLost(1000), now=10_207)
    assert not old.closed


def test_without_a_pause_the_old_session_gives_way_after_a_while():
    old = about_to_roll_over()
    talk(old, 4, first_ms=102 + 1000, letters=TALK, now=10_201)

    effects = talk(old, 1, first_ms=102 + 5000, letters=TALK, now=10_221)

    assert (0, Send('{"type":"stop_recording"}')) in [
        (each.number, each.command) for each in effects[2:] if isinstance(each, ToSession)
    ]


def test_a_next_session_that_is_refused_leaves_the_old_one_as_it_is_and_is_asked_for_again():
    old = relaying()
    talk(old, 1, first_ms=102, now=0)
    old.from_gladia(0, acknowledgement(16_000), now=0)
    old.hear(Audio("inbound", 102 + 1000, b"a" * 160), now=10_200)
    old.wake(now=10_200)

    assert bodies(old.from_gladia(1, OpeningRefused(NO_SLOT), now=10_200)) == []
    assert not old.closed
    old.hear(Audio("inbound", 102 + 1020, b"a" * 160), now=10_259)
    opened = [each for each in old.wake(now=10_260) if isinstance(each, ToSession) and each.number == 2]
    assert [type(each.command) for each in opened] == [Open]


def test_per_leg_a_track_that_ends_before_the_other_one_has_a_gap_and_its_session_the_same_length():
    heard = relaying(session="per_leg", sessions=2)
    say(heard, "a" * 5, "v" * 5)
    effects = []
    for place in range(5, 15):
        effects += heard.hear(Audio("outbound", 102 + 20 * place, b"v" * 160), now=0)
    effects += heard.hear(Stopped("stop"), now=1)

    sent = [0, 0]
    for effect in effects:
        if isinstance(effect, ToSession) and isinstance(effect.command.message, bytes):
            sent[effect.number] += len(effect.command.message)
    assert sent == [1600, 1600]
    assert bodies(effects) == [LegGap(leg="MZ1/inbound", start_ms=100, end_ms=300, cause="the track ended early")]


def test_per_leg_a_track_that_never_sends_a_frame_is_one_gap():
    heard = relaying(session="per_leg", sessions=2)
    effects = []
    for place in range(5):
        effects += heard.hear(Audio("outbound", 102 + 20 * place, b"v" * 160), now=0)
    effects += heard.hear(Stopped("stop"), now=1)

    assert [(gap.leg, gap.start_ms, gap.end_ms) for gap in bodies(effects)] == [("MZ1/inbound", 0, 100)]


def test_while_the_carrier_is_silent_a_little_silence_keeps_the_session():
    heard = relaying()
    say(heard, "abcde", "vwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)

    assert heard.deadline == 15
    (kept,) = heard.wake(now=15)
    assert kept.command == Send(b"\xff" * 1600)
    heard.from_gladia(0, acknowledgement(3200), now=15)
    assert heard.deadline == 30


def test_a_track_that_goes_on_after_a_silence_stands_where_it_was_spoken():
    heard = relaying()
    say(heard, "abcde", "vwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    heard.wake(now=15)

    effects = say(heard, "a" * 15, "v" * 15, first_ms=102 + 20_000)

    sent = b"".join(effect.command.message for effect in effects if isinstance(effect, ToSession))
    assert len(sent) == (20_000 + 300 - 200) * 16
    assert [(gap.start_ms, gap.end_ms) for gap in bodies(effects)] == [(100, 20_000)] * 2


def sent_to(effects: list, number: int) -> bytes:
    sent = [each for each in effects if isinstance(each, ToSession) and isinstance(each.command, Send)]
    messages = [each.command.message for each in sent if each.number == number]
    return b"".join(message for message in messages if isinstance(message, bytes))


def mixed(letters_in: str, letters_out: str) -> bytes:
    return b"".join((a + b).encode() * 160 for a, b in zip(letters_in, letters_out, strict=True))


def test_audio_that_the_carrier_held_back_for_longer_than_a_session_waits_is_heard_from_where_it_stopped():
    heard = relaying()
    say(heard, "abcdefg", "tuvwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    heard.wake(now=15)

    effects = say(heard, "hijklmno", "abcdefgh", first_ms=102 + 140)  # as if nothing had been
    heard.from_gladia(1, SessionOpened("G1", "wss://gladia.example.test"), now=16)
    effects += heard.from_gladia(1, SocketOpened(), now=16)

    assert sent_to(effects, 1) == mixed("fghijklmno", "yzabcdefgh")
    ended = heard.hear(Stopped("stop"), now=17)
    assert [body for body in bodies(effects + ended) if isinstance(body, LegGap)] == []


def test_silence_that_was_given_ahead_of_its_time_is_not_given_again():
    heard = relaying()
    say(heard, "abcde", "vwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    ahead = heard.wake(now=15)
    heard.from_gladia(0, acknowledgement(3200), now=15)
    ahead += heard.wake(now=30)

    effects = say(heard, "a" * 30, "v" * 30, first_ms=102 + 1000)

    sent = sent_to(ahead + effects, 0)
    assert sent == b"\xff" * (1000 - 100) * 16 + mixed("a" * (len(sent) // 320 - 45), "v" * (len(sent) // 320 - 45))


class Line:
    """A media stream, and what each of its sessions is given; Gladia grants and acknowledges whatever it is asked."""

    def __init__(self) -> None:
        self.stream = relaying()
        self.given: dict[int, bytearray] = {0: bytearray()}
        self.expected = bytearray()
        self.now = 0.0

    def take(self, effects: list) -> None:
        for each in effects:
            match each:
                case ToSession(number=number, command=Open()):
                    self.given[number] = bytearray()
                    opened = SessionOpened(f"G{number}", "wss://gladia.example.test")
                    self.take(self.stream.from_gladia(number, opened, now=self.now))
                    self.take(self.stream.from_gladia(number, SocketOpened(), now=self.now))
                case ToSession(number=number, command=Send(message=bytes(audio))):
                    self.given[number] += audio
                    end = acknowledgement(len(self.given[number]))
                    self.take(self.stream.from_gladia(number, end, now=self.now))
                case _:
                    pass

    def say(self, frames: int, *, silent_ms: int = 0) -> None:
        """So many frames, after a silence of which the carrier's clock tells."""
        self.expected += b"\xff" * silent_ms * 16
        for _ in range(frames):
            at_ms = 102 + len(self.expected) // 16
            for track, sound in (("inbound", b"a"), ("outbound", b"b")):
                self.take(self.stream.hear(Audio(track, at_ms, sound * 160), now=self.now))
            self.expected += b"ab" * 160

    def stall(self, times: int) -> None:
        """Nothing comes for so long that the session has to be kept so many times."""
        for _ in range(times):
            self.now = max(self.now, self.stream.deadline or self.now)
            self.take(self.stream.wake(now=self.now))

    def heard(self) -> bytes:
        """What was heard, as the lane places it."""
        (lane,) = self.stream.lanes
        audio = bytearray()
        for stretch in lane.stretches:
            until = lane.position if stretch.until is None else stretch.until
            if stretch.begin < until:
                assert stretch.begin == len(audio)
                audio += self.given[stretch.number][: until - stretch.begin]
        return bytes(audio)


SILENCES_MS = st.sampled_from([0, 0, 20, 60, 100, 120, 200, 340, 1000])


@given(st.lists(st.tuples(st.integers(0, 3), SILENCES_MS, st.integers(0, 40)), max_size=12))
def test_whatever_stalls_and_falls_silent_every_byte_is_heard_at_its_place(acts):
    line = Line()
    line.say(7)
    for stalls, silent_ms, frames in acts:
        line.stall(stalls)
        if frames:
            line.say(frames, silent_ms=silent_ms)
    line.take(line.stream.hear(Stopped("stop"), now=line.now))

    assert line.heard() == bytes(line.expected)
    (lane,) = line.stream.lanes
    for ledger in (lane.ledger(leg) for leg in lane.legs):
        assert ledger.heard + ledger.filled == ledger.sent + ledger.dropped + ledger.unsent
        assert (ledger.unsent, ledger.dropped) == (0, 0)
        assert ledger.acknowledged == ledger.sent == len(line.expected) // 2


def test_the_ledger_leaves_out_the_silence_that_kept_a_session():
    heard = relaying()
    say(heard, "abcde", "vwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    heard.wake(now=15)
    heard.from_gladia(0, acknowledgement(3200), now=15)

    (lane,) = heard.lanes
    assert [lane.ledger(leg) for leg in lane.legs] == [Ledger(heard=800, sent=800, acknowledged=800)] * 2


def test_a_silence_that_kept_a_session_to_the_end_of_the_call_is_no_gap():
    heard = relaying()
    say(heard, "abcdefg", "tuvwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    kept = heard.wake(now=15)

    ended = heard.hear(Stopped("the media socket closed"), now=28)

    assert [len(effect.command.message) for effect in kept] == [1600]
    assert bodies(kept + ended) == []


def test_the_words_of_a_call_that_is_over_are_not_waited_for_with_silence():
    heard = relaying()
    say(heard, "abcde", "vwxyz")
    heard.from_gladia(0, acknowledgement(1600), now=0)
    heard.hear(Stopped("stop"), now=1)
    heard.from_gladia(0, Received('{"type":"stop_recording","acknowledged":true,"data":{}}'), now=1)

    assert heard.deadline == 31


def test_a_transcript_that_has_failed_is_not_kept_alive_though_the_carrier_goes_on():
    opened = stream()
    opened.open()
    say(opened, "abcde", "vwxyz")
    opened.from_gladia(0, OpeningRefused("gladia answered 401"), now=1)
    say(opened, "abcde", "vwxyz", first_ms=202)

    assert opened.closed
    assert opened.deadline is None


def test_per_leg_one_refused_session_does_not_end_the_other():
    opened = stream(session="per_leg")
    opened.open()
    opened.from_gladia(0, OpeningRefused("gladia answered 400"), now=1)
    opened.from_gladia(1, SessionOpened("G1", "wss://gladia.example.test"), now=1)
    opened.from_gladia(1, SocketOpened(), now=1)

    sent = say(opened, "abcde", "vwxyz")

    assert not opened.closed
    assert [(effect.number, effect.command.message[:1]) for effect in sent] == [(1, b"v")]


def test_every_entry_has_a_token_of_its_own():
    heard = stream()
    effects = [
        *heard.open(),
        *heard.from_gladia(0, SessionOpened("G0", "wss://gladia.example.test"), now=0),
        *heard.from_gladia(0, SocketOpened(), now=0),
        *heard.hear(Audio("inbound", 102, b"a" * 160), now=0),
        *heard.hear(Audio("inbound", 202, b"a" * 160), now=0),
        *heard.hear(Audio("inbound", 302, b"a" * 160), now=0),
        *heard.hear(Digit("inbound", "5"), now=0),
        *heard.hear(Digit("inbound", "5"), now=0),
        *heard.from_gladia(0, transcript(" One."), now=0),
        *heard.from_gladia(0, transcript(" Two.", utterance_id="00_00000001"), now=0),
        *heard.hear(Stopped("stop"), now=1),
        *heard.from_gladia(0, SocketLost(1000), now=2),
    ]
    tokens = [effect.token for effect in effects if isinstance(effect, Append)]

    assert len(tokens) == 11
    assert len(set(tokens)) == 11
