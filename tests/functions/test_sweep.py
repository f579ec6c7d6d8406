"""Calls that no bridge attends to: heard again, or brought to an end. AWS as moto has it; Twilio and Gladia by hand."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec
import pytest

from callscribe.call import fold
from callscribe.entries import CallEnded, CallFailed, CallStarted, LegGap, LegStarted, Utterance, timestamp
from callscribe.errors import Unavailable
from callscribe.in_progress import InProgress
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.log import Log
from callscribe.sessions import Sessions
from callscribe.twilio_rest import TwilioRest
from functions.sweep.care import Care
from functions.sweep.run import Report, run

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SESSIONS = Sessions("Sessions")


def ms(moment: datetime) -> int:
    return round(1000 * moment.timestamp())


def ago(**time) -> datetime:
    return NOW - timedelta(**time)


@dataclass
class Outside:
    """Twilio and Gladia: what each answers, and what they were asked."""

    calls: dict[str, tuple[int, object]] = field(default_factory=dict)  # status and body by call id; else unknown
    results: dict[str, tuple[int, object]] = field(default_factory=dict)  # by session id
    streams: list[dict[str, str]] = field(default_factory=list)  # that were asked for, by their call
    away: set[str] = field(default_factory=set)
    lost: int = 0  # so many answers to requests for a stream get lost on their way

    def __call__(self, exchange):
        if exchange.service in self.away:
            raise Unavailable(f"{exchange.service} can't be reached: TimeoutError")
        request = exchange.request
        name = request.url.removesuffix(".json").removesuffix("/Streams").rpartition("/")[2]
        if request.method == "POST":
            form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
            self.streams.append({"call_id": name, **form})
            if self.lost:
                self.lost -= 1
                raise Unavailable("twilio can't be reached: TimeoutError")
            return exchange.outcome(201, b'{"sid":"MZ9"}')
        status, body = (self.calls if exchange.service == "twilio" else self.results).get(name, (404, {}))
        return exchange.outcome(status, json.dumps(body).encode())

    def is_on(self, call_id: str = "CA1") -> None:
        self.calls[call_id] = (200, {"status": "in-progress"})

    def is_over(self, call_id: str = "CA1", *, at: datetime) -> None:
        end_time = at.strftime("%a, %d %b %Y %H:%M:%S +0000")
        self.calls[call_id] = (200, {"status": "completed", "duration": "42", "end_time": end_time})

    def heard(self, session: str, *texts: str, status: str = "done") -> None:
        messages = [
            json.dumps(
                {"type": "transcript", "data": {"id": f"00_{place}", "is_final": True, "utterance": said(text, place)}}
            )
            for place, text in enumerate(texts)
        ]
        self.results[session] = (
            200,
            {"status": status, "result": {"messages": messages} if status == "done" else None},
        )


def said(text: str, start_s: float) -> dict:
    return {
        "text": f" {text}", "start": start_s, "end": start_s + 0.5, "confidence": 0.9, "channel": 0, "language": "en",
        "words": [],
    }  # fmt: skip


@dataclass
class Deployment:
    """What the sweep finds and leaves."""

    aws: object
    outside: Outside
    tables_away: bool = False

    def perform(self, steps):
        if self.tables_away:
            raise Unavailable("dynamodb: away")
        return self.aws.table(steps)

    def care(self) -> Care:
        return Care(
            calls_table="Calls",
            sessions=SESSIONS,
            perform=self.perform,
            ask=self.outside,
            twilio=lambda: TwilioRest("https://api.twilio.com", "token"),
            gladia=lambda: ("https://api.gladia.io", "key"),
            media_stream_url=lambda record, now: f"wss://bridge.example.test/{record.tenant}/{record.call_id}",
        )

    def sweep(self, now: datetime = NOW, *, time_left_s: float = 50) -> Report:
        with ThreadPoolExecutor(2) as workers:
            report = run(self.care(), now=now, workers=workers, time_left_s=lambda: time_left_s)
        for bug in report.bugs:
            raise bug
        return report

    def swept(self, now: datetime = NOW) -> dict[str, int]:
        """What became of how many calls."""
        return {name: count for name, count in self.sweep(now).calls.items() if count}

    def open(self, call_id: str = "CA1", *, at: datetime) -> None:
        started = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
        self.perform(Log("Calls", call_id).open(started, at=timestamp(at), tenant="acme", token=call_id))

    def write(self, body, *, call_id: str = "CA1", at: datetime = NOW, token: str = "t") -> None:
        self.perform(Log("Calls", call_id).append(body, at=timestamp(at), tenant="acme", token=token))

    def beats(self, task: str, at: datetime) -> None:
        self.perform(SESSIONS.beat(task, now_ms=ms(at), leaving=False))

    def keeps(self, call_id: str = "CA1", **changes) -> LaneRecord:
        record = msgspec.structs.replace(LANE, call_id=call_id, session_id=f"S-{call_id}", **changes)
        assert self.perform(SESSIONS.keep(record))
        return record

    def crash(self, call_id: str = "CA1", *, at: datetime, **changes) -> None:
        """A bridge had the call until it died."""
        self.open(call_id, at=at - timedelta(seconds=60))
        record = self.keeps(call_id, at_ms=ms(at), **changes)
        self.beats(record.owner, at)
        self.write(leg_started(record), call_id=call_id, at=at - timedelta(seconds=59), token="leg")

    def log(self, call_id: str = "CA1") -> list:
        return [entry.body for entry in self.aws.log(call_id)]

    def of(self, kind: type, call_id: str = "CA1") -> list:
        return [body for body in self.log(call_id) if isinstance(body, kind)]

    def lanes(self, call_id: str = "CA1") -> list[LaneRecord]:
        return self.perform(SESSIONS.find(call_id))

    def tasks(self) -> list[str]:
        return [task.id for task in self.perform(SESSIONS.tasks())]

    def in_progress(self) -> set[str]:
        return set(self.perform(InProgress("Calls").before("9999")))


LANE = LaneRecord(
    call_id="CA1",
    tenant="acme",
    lane="inbound",
    owner="task-a",
    media_stream="MZ1",
    account="AC1",
    legs=(LegRecord(name="MZ1/inbound", party="caller", track="inbound", channel=0, heard=8000, filled=0, dropped=0),),
    session_id="S-CA1",
    url="wss://gladia.example.test/secret",
    begin=0,
    acknowledged=8000,
    sent=8000,
    position_ms=1000,
    at_ms=0,
    offset_ms=0,
    sessions=1,
    reconnects=0,
    encoding="mulaw",
    rate_hz=8000,
)


def leg_started(record: LaneRecord) -> LegStarted:
    return LegStarted(
        leg=record.legs[0].name, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1",
        session=record.session_id, channel=0, offset_ms=0,
    )  # fmt: skip


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def deployment(aws, outside) -> Deployment:
    return Deployment(aws, outside)


# --- the call goes on


def test_a_call_whose_bridge_died_is_to_be_heard_by_another(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_on()

    assert deployment.swept() == {"asked": 1}
    assert outside.streams == [
        {"call_id": "CA1", "Url": "wss://bridge.example.test/acme/CA1", "Track": "inbound_track"}
    ]
    assert deployment.lanes()[0].owner == "task-a"  # until another bridge takes it
    assert not deployment.of(CallEnded)


def test_a_media_stream_that_was_asked_for_is_given_time_to_come(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_on()
    deployment.sweep()

    assert deployment.swept(NOW + timedelta(seconds=5)) == {"asked before": 1}
    assert deployment.swept(NOW + timedelta(seconds=60)) == {"asked": 1}
    assert len(outside.streams) == 2


def test_a_request_whose_answer_is_lost_is_made_again_by_the_next_run(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_on()
    outside.lost = 1

    assert deployment.swept() == {"failed": 1}
    assert deployment.swept(NOW + timedelta(seconds=60)) == {"asked": 1}


def test_both_lanes_of_a_call_are_asked_for_as_one_stream(deployment, outside):
    outbound = msgspec.structs.replace(LANE.legs[0], name="MZ1/outbound", track="outbound")
    deployment.crash(at=ago(seconds=30))
    deployment.keeps(lane="outbound", legs=(outbound,), at_ms=ms(ago(seconds=30)))
    outside.is_on()
    deployment.sweep()

    assert [stream["Track"] for stream in outside.streams] == ["both_tracks"]


@pytest.mark.parametrize("status", ["queued", "ringing"])
def test_a_call_that_nobody_has_answered_yet_is_left_alone(deployment, outside, status):
    deployment.crash(at=ago(seconds=30))
    outside.calls["CA1"] = (200, {"status": status})

    assert deployment.swept() == {"goes on": 1}
    assert outside.streams == []


# --- bridges that live


def test_a_call_whose_bridge_lives_is_nobody_elses_business(deployment, outside):
    deployment.crash(at=ago(minutes=30))
    deployment.beats("task-a", ago(seconds=1))
    deployment.keeps(at_ms=ms(ago(seconds=1)))

    assert deployment.swept() == {}


def test_a_call_that_another_bridge_has_just_taken_is_attended_to(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    deployment.beats("task-b", ago(seconds=1))
    (record,) = deployment.lanes()
    deployment.perform(SESSIONS.take(record, task="task-b"))
    # The index is a little behind: it still has the call under the dead task.
    care = deployment.care()

    assert care.look_after("CA1", alive={"task-b"}, now=NOW) == "attended"


def test_a_lane_that_was_written_of_a_moment_ago_is_attended_to_though_no_heart_beats(deployment):
    deployment.crash(at=ago(seconds=30))
    deployment.keeps(at_ms=ms(ago(seconds=2)))

    assert deployment.swept() == {"attended": 1}


def test_a_lane_that_was_let_go_and_that_nobody_took_is_asked_for_though_its_owner_lives(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    deployment.beats("task-a", NOW)
    (record,) = deployment.lanes()
    deployment.perform(SESSIONS.release(record, audio=b"", tail=b""))
    outside.is_on()

    assert deployment.swept() == {"asked": 1}


def test_a_lane_that_a_task_left_when_it_went_is_found_by_its_call(deployment, outside):
    deployment.crash(at=ago(minutes=5))
    deployment.perform(SESSIONS.forget_task("task-a"))
    outside.is_on()

    assert deployment.swept() == {"asked": 1}


def test_a_task_that_is_dead_and_owns_nothing_is_forgotten(deployment):
    deployment.beats("dead", ago(minutes=1))
    deployment.beats("alive", NOW)

    assert deployment.sweep().tasks_forgotten == 1
    assert deployment.tasks() == ["alive"]


# --- the call is over


def test_a_call_that_ended_unseen_gets_its_last_words_its_gap_and_its_end(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", "good morning")

    assert deployment.swept() == {"closed": 1}
    assert [(each.id, each.text) for each in deployment.of(Utterance)] == [("S-CA1/00_0", "good morning")]
    assert deployment.of(LegGap) == [
        LegGap(leg="MZ1/inbound", start_ms=1000, end_ms=11_000, cause="no bridge had the call")
    ]
    assert deployment.of(CallEnded) == [CallEnded(reason="completed", duration_ms=42_000)]
    assert fold(deployment.aws.log("CA1")).settled
    assert deployment.lanes() == []
    assert deployment.in_progress() == set()


def test_sweeping_twice_is_sweeping_once(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", "good morning")
    deployment.sweep()
    log = deployment.log()

    assert deployment.swept(NOW + timedelta(minutes=1)) == {}
    assert deployment.log() == log
    assert deployment.tasks() == []


@pytest.mark.parametrize("writes", range(9))
def test_a_run_that_dies_anywhere_is_finished_by_the_next(deployment, outside, writes):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", "good morning", "goodbye")
    perform, left = deployment.perform, writes

    def dying(steps):
        nonlocal left
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            if request.method != "query":
                if not left:
                    raise Unavailable("dynamodb: died")
                left -= 1
            answer = perform(iter_of(request))

    def iter_of(request):
        return (yield request)

    deployment.perform = dying
    assert deployment.swept() in ({"failed": 1}, {"closed": 1})
    deployment.perform = perform
    deployment.sweep(NOW + timedelta(minutes=1))

    assert [type(each).__name__ for each in deployment.log()] == [
        "CallStarted", "LegStarted", "Utterance", "Utterance", "LegGap", "LegEnded", "CallEnded",
    ]  # fmt: skip
    assert deployment.lanes() == []
    assert deployment.in_progress() == set()


def test_a_call_whose_end_the_log_has_is_not_asked_for_at_twilio(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    deployment.write(CallEnded(reason="completed", duration_ms=7), at=ago(seconds=25), token="call.ended")
    outside.heard("S-CA1", "good morning")
    outside.away.add("twilio")

    assert deployment.swept() == {"closed": 1}
    assert len(deployment.of(CallEnded)) == 1
    assert [gap.end_ms - gap.start_ms for gap in deployment.of(LegGap)] == [5000]
    assert fold(deployment.aws.log("CA1")).settled


def test_what_the_bridge_wrote_before_it_died_is_not_written_again(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    own = Utterance(
        leg="MZ1/inbound", id="S-CA1/00_0", text="good morning", start_ms=0, end_ms=500, language="en", confidence=0.9,
        words=(),
    )  # fmt: skip
    deployment.write(own, token=own.id)
    outside.is_over(at=ago(seconds=30))
    outside.heard("S-CA1", "good morning", "goodbye")
    deployment.sweep()

    assert [each.text for each in deployment.of(Utterance)] == ["good morning", "goodbye"]
    assert deployment.of(LegGap) == []


def test_gladia_is_given_time_to_finish(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", status="processing")

    assert deployment.swept() == {"waits": 1}
    assert len(deployment.lanes()) == 1

    outside.heard("S-CA1", "good morning")
    assert deployment.swept(NOW + timedelta(minutes=1)) == {"closed": 1}
    assert [each.text for each in deployment.of(Utterance)] == ["good morning"]


@pytest.mark.parametrize("trouble", ["away", "busy", "key", "nonsense", "slow"])
def test_a_gladia_that_never_tells_is_not_waited_for_beyond_ten_minutes(deployment, outside, trouble):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))
    outside.results["S-CA1"] = {"busy": (503, {}), "key": (401, {}), "nonsense": (200, [])}.get(
        trouble, (200, {"status": "processing"})
    )
    outside.away |= {"gladia"} if trouble == "away" else set()

    assert deployment.swept() == {"waits": 1}
    assert deployment.swept(NOW + timedelta(minutes=9)) == {"waits": 1}
    assert deployment.swept(NOW + timedelta(minutes=10)) == {"given up": 1}
    (failed,) = deployment.of(CallFailed)
    assert failed.reason.startswith("gladia")
    assert fold(deployment.aws.log("CA1")).settled
    assert deployment.lanes() == []


def test_a_session_that_gladia_does_not_have_is_said_at_once(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_over(at=ago(seconds=20))

    assert deployment.swept() == {"given up": 1}
    assert [each.reason for each in deployment.of(CallFailed)] == ["gladia's stored result: error"]


def test_a_session_that_was_sent_nothing_is_not_waited_for(deployment, outside):
    deployment.crash(at=ago(seconds=30), sent=0, acknowledged=0)
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", status="queued")

    assert deployment.swept() == {"closed": 1}
    assert deployment.of(CallFailed) == []


def test_one_lane_that_waits_does_not_hold_up_the_other_and_the_call_ends_with_the_last(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outbound = msgspec.structs.replace(LANE.legs[0], name="MZ1/outbound", track="outbound")
    slow = msgspec.structs.replace(
        LANE, lane="outbound", legs=(outbound,), at_ms=ms(ago(seconds=30)), session_id="S-slow"
    )
    deployment.perform(SESSIONS.keep(slow))
    outside.is_over(at=ago(seconds=20))
    outside.heard("S-CA1", "good morning")
    outside.heard("S-slow", status="processing")

    assert deployment.swept() == {"waits": 1}
    assert [record.lane for record in deployment.lanes()] == ["outbound"]
    assert deployment.of(CallEnded) == []

    outside.heard("S-slow", "goodbye")
    assert deployment.swept(NOW + timedelta(minutes=1)) == {"closed": 1}
    assert len(deployment.of(CallEnded)) == 1
    assert fold(deployment.aws.log("CA1")).settled


# --- Twilio


@pytest.mark.parametrize("status", [401, 429, 503])
def test_without_twilio_a_call_waits_and_after_ten_minutes_what_was_heard_of_it_is_finished(
    deployment, outside, status
):
    deployment.crash(at=ago(seconds=30))
    outside.calls["CA1"] = (status, {})
    outside.heard("S-CA1", "good morning")

    assert deployment.swept() == {"failed": 1}
    assert len(deployment.log()) == 2
    assert deployment.swept(NOW + timedelta(minutes=10)) == {"given up": 1}
    assert [each.text for each in deployment.of(Utterance)] == ["good morning"]
    assert [each.reason for each in deployment.of(CallFailed)] == ["twilio does not say whether the call goes on"]
    assert deployment.lanes() == []
    assert deployment.of(CallEnded) == []  # it may go on, for all that is known

    outside.is_over(at=NOW)
    deployment.sweep(NOW + timedelta(minutes=11))
    assert len(deployment.of(CallEnded)) == 1


def test_a_call_that_twilio_does_not_know_ends_when_it_was_last_heard(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.heard("S-CA1", "good morning")

    assert deployment.swept() == {"closed": 1}
    assert deployment.of(CallEnded) == [CallEnded(reason="unknown", duration_ms=1000)]
    assert deployment.of(LegGap) == []


# --- calls in progress for ever


def test_a_call_that_ended_without_a_callback_ends_in_its_log(deployment, outside):
    deployment.open(at=ago(minutes=3))
    outside.is_over(at=ago(minutes=1))

    assert deployment.swept() == {"closed": 1}
    assert deployment.of(CallEnded) == [CallEnded(reason="completed", duration_ms=42_000)]
    assert deployment.in_progress() == set()


def test_a_call_that_is_still_on_stays_so(deployment, outside):
    deployment.open(at=ago(hours=3))
    outside.is_on()

    assert deployment.swept() == {"goes on": 1}
    assert deployment.in_progress() == {"CA1"}
    assert outside.streams == []


def test_a_call_that_has_just_begun_is_not_asked_after(deployment):
    deployment.open(at=ago(minutes=1))

    assert deployment.swept() == {}


def test_a_call_of_which_twilio_never_tells_is_over_after_a_day(deployment, outside):
    deployment.open(at=ago(hours=24))
    outside.away.add("twilio")

    assert deployment.swept() == {"failed": 1}
    assert deployment.swept(NOW + timedelta(hours=2)) == {"closed": 1}
    assert deployment.of(CallEnded) == [CallEnded(reason="unknown", duration_ms=0)]


def test_a_call_whose_account_nobody_knows_is_not_asked_after(deployment, outside):
    started = CallStarted(provider="twilio", direction="inbound", account="", from_number="", to_number="")
    deployment.perform(Log("Calls", "CA1").open(started, at=timestamp(ago(hours=1)), tenant="acme", token="CA1"))

    report = deployment.sweep()
    assert [trouble.why for trouble in report.troubles] == ["nobody knows whose call it is"]


def test_a_call_that_ended_but_is_still_listed_is_taken_from_the_list(deployment, outside):
    deployment.open(at=ago(minutes=3))
    steps = Log("Calls", "CA1").append(
        CallEnded(reason="completed", duration_ms=7), at=timestamp(NOW), tenant="acme", token="call.ended", tail=1
    )
    deployment.aws.dynamodb.put_item(**next(steps).arguments)  # and died before it told the list
    steps.close()
    assert deployment.in_progress() == {"CA1"}

    assert deployment.swept() == {"closed": 1}
    assert deployment.in_progress() == set()
    assert len(deployment.of(CallEnded)) == 1


# --- one call and the others


def test_a_bad_call_is_told_of_and_costs_no_other_its_turn(deployment, outside):
    for call_id in ("CA1", "CA2", "CA3"):
        deployment.crash(call_id, at=ago(seconds=30), owner=f"task-{call_id}")
        outside.is_on(call_id)
    outside.calls["CA1"] = (200, [])
    deployment.aws.dynamodb.update_item(
        TableName="Sessions",
        Key={"pk": {"S": "CALL#CA2"}, "sk": {"S": "LANE#inbound"}},
        UpdateExpression="SET body = :body",
        ExpressionAttributeValues={":body": {"S": "{"}},
    )

    report = deployment.sweep()
    assert report.calls["asked"] == 1
    assert [(trouble.call_id, trouble.why) for trouble in report.troubles] == [
        ("", "malformed: session of task task-CA2"),
        ("CA1", "malformed: twilio"),
    ]
    assert [stream["call_id"] for stream in outside.streams] == ["CA3"]


def test_a_bug_in_one_call_is_loud_and_costs_no_other_its_turn(deployment, outside):
    for call_id in ("CA1", "CA2"):
        deployment.crash(call_id, at=ago(seconds=30))
        outside.is_on(call_id)
    outside.calls["CA1"] = None  # nothing that a service can answer

    with ThreadPoolExecutor(2) as workers:
        report = run(deployment.care(), now=NOW, workers=workers, time_left_s=lambda: 50)
    assert [type(bug) for bug in report.bugs] == [TypeError]
    assert report.calls == {"asked": 1, "failed": 1}


def test_no_call_is_begun_when_the_time_is_nearly_over(deployment, outside):
    deployment.crash(at=ago(seconds=30))
    outside.is_on()

    assert deployment.sweep(time_left_s=14).calls["postponed"] == 1
    assert outside.streams == []


def test_without_the_tables_there_is_no_run(deployment):
    deployment.tables_away = True

    with pytest.raises(Unavailable):
        deployment.sweep()


@dataclass
class Trunk:
    """A PBX's call: the name in the log, and what its lane says."""

    call_id = "pbx.c-1"

    def crash(self, deployment: Deployment, *, at: datetime) -> None:
        started = CallStarted(provider="asterisk", direction="inbound", account="pbx", from_number="", to_number="")
        opening = Log("Calls", self.call_id).open(started, at=timestamp(at), tenant="acme", token=self.call_id)
        deployment.perform(opening)
        deployment.crash(self.call_id, at=at, provider="asterisk", account="pbx")


def test_a_pbx_whose_bridge_died_is_given_time_to_come_back_and_then_its_call_ends(deployment, outside):
    outside.away.add("twilio")  # which is not asked
    outside.heard(f"S-{Trunk.call_id}", "hello")
    Trunk().crash(deployment, at=ago(seconds=30))
    assert deployment.swept() == {"waits": 1}
    assert not deployment.of(CallEnded, Trunk.call_id)

    assert deployment.swept(NOW + timedelta(seconds=60)) == {"closed": 1}
    (end,) = deployment.of(CallEnded, Trunk.call_id)
    assert end.reason == "unknown"
    assert [said.text for said in deployment.of(Utterance, Trunk.call_id)] == ["hello"]
    assert deployment.lanes(Trunk.call_id) == []
    assert outside.streams == []


def test_a_call_of_a_pbx_whose_end_was_not_written_ends(deployment):
    started = CallStarted(provider="asterisk", direction="inbound", account="pbx", from_number="", to_number="")
    opening = Log("Calls", "pbx.c-1").open(started, at=timestamp(ago(minutes=5)), tenant="acme", token="c")
    deployment.perform(opening)

    assert deployment.swept() == {"closed": 1}
    assert deployment.of(CallEnded, "pbx.c-1")
    assert deployment.in_progress() == set()
