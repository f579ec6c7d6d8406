"""A call that is over is brought to its end, whatever happens on the way. The table is in memory, Gladia by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from callscribe.after_call import Analytics, Card, Chapters, Summary, TranscriptReady
from callscribe.archive import unpack
from callscribe.entries import (
    CallEnded,
    CallFailed,
    CallStarted,
    Ledger,
    LegEnded,
    LegStarted,
    Utterance,
)
from callscribe.errors import Refused, Unavailable
from callscribe.second_pass import BatchReady, LegRepaired
from functions.finish.finish import PATIENCE, Finish, Outcome
from functions.whole_log import WholeLog
from tests.mortal import NOW, Killed, Mortal

LEG = "MZ1/inbound"
STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
LEG_STARTED = LegStarted(
    leg=LEG, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
    offset_ms=0, session_begin_ms=0,
)  # fmt: skip
LEG_ENDED = LegEnded(
    leg=LEG, ledger=Ledger(heard=160_000, sent=160_000, acknowledged=160_000), sessions=1, reconnects=0
)
ENDED = CallEnded(reason="completed", duration_ms=20_000)
KEY = "entries/day=2026-11-22/tenant=acme/CA1.jsonl.gz"


def said(number: int, text: str) -> Utterance:
    return Utterance(
        leg=LEG, id=f"G1/00_{number}", text=text, start_ms=2000 * number, end_ms=2000 * number + 1000, language="en",
        confidence=0.9, words=(),
    )  # fmt: skip


@dataclass
class World(Mortal):
    """What `finish` finds and leaves."""

    archive: dict[str, bytes] = field(default_factory=dict)
    results: dict[str, object] = field(default_factory=dict)  # Gladia's, by session; an error is raised
    asked: list[str] = field(default_factory=list)

    def ask(self, exchange):
        session = exchange.request.url.rpartition("/")[2]
        self.asked.append(session)
        result = self.act(lambda: self.results.get(session, (404, {})))
        if isinstance(result, Exception):
            raise result
        status, body = result
        return exchange.outcome(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    def keep(self, key: str, file: bytes) -> None:
        self.act(lambda: self.archive.update({key: file}))

    def finish(self, *, now: datetime = NOW, call_id: str = "CA1") -> Outcome:
        return Finish(
            WholeLog("Calls", self.perform), self.ask, lambda: ("https://api.gladia.io", "key"), self.keep
        ).finish(call_id, now=now)


def result(*texts: str, summary: str | None = None, status: str = "done") -> tuple[int, object]:
    messages = [
        json.dumps(
            {
                "type": "transcript",
                "data": {
                    "id": f"00_{number}",
                    "is_final": True,
                    "utterance": {
                        "text": f" {text}", "start": 2.0 * number, "end": 2.0 * number + 1, "confidence": 0.9,
                        "channel": 0, "language": "en", "words": [],
                    },
                },
            }
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip
    summarization = {"success": True, "is_empty": False, "results": summary, "exec_time": 1, "error": None}
    body = {"messages": messages, "summarization": summarization if summary else None}
    return 200, {"status": status, "result": body if status == "done" else None}


def over(*texts: str) -> World:
    """Return a world with a call of one leg that is over."""
    world = World()
    world.write(STARTED, LEG_STARTED, *(said(number, text) for number, text in enumerate(texts)), LEG_ENDED, ENDED)
    return world


def test_a_call_that_is_over_gets_summary_chapters_figures_and_is_kept():
    world = over("Good morning.", "How can I help?")
    world.results["G1"] = result("Good morning.", "How can I help?", summary="A greeting.")

    assert world.finish() is Outcome.DONE

    assert world.of(Summary) == [Summary(text="A greeting.", session="G1")]
    (chapters,), (analytics,) = world.of(Chapters), world.of(Analytics)
    assert chapters.chapters[0].start_ms == 0
    assert analytics.parties[0].utterances == 2
    (ready,) = world.of(TranscriptReady)
    assert (ready.archive, ready.utterances, ready.complete, ready.unknown) == (KEY, 2, True, ())
    assert ready.formats == ("json", "vtt", "srt", "text", "csv")
    assert world.log()[-1] == ready
    rows = unpack(world.archive[KEY])
    assert [row.kind for row in rows][-3:] == ["summary", "chapters", "analytics"]
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))


def test_words_that_gladia_has_and_the_log_lacks_are_written_before_figures_are_made():
    world = over("Good morning.")
    world.results["G1"] = result("Good morning.", "One more thing.")

    world.finish()

    assert [each.text for each in world.of(Utterance)] == ["Good morning.", "One more thing."]
    assert world.of(Analytics)[0].parties[0].utterances == 2


def test_a_call_that_goes_on_is_left_alone():
    world = World()
    world.write(STARTED, LEG_STARTED, said(0, "Hello."), ENDED)

    assert world.finish() is Outcome.NOT_OVER
    assert (len(world.log()), world.asked, world.archive) == (4, [], {})


def test_an_event_of_a_call_that_has_no_log_comes_to_nothing():
    assert World().finish() is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "trouble",
    [
        result(status="processing"),
        result(status="queued"),
        Unavailable("gladia can't be reached: TimeoutError"),
        Refused("gladia answered 401"),
        (200, b"<html>"),
        (503, b""),
    ],
)
def test_gladias_result_is_waited_for_and_then_gone_without(trouble):
    world = over("Good morning.")
    world.results["G1"] = trouble

    assert world.finish() is Outcome.WAITS
    assert len(world.log()) == 5

    assert world.finish(now=NOW + PATIENCE) is Outcome.DONE
    (ready,) = world.of(TranscriptReady)
    assert len(ready.unknown) == 1
    assert ready.unknown[0].startswith("session G1: ")


@pytest.mark.parametrize("status", [result(status="error"), (404, {})])
def test_a_session_that_gladia_has_nothing_of_is_not_waited_for(status):
    world = over("Good morning.")
    world.results["G1"] = status

    assert world.finish() is Outcome.DONE
    assert world.of(TranscriptReady)[0].unknown == ("session G1: error",)


@pytest.mark.parametrize("ending", [CallEnded(reason="no-answer", duration_ms=0), CallFailed(reason="no", kept="")])
def test_a_call_that_nobody_spoke_in_is_kept_all_the_same(ending):
    world = World()
    world.write(STARTED, ending, *([ENDED] if isinstance(ending, CallFailed) else []))

    assert world.finish() is Outcome.DONE
    assert world.of(TranscriptReady)[0].utterances == 0
    assert KEY in world.archive


def test_finishing_twice_is_finishing_once():
    world = over("Good morning.")
    world.results["G1"] = result("Good morning.", summary="A greeting.")
    world.finish()
    log, archive = world.log(), dict(world.archive)

    assert world.finish(now=NOW + timedelta(days=1)) is Outcome.DONE_BEFORE
    assert (world.log(), world.archive) == (log, archive)
    assert world.asked == ["G1"]


def test_a_card_that_comes_afterwards_changes_nothing():
    world = over("Good morning.")
    world.results["G1"] = result("Good morning.")
    world.finish()
    world.write(Card(hook="h", utterance=None, title="t", text="x"))

    assert world.finish() is Outcome.DONE_BEFORE


def test_what_the_recording_added_is_counted_and_kept_anew():
    world = over("Good morning.")
    world.results["G1"] = result("Good morning.")
    world.finish()
    filled = LegRepaired(leg=LEG, start_ms=3900, end_ms=5100, utterances=("G1/00_2",), recording="RE1", job="J1")
    ready = BatchReady(job="J1", recording="RE1", transcript="batch/CA1.json", differences=())
    world.write(said(2, "It was not lost."), filled, ready)

    assert world.finish() is Outcome.DONE

    assert [each.utterances for each in world.of(TranscriptReady)] == [1, 2]
    assert [each.parties[0].utterances for each in world.of(Analytics)] == [1, 2]
    assert "batch.ready" in [row.kind for row in unpack(world.archive[KEY])]
    assert world.asked == ["G1"]  # Gladia was asked the first time
    assert world.finish() is Outcome.DONE_BEFORE


def two_sessions() -> World:
    """Return a call of which Gladia knows more in each of its two sessions."""
    world = World()
    second = LegStarted(
        leg=LEG, party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G2", channel=0,
        offset_ms=0, session_begin_ms=10_000,
    )  # fmt: skip
    world.write(STARTED, LEG_STARTED, said(0, "Good morning."), second, LEG_ENDED, ENDED)
    world.results["G1"] = result("Good morning.", "One more.", summary="A greeting.")
    world.results["G2"] = result("And another.", "And the last.", summary="Two things.")
    return world


def points() -> int:
    world = two_sessions()
    world.finish()
    return world.acts


@pytest.mark.parametrize("dies_after", [False, True])
def test_a_run_that_is_killed_at_any_point_is_made_good_by_the_next(dies_after):
    once = two_sessions()
    once.finish()
    assert [type(body) for body in once.log()[6:]] == [
        Utterance, Summary, Utterance, Utterance, Summary, Chapters, Analytics, TranscriptReady,
    ]  # fmt: skip

    for point in range(points()):
        world = two_sessions()
        world.dies_at, world.dies_after = point, dies_after
        with pytest.raises(Killed):
            world.finish()
        world.dies_at = -1
        world.finish()
        assert world.log() == once.log(), point
        assert world.archive == once.archive, point


def test_two_runs_at_once_write_what_one_would():
    once = two_sessions()
    once.finish()

    for point in range(points()):
        world = two_sessions()
        other = World(table=world.table, archive=world.archive, results=world.results)

        def meanwhile(do, world=world, other=other, point=point):
            world.acts += 1
            if world.acts - 1 == point:
                other.finish()
            return do()

        world.act = meanwhile
        world.finish()
        assert world.log() == once.log(), point
        assert world.archive == once.archive, point


def test_a_call_of_a_day_that_may_be_joined_marks_it_after_its_file_is_there():
    world = over("Good morning.")
    world.results["G1"] = result("Good morning.")
    world.finish()
    assert list(world.archive) == [KEY]

    world.write(said(2, "One more."), BatchReady(job="J1", recording="RE1", transcript="x", differences=()))
    world.finish(now=NOW + timedelta(days=2))

    assert list(world.archive) == [KEY, "stale/tenant=acme/day=2026-11-22"]
