"""A second pass over the recording, whatever happens on the way. The table is in memory, Twilio and Gladia by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec
import pytest

from callscribe.after_call import Summary, TranscriptReady
from callscribe.call import fold
from callscribe.entries import (
    BatchWanted,
    CallEnded,
    CallFailed,
    CallStarted,
    Entry,
    Ledger,
    LegEnded,
    LegGap,
    LegStarted,
    SessionWaiting,
    Utterance,
    Word,
)
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.gladia_batch import Uploaded
from callscribe.second_pass import (
    BatchFailed,
    BatchReady,
    BatchStarted,
    LegRepaired,
    RecordingEnded,
    RecordingStarted,
)
from callscribe.second_transcript import decode
from callscribe.settings import NumberSettings, SecondPass, Then
from callscribe.twilio_recordings import Recordings
from callscribe.twilio_rest import TwilioRest
from functions.batch.batch import PATIENCE, Batch, Outcome
from functions.whole_log import WholeLog
from tests.mortal import NOW, Killed, Mortal

CALLER, AGENT = "MZ1/inbound", "MZ1/outbound"
ENDED = CallEnded(reason="completed", duration_ms=30_000)
READY = TranscriptReady(archive="entries/…", utterances=2, complete=False, formats=("json",))
RECORDED = RecordingEnded(
    recording="RE1", status="completed", channels=2, duration_ms=30_000, started_at="2026-11-22T09:59:30.000Z"
)
KEY = "batch/day=2026-11-22/tenant=acme/CA1.json"
PLACE = "https://files.example.test/{call_id}.wav"
RECORDING = {
    "sid": "RE1", "call_sid": "CA1", "status": "completed", "channels": 2, "duration": "30",
    "source": "StartCallRecordingAPI", "start_time": "Sun, 22 Nov 2026 09:59:30 +0000",
}  # fmt: skip

LONG = Uploaded("https://api.gladia.io/file/1", 2, 136 * 60)

# What was said, and when; the agent's middle sentence is lost on the line.
CALLER_SAID = (
    (1000, "good morning I have lost my credit card at the station"),
    (20_000, "thank you very much goodbye"),
)
AGENT_SAID = (
    (6000, "sorry to hear that may I have your name please"),
    (11_000, "and when exactly did you notice"),
    (23_000, "have a pleasant afternoon"),
)


ALWAYS = SecondPass(when="always")


def started(second_pass: SecondPass | None = ALWAYS, *, provider: str = "twilio", **more) -> CallStarted:
    settings = NumberSettings(then=Then(dial="+12025550101"), second_pass=second_pass, **more)
    return CallStarted(
        provider=provider, direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188",
        settings=msgspec.to_builtins(settings),
    )  # fmt: skip


def leg(name: str, party: str, channel: int) -> LegStarted:
    return LegStarted(
        leg=name, party=party, track=name.partition("/")[2], codec="mulaw/8000", media_stream="MZ1", session="G1",
        channel=channel, offset_ms=0, session_begin_ms=0,
    )  # fmt: skip


def leg_ended(name: str, *, unsent: int = 0) -> LegEnded:
    ledger = Ledger(heard=240_000, sent=240_000 - unsent, acknowledged=240_000 - unsent, unsent=unsent)
    return LegEnded(leg=name, ledger=ledger, sessions=1, reconnects=0)


LEGS = (leg(CALLER, "caller", 0), leg(AGENT, "agent", 1))
ENDS = (leg_ended(CALLER), leg_ended(AGENT))
GAP = LegGap(leg=AGENT, start_ms=10_500, end_ms=15_000, cause="nothing came")


def words(text: str, at_ms: int) -> tuple[Word, ...]:
    return tuple(
        Word(f" {each}", at_ms + 300 * place, at_ms + 300 * place + 250, 0.9) for place, each in enumerate(text.split())
    )


def live(name: str, text: str, at_ms: int) -> Utterance:
    said = words(text, at_ms)
    return Utterance(
        leg=name, id=f"G1/{name}/{at_ms}", text=text, start_ms=at_ms, end_ms=said[-1].end_ms, language="en",
        confidence=0.9, words=said,
    )  # fmt: skip


HEARD = (
    *(live(CALLER, text, at_ms) for at_ms, text in CALLER_SAID),
    *(live(AGENT, text, at_ms) for at_ms, text in AGENT_SAID if at_ms != 11_000),
)


def result(*, channels: int = 2, late_ms: int = 0, status: str = "done", said=None, summary: str = ""):
    """Return Gladia's answer for a recording that began `late_ms` after the call's first frame."""
    spoken = said if said is not None else [
        (channel, at_ms, text)
        for channel, sentences in enumerate((CALLER_SAID, AGENT_SAID))
        for at_ms, text in sentences
    ]  # fmt: skip
    utterances = [
        {
            "text": text, "start": (at_ms - late_ms) / 1000, "end": (words(text, at_ms)[-1].end_ms - late_ms) / 1000,
            "channel": channel if channels == 2 else 0, "speaker": channel if channels == 1 else None,
            "confidence": 0.9, "language": "en",
            "words": [
                {"word": word.text, "start": (word.start_ms - late_ms) / 1000, "end": (word.end_ms - late_ms) / 1000,
                 "confidence": 0.9}
                for word in words(text, at_ms)
            ],
        }
        for channel, at_ms, text in spoken
    ]  # fmt: skip
    document = {
        "metadata": {"audio_duration": 30.0, "number_of_distinct_channels": channels},
        "transcription": {"full_transcript": "", "languages": ["en"], "utterances": utterances},
        "summarization": {"success": True, "is_empty": False, "results": summary},
    }
    return 200, {"status": status, "error_code": 400 if status == "error" else None,
                 "result": document if status == "done" else None}  # fmt: skip


@dataclass
class World(Mortal):
    """What a second pass finds and leaves. `answers` are by method and the last parts of the path."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[dict] = field(default_factory=list)
    carried: list[tuple[str, bool]] = field(default_factory=list)
    upload: object = Uploaded("https://api.gladia.io/file/1", 2, 30.0)
    archive: dict[str, bytes] = field(default_factory=dict)

    def ask(self, exchange):
        request = exchange.request
        path = request.url.split("//")[1].partition("/")[2].removeprefix("2010-04-01/Accounts/AC1/")
        name = f"{request.method} {path}"
        self.asked.append(name)
        if request.body:
            self.forms.append(json.loads(request.body) if request.body[:1] == b"{" else parse_qs(request.body.decode()))
        answer = self.act(lambda: self.answers[name])
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return exchange.outcome(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    def transfer(self, source, *, filename, is_public):
        assert filename == "CA1.wav"
        self.carried.append((source.url, is_public))
        answer = self.act(lambda: self.upload)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def keep(self, key, file):
        self.act(lambda: self.archive.update({key: file}))

    def step(self, seq: int | None = None, *, now=NOW) -> Outcome:
        return Batch(
            log=WholeLog("Calls", self.perform),
            ask=self.ask,
            gladia=lambda: ("https://api.gladia.io", "key"),
            recordings=lambda: Recordings(TwilioRest("https://api.twilio.com", "token")),
            status_callback="https://voice.example.test/twilio/recording",
            callback=lambda tenant, call_id, now: f"https://voice.example.test/gladia/{tenant}.{call_id}",
            transfer=self.transfer,
            keep=self.keep,
        ).step("CA1", seq, now=now)

    def seq(self, kind: type) -> int:
        return next(place for place, body in enumerate(self.log(), 1) if isinstance(body, kind))


def in_progress(first: CallStarted, *bodies) -> World:
    world = World()
    world.write(first, *bodies)
    world.answers["GET Calls/CA1/Recordings.json"] = (200, {"recordings": []})
    world.answers["POST Calls/CA1/Recordings.json"] = (201, {"sid": "RE1", "status": "in-progress"})
    return world


def over(*more, first: CallStarted | None = None, heard=HEARD, recording=RECORDED) -> World:
    """Return a world with a call whose live transcript is all there is to have of it, and its recording."""
    world = World()
    asked = (RecordingStarted(recording="RE1"),) if recording else ()
    world.write(first or started(), *LEGS, *asked, *heard, *more, *ENDS, ENDED, *([recording] if recording else []))
    world.write(READY)
    world.answers["POST v2/pre-recorded"] = (
        201,
        {"id": "J1", "result_url": "https://api.gladia.io/v2/pre-recorded/J1"},
    )
    world.answers["GET v2/pre-recorded/J1"] = result()
    return world


# While the call goes on.


def test_a_call_is_recorded_from_when_somebody_is_on_the_line():
    world = in_progress(started(SecondPass()), *LEGS)

    assert world.step(2) is Outcome.RECORDED

    assert world.of(RecordingStarted) == [RecordingStarted(recording="RE1")]
    (form,) = world.forms
    assert form["RecordingChannels"] == ["dual"]
    assert form["Trim"] == ["do-not-trim"]
    assert form["RecordingStatusCallback"] == ["https://voice.example.test/twilio/recording"]


def test_of_several_entries_that_say_so_one_has_it_recorded():
    world = in_progress(started(), *LEGS)

    assert [world.step(seq) for seq in (1, 3, 2, 2)] == [
        Outcome.NOTHING, Outcome.NOTHING, Outcome.RECORDED, Outcome.NOTHING,
    ]  # fmt: skip
    assert world.asked.count("POST Calls/CA1/Recordings.json") == 1


def test_a_call_that_waits_for_a_session_is_recorded_too():
    world = in_progress(started(), SessionWaiting(media_stream="MZ1", taken=30))

    assert world.step(2) is Outcome.RECORDED


@pytest.mark.parametrize(
    "first", [started(None), started(SecondPass(recording="told")), started(SecondPass(recording=PLACE)),
              started(provider="asterisk")],
)  # fmt: skip
def test_nothing_is_recorded_that_was_not_asked_to_be(first):
    world = in_progress(first, *LEGS)

    assert world.step(2) is Outcome.NOTHING
    assert world.asked == []


def test_a_recording_that_was_begun_by_a_run_that_died_is_found_again():
    world = in_progress(started(), *LEGS)
    world.answers["GET Calls/CA1/Recordings.json"] = (
        200, {"recordings": [RECORDING | {"sid": "RE7", "source": "DialVerb"}, RECORDING]},
    )  # fmt: skip

    assert world.step(2) is Outcome.RECORDED
    assert world.of(RecordingStarted) == [RecordingStarted(recording="RE1")]


def test_a_call_that_ended_meanwhile_is_not_recorded():
    world = in_progress(started(), *LEGS)
    world.answers["POST Calls/CA1/Recordings.json"] = (400, {"code": 21220})

    assert world.step(2) is Outcome.NOTHING
    assert world.of(BatchFailed) == []


def test_an_account_that_may_not_record_is_told_once():
    world = in_progress(started(), *LEGS)
    world.answers["POST Calls/CA1/Recordings.json"] = (403, {"code": 20003})

    assert world.step(2) is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="twilio answered 403, error 20003")]


def test_while_twilio_is_away_it_is_asked_again():
    world = in_progress(started(), *LEGS)
    world.answers["POST Calls/CA1/Recordings.json"] = Unavailable("twilio can't be reached")

    with pytest.raises(Unavailable):
        world.step(2)
    assert world.of(BatchFailed) == []


# When it is over.


def test_the_recording_is_carried_to_gladia_and_transcribed():
    world = over(first=started(gladia={"language_config": {"languages": ["en", "es"]}}))

    assert world.step(world.seq(TranscriptReady)) is Outcome.STARTED

    assert world.carried == [
        ("https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.wav?RequestedChannels=2", False)
    ]
    (form,) = world.forms
    assert form["audio_url"] == "https://api.gladia.io/file/1"
    assert form["language_config"] == {"languages": ["en", "es"], "code_switching": True}
    assert form["diarization"] is False
    assert form["callback_config"]["url"] == "https://voice.example.test/gladia/acme.CA1"
    assert world.of(BatchStarted) == [BatchStarted(job="J1", recording="RE1")]
    assert world.step(world.seq(TranscriptReady)) is Outcome.DONE


def test_voices_of_a_mono_recording_are_told_apart():
    world = over(recording=msgspec.structs.replace(RECORDED, channels=1))
    world.upload = Uploaded("https://api.gladia.io/file/1", 1, 30.0)

    world.step(world.seq(TranscriptReady))

    assert world.carried[0][0].endswith("/RE1.wav")
    assert world.forms[0]["diarization"] is True


def test_a_recording_of_the_customers_own_is_taken_from_its_place():
    world = over(first=started(SecondPass(when="always", recording=f"{PLACE}?token=secret")), recording=None)

    assert world.step(world.seq(TranscriptReady)) is Outcome.STARTED
    assert world.carried == [("https://files.example.test/CA1.wav?token=secret", True)]
    assert world.of(BatchStarted) == [BatchStarted(job="J1", recording="https://files.example.test/CA1.wav")]


def test_a_complete_transcript_needs_no_second_pass():
    world = over(first=started(SecondPass(when="needed")))

    assert world.step(world.seq(TranscriptReady)) is Outcome.NOTHING
    assert world.carried == []


@pytest.mark.parametrize("lack", [GAP, CallFailed(reason="Gladia was away", kept="")])
def test_one_that_lacks_something_does(lack):
    world = over(lack, first=started(SecondPass(when="needed")))

    assert world.step(world.seq(TranscriptReady)) is Outcome.STARTED


@pytest.mark.parametrize("ending", ["no-answer", "busy", "failed", "canceled", "unknown"])
def test_a_call_that_nobody_took_has_nothing_to_transcribe(ending):
    world = World()
    world.write(started(), CallEnded(reason=ending, duration_ms=0), READY)

    assert world.step(3) is Outcome.NOTHING


def test_a_call_that_got_no_slot_and_has_no_second_pass_is_told_so():
    world = World()
    world.write(started(None), BatchWanted(media_stream="MZ1", reason="no session was free"), ENDED, READY)

    assert world.step(4) is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="the number's settings have no second pass")]


def test_twilio_is_asked_about_a_recording_whose_callback_is_lost():
    world = over(recording=None)
    world.write(RecordingStarted(recording="RE1"))
    world.answers["GET Recordings/RE1.json"] = (200, RECORDING | {"status": "processing"})

    assert world.step(world.seq(TranscriptReady)) is Outcome.WAITS
    world.answers["GET Recordings/RE1.json"] = (200, RECORDING)
    assert world.step(world.seq(TranscriptReady)) is Outcome.STARTED

    assert world.of(RecordingEnded) == [RECORDED]


@pytest.mark.parametrize(
    "answer", [(200, RECORDING | {"status": "absent"}), (404, {"code": 20404})],
)  # fmt: skip
def test_a_recording_that_there_is_none_of_is_not_waited_for(answer):
    world = over(recording=None)
    world.write(RecordingStarted(recording="RE1"))
    world.answers["GET Recordings/RE1.json"] = answer

    assert world.step(world.seq(TranscriptReady)) is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="the call was not recorded")]


def test_one_that_somebody_else_makes_is_waited_for_and_then_gone_without():
    world = over(first=started(SecondPass(when="always", recording="told")), recording=None)
    seq = world.seq(TranscriptReady)

    assert world.step(seq) is Outcome.WAITS
    assert world.step(seq, now=NOW + PATIENCE) is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="the call was not recorded, for 2 hours")]


@pytest.mark.parametrize("trouble", [Unavailable("twilio answered 404"), MalformedMessage("a secret", kind="gladia")])
def test_a_recording_that_can_not_be_carried_now_is_tried_again_for_two_hours(trouble):
    world = over()
    world.upload = trouble
    seq = world.seq(TranscriptReady)

    assert world.step(seq) is Outcome.WAITS
    assert world.step(seq, now=NOW + PATIENCE) is Outcome.FAILED
    (failed,) = world.of(BatchFailed)
    assert "a secret" not in failed.reason


@pytest.mark.parametrize(
    ("upload", "why"),
    [
        (Refused("the recording is empty"), "the recording is empty"),
        (LONG, "the recording is longer than the 135 minutes that Gladia takes"),
    ],
)  # fmt: skip
def test_a_recording_that_gladia_will_never_take_is_told_once(upload, why):
    world = over()
    world.upload = upload

    assert world.step(world.seq(TranscriptReady)) is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason=why)]
    assert world.step(world.seq(TranscriptReady)) is Outcome.NOTHING


# What comes of it.


def collected(world: World, answer=None) -> World:
    world.write(BatchStarted(job="J1", recording="RE1"))
    if answer is not None:
        world.answers["GET v2/pre-recorded/J1"] = answer
    return world


def test_the_transcript_of_the_recording_is_kept_with_what_differs():
    world = collected(
        over(heard=(live(CALLER, "good morning I have lost my red card at the station", 1000), *HEARD[1:]))
    )

    assert world.step() is Outcome.DONE

    (ready,) = world.of(BatchReady)
    assert (ready.job, ready.recording, ready.transcript) == ("J1", "RE1", KEY)
    assert [(each.party, each.language, each.words, each.substituted, each.missing) for each in ready.differences] == [
        ("caller", "en", 16, 1, 0), ("agent", "en", 20, 0, 6),
    ]  # fmt: skip
    document = decode(world.archive[KEY])
    assert [(line.party, line.utterance.text) for line in document.lines][:2] == [
        ("caller", CALLER_SAID[0][1]), ("agent", AGENT_SAID[0][1]),
    ]  # fmt: skip
    assert [(change.live, change.recorded) for change in document.changes] == [
        ("red", "credit"), ("", "and when exactly did you notice"),
    ]  # fmt: skip
    assert world.log()[-1] == ready


def test_a_gap_gets_its_words_and_where_they_are_from():
    world = collected(over(GAP))

    world.step()

    (filled,) = [said for said in world.of(Utterance) if said.id.startswith("J1/")]
    assert (filled.leg, filled.text, filled.start_ms) == (AGENT, "and when exactly did you notice", 11_000)
    assert world.of(LegRepaired) == [
        LegRepaired(leg=AGENT, start_ms=10_500, end_ms=15_000, utterances=(filled.id,), recording="RE1", job="J1")
    ]


def test_a_recording_that_began_later_stands_where_its_words_were_heard():
    world = collected(over(GAP), result(late_ms=870))

    world.step()

    (filled,) = [said for said in world.of(Utterance) if said.id.startswith("J1/")]
    assert abs(filled.start_ms - 11_000) <= 1
    assert abs(decode(world.archive[KEY]).offset_ms - 870) <= 1


def test_what_was_said_after_live_hearing_failed_is_filled_in():
    failed = CallFailed(reason="Gladia ended ten sessions", kept="what was heard until then")
    world = collected(over(failed, heard=(HEARD[0], HEARD[2])))

    world.step()

    filled = [(said.leg, said.text) for said in world.of(Utterance) if said.id.startswith("J1/")]
    assert filled == [
        (CALLER, "thank you very much goodbye"), (AGENT, AGENT_SAID[1][1]), (AGENT, AGENT_SAID[2][1]),
    ]  # fmt: skip
    assert [(each.leg, each.end_ms) for each in world.of(LegRepaired)] == [(CALLER, 30_000), (AGENT, 30_000)]


def test_a_call_that_got_no_slot_is_transcribed_here():
    world = World()
    wanted = BatchWanted(media_stream="MZ1", reason="no session was free")
    world.write(started(SecondPass()), RecordingStarted(recording="RE1"), wanted, ENDED, RECORDED, READY)
    collected(world, result(summary="A card was lost."))

    assert world.step() is Outcome.DONE

    legs = [(each.leg, each.party, each.track, each.codec, each.session) for each in world.of(LegStarted)]
    assert legs == [
        ("J1/inbound", "caller", "inbound", "recording", "J1"),
        ("J1/outbound", "callee", "outbound", "recording", "J1"),
    ]
    assert [said.text for said in world.of(Utterance)] == [
        *(text for _, text in CALLER_SAID), *(text for _, text in AGENT_SAID),
    ]  # fmt: skip
    assert world.of(Summary) == [Summary(text="A card was lost.", session="J1")]
    call = fold(Entry("CA1", seq, "", "acme", body) for seq, body in enumerate(world.log(), 1))
    assert call.settled
    assert call.complete


def test_a_track_that_is_not_to_be_heard_is_not_filled_in():
    world = World()
    wanted = BatchWanted(media_stream="MZ1", reason="no session was free")
    world.write(started(SecondPass(), tracks="inbound_track"), wanted, ENDED, RECORDED, READY)
    collected(world, result())

    world.step()

    assert {said.leg for said in world.of(Utterance)} == {"J1/inbound"}


def test_a_mono_recording_fills_the_gap_of_who_speaks_in_it():
    world = collected(over(GAP), result(channels=1))

    world.step()

    (filled,) = [said for said in world.of(Utterance) if said.id.startswith("J1/")]
    assert (filled.leg, filled.text) == (AGENT, "and when exactly did you notice")


def test_the_summary_of_what_was_heard_live_stands():
    world = collected(over(Summary(text="A card.", session="G1")), result(summary="Another."))

    world.step()

    assert world.of(Summary) == [Summary(text="A card.", session="G1")]


def test_the_recording_of_another_call_is_refused():
    other = [
        (0, 1000, "what a wonderful evening for the opera dear friends"),
        (1, 9000, "the tenor was ill again tonight"),
    ]
    world = collected(over(GAP), result(said=other))

    assert world.step() is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="the recording is of another call")]
    assert world.archive == {}
    assert world.of(LegRepaired) == []


def test_gladias_error_is_told():
    world = collected(over(), result(status="error"))

    assert world.step() is Outcome.FAILED
    assert world.of(BatchFailed) == [BatchFailed(reason="Gladia could not transcribe the recording: error 400")]


@pytest.mark.parametrize("answer", [result(status="processing"), (503, {}), (200, b"<html>")])
def test_a_result_that_is_not_there_is_waited_for_and_then_gone_without(answer):
    world = collected(over(), answer)

    assert world.step() is Outcome.WAITS
    assert world.step(now=NOW + PATIENCE) is Outcome.FAILED


def test_a_result_that_is_told_of_twice_is_taken_once():
    world = collected(over(GAP))
    world.step()
    log = world.log()

    assert world.step() is Outcome.NOTHING
    assert world.log() == log


def test_a_call_that_there_is_no_log_of_asks_for_nothing():
    assert World().step() is Outcome.NOTHING


def walk(world: World) -> World:
    """Take the second pass from the call's first leg to its end."""
    for kind in (LegStarted, TranscriptReady):
        world.step(world.seq(kind))
    world.step()
    return world


def whole_call() -> World:
    world = over(GAP, CallFailed(reason="Gladia was away", kept=""), heard=HEARD[:3])
    world.answers["GET Calls/CA1/Recordings.json"] = (200, {"recordings": []})
    return world


@pytest.mark.parametrize("dies_after", [False, True])
def test_a_run_that_is_killed_at_any_point_is_made_good_by_the_next(dies_after):
    once = walk(whole_call())
    assert once.of(BatchReady)
    assert len(once.of(LegRepaired)) == 2

    for point in range(once.acts):
        world = whole_call()
        world.dies_at, world.dies_after = point, dies_after
        with pytest.raises(Killed):
            walk(world)
        world.dies_at = -1
        walk(world)
        assert world.log() == once.log(), point
        assert world.archive == once.archive, point


def test_two_runs_at_once_write_what_one_would():
    once = collected(whole_call())
    once.step()

    for point in range(once.acts):
        world = collected(whole_call())
        other = World(table=world.table, answers=world.answers, archive=world.archive)

        def meanwhile(do, world=world, other=other, point=point):
            world.acts += 1
            if world.acts - 1 == point:
                other.step()
            return do()

        world.act = meanwhile
        world.step()
        assert world.log() == once.log(), point
        assert world.archive == once.archive, point
