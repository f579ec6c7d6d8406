"""Searching as products ask for it, over files as they are in the archive; DuckDB stands for Athena."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from callscribe.archive import key_of, pack, rows
from callscribe.call import fold
from callscribe.entries import CallEnded, CallStarted, Entry, LegStarted, Utterance
from callscribe.errors import Refused, Unavailable
from callscribe.joined import Joined
from functions.calls.problems import Problem
from functions.calls.questions import SearchQuestion, of_query
from functions.calls.searching import LIFE, search
from functions.calls.service import Asked, Service
from functions.join.parquet import merge

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Duck:
    """Runs statements over the files in a folder; one may take its time."""

    def __init__(self, folder) -> None:
        files = f"read_json_auto('{folder}/entries/*/*/*', union_by_name = true, hive_partitioning = true)"
        self._database = duckdb.connect()
        self._database.execute(f"CREATE VIEW entries AS SELECT * FROM {files}")
        self._folder = folder
        self.started: dict[str, str] = {}
        self.is_slow = False
        self.failure: Exception | None = None

    def join(self) -> None:
        """Let there be files that are joined."""
        files = f"'{self._folder}/joined/*/*/*', hive_partitioning = true, hive_types = {{'day': VARCHAR}}"
        self._database.execute(f"CREATE VIEW joined AS SELECT * FROM read_parquet({files})")

    def start(self, sql: str) -> str:
        self.started[f"query-{len(self.started)}"] = sql
        return f"query-{len(self.started) - 1}"

    def rows(self, query, *, wait_s):
        assert wait_s > 0
        if self.failure is not None:
            raise self.failure
        if self.is_slow:
            return None
        found = self._database.execute(self.started[query]).fetchall()
        return [["" if value is None else str(value) for value in row] for row in found]


def call(name, *said, at="2026-11-25T09:00:00.000Z"):
    bodies = [
        CallStarted(
            provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
        ),
        LegStarted(
            leg="a", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
            offset_ms=0,
        ),
        *(
            Utterance(
                leg="a", id=f"G1/{place}", text=text, start_ms=1500 * place, end_ms=1500 * place + 900, language="en",
                confidence=0.9, words=(),
            )
            for place, text in enumerate(said)
        ),
        CallEnded(reason="completed", duration_ms=60_000),
    ]  # fmt: skip
    return [Entry(name, seq, at, "acme", body) for seq, body in enumerate(bodies, 1)]


class World:
    def __init__(self, folder) -> None:
        for number in range(5):
            at = f"2026-11-2{number}T09:00:00.000Z"
            self._keep(folder, call(f"CA{number}", "Good morning", "I have lost my card", at=at), "acme")
        self._keep(folder, call("CA9", "I have lost my card"), "other")
        self.queries = Duck(folder)
        self.joined = Joined()

    @staticmethod
    def _keep(folder, entries, tenant):
        path = folder / key_of(fold(entries), entries[0].call_id, tenant)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(rows(entries)))

    def ask(self, *, tenant="acme", now=NOW, **query):
        service = Service(
            calls_table="",
            perform=None,
            ask=None,
            twilio=None,
            settings=None,
            media_url=None,
            push_url="",
            stream_status_url="",
            queries=self.queries,
            joined=lambda _tenant: self.joined,
            file=None,
            signing_secret=lambda: json.dumps({"current": "key"}),
        )
        question = of_query(query, SearchQuestion)
        return search(service, Asked(tenant=tenant, now=now, question=question))

    def found(self, **asked):
        reply = self.ask(**asked)
        assert reply.status == 200
        return json.loads(reply.body)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_what_was_said_is_found_with_its_moment_and_a_link_to_it(world):
    page = world.found(q="lost from:2026-11-24")

    (found,) = page["calls"]
    assert (found["call_id"], found["from"], found["to"]) == ("CA4", "+12025550123", "+12025550188")
    assert found["started_at"] == "2026-11-24T09:00:00.000Z"
    assert found["link"] == "#call=CA4"
    (moment,) = found["moments"]
    assert (moment["party"], moment["text"], moment["start_ms"]) == ("caller", "I have lost my card", 1500)
    assert moment["link"] == "#call=CA4&t=1"
    assert page["over"]
    assert page.get("next") is None


def test_pages_follow_each_other_and_none_has_a_call_twice(world):
    seen, following = [], {}
    while True:
        page = world.found(q='"lost my card"', limit="2", **following)
        seen += [each["call_id"] for each in page["calls"]]
        if page.get("next") is None:
            break
        following = {"next": page["next"]}

    assert seen == ["CA4", "CA3", "CA2", "CA1", "CA0"]


def test_a_search_for_calls_alone_has_no_moments(world):
    page = world.found(q="number:+12025550123", limit="1")

    assert [(each["call_id"], each["moments"]) for each in page["calls"]] == [("CA4", [])]


def test_nobody_finds_the_calls_of_another_tenant(world):
    assert [each["call_id"] for each in world.found(q="lost", tenant="other")["calls"]] == ["CA9"]
    assert world.found(q="lost", tenant="nobody")["calls"] == []


def test_a_search_that_takes_long_is_asked_for_again(world):
    world.queries.is_slow = True
    reply = world.ask(q="lost")
    waiting = json.loads(reply.body)
    assert (reply.status, waiting["over"], waiting["calls"], reply.headers["retry-after"]) == (202, False, [], "1")

    world.queries.is_slow = False
    page = world.found(search=waiting["search"])

    assert len(page["calls"]) == 5
    assert len(world.queries.started) == 1


def test_one_that_was_asked_for_so_many_gives_so_many_when_it_is_asked_for_again(world):
    world.queries.is_slow = True
    waiting = json.loads(world.ask(q="lost", limit="2").body)
    world.queries.is_slow = False

    page = world.found(search=waiting["search"])
    assert [call["call_id"] for call in page["calls"]] == ["CA4", "CA3"]
    assert [call["call_id"] for call in world.found(q="lost", limit="2", next=page["next"])["calls"]] == ["CA2", "CA1"]


def test_a_search_is_for_who_began_it_and_for_an_hour(world):
    ticket = world.found(q="lost")["search"]

    for change in ({"tenant": "other"}, {"now": NOW + LIFE + timedelta(seconds=1)}, {"search": "forged"}):
        with pytest.raises(Problem) as problem:
            world.ask(**({"search": ticket} | change))
        assert (problem.value.status, problem.value.code) == (404, "no-such-search")


@pytest.mark.parametrize(
    ("query", "field", "why"),
    [
        ({"q": 'lost "my card'}, "q", "no second one"),
        ({"q": ""}, "q", "nothing to look for"),
        ({"q": "wordz:x"}, "q", "no key wordz"),
        ({}, "q", "either q"),
        ({"q": "lost", "search": "x"}, "q", "either q"),
        ({"q": "lost", "next": "?"}, "next", "next is not"),
        ({"q": "lost", "next": "WzFd"}, "next", "next is not"),
        ({"q": "lost", "limit": "51"}, "limit", ""),
    ],
)
def test_what_can_not_be_looked_for_is_told_and_costs_nothing(world, query, field, why):
    with pytest.raises(Problem) as problem:
        world.ask(**query)

    assert (problem.value.status, problem.value.field) == (400, field)
    assert why in str(problem.value)
    assert world.queries.started == {}


@pytest.mark.parametrize("failure", [Unavailable("athena: ThrottlingException"), Refused("athena: failed")])
def test_an_engine_that_is_away_or_will_not_is_no_empty_answer(world, failure):
    world.queries.failure = failure

    with pytest.raises(type(failure)):
        world.ask(q="lost")


def test_what_is_joined_and_what_is_not_are_searched_together_and_page_by_page(world, tmp_path):
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        calls_of_day = tmp_path / "entries" / f"day={day}" / "tenant=acme"
        target = tmp_path / "joined" / f"day={day}" / "tenant=acme" / "all.parquet"
        target.parent.mkdir(parents=True)
        merge(calls_of_day, target)
    world.queries.join()
    world.joined = Joined(date(2026, 11, 22), frozenset({date(2026, 11, 21)}))

    seen, following = [], {}
    while True:
        page = world.found(q='"lost my card"', limit="2", **following)
        seen += [(each["call_id"], each["started_at"]) for each in page["calls"]]
        if page.get("next") is None:
            break
        following = {"next": page["next"]}

    assert seen == [(f"CA{number}", f"2026-11-2{number}T09:00:00.000Z") for number in (4, 3, 2, 1, 0)]
    (started, *_) = world.queries.started.values()
    assert "FROM joined WHERE tenant = 'acme'" in started
