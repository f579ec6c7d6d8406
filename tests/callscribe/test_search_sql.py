"""The statement of a search finds what was asked for.

It is run by two engines, which have to agree: by SQLite with parameters (it knows all of it but `bool_or`), and by
DuckDB as text, over the files as they are in the archive.
"""

from __future__ import annotations

import sqlite3
from datetime import date, datetime

import duckdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.archive import COLUMNS, PARTITIONS, SUFFIX, key_of, pack, rows
from callscribe.call import fold
from callscribe.entries import CallEnded, CallStarted, Entry, LegStarted, Utterance, timestamp
from callscribe.search_query import parse
from callscribe.search_sql import MOST_MOMENTS, Statement, calls, statement

TODAY = date(2026, 11, 26)


class BoolOr:
    def __init__(self):
        self.found = False

    def step(self, value):
        self.found = self.found or bool(value)

    def finalize(self):
        return self.found


def call(name, *said, at="2026-11-25T09:00:00.000Z", number="+12025550123", minutes=5, language="en"):
    """Return the log of a call in which the parties say one thing after the other, the caller first."""
    parties = ("caller", "agent")
    bodies = [
        CallStarted(
            provider="twilio", direction="inbound", account="AC1", from_number=number, to_number="+12025550188"
        ),
        *(
            LegStarted(
                leg=party, party=party, track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
                channel=0, offset_ms=0,
            )
            for party in parties
        ),
        *(
            Utterance(
                leg=parties[place % 2], id=f"G1/{place}", text=text, start_ms=1000 * place, end_ms=1000 * place + 900,
                language=language, confidence=0.9, words=(),
            )
            for place, text in enumerate(said)
        ),
        CallEnded(reason="completed", duration_ms=60_000 * minutes),
    ]  # fmt: skip
    return [Entry(name, seq, at, "acme", body) for seq, body in enumerate(bodies, 1)]


@pytest.fixture
def archive(tmp_path):
    database = sqlite3.connect(":memory:")
    database.create_aggregate("bool_or", 1, BoolOr)
    names = [*COLUMNS, *PARTITIONS]
    database.execute(f"CREATE TABLE archive ({', '.join(names)})")

    files = f"read_json_auto('{tmp_path}/entries/*/*/*{SUFFIX}', union_by_name = true, hive_partitioning = true)"

    def keep(entries, tenant="acme"):
        path = tmp_path / key_of(fold(entries), entries[0].call_id, tenant)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(rows(entries)))
        for row in rows(entries):
            values = [getattr(row, name) for name in COLUMNS] + [row.started_at[:10], tenant]
            database.execute(f"INSERT INTO archive VALUES ({', '.join('?' * len(names))})", values)

    keep(call("CA1", "I have lost my card", "When was that?", "Yesterday, I lost it in the city"))
    keep(call("CA2", "A new card, please", "You lost the old one?", at="2026-11-26T09:00:00.000Z", minutes=90))
    keep(call("CA3", "Un café, s'il vous plaît", number="+33123456789", language="fr"))
    keep(call("CA4", "I have lost my card", at="2026-09-01T09:00:00.000Z"))
    keep(call("CA5", "I have lost my card"), tenant="other")

    def find(text, limit=10, after=None, tenant="acme"):
        query = parse(text, today=TODAY)
        asked = statement(query, tenant=tenant, table="archive", limit=limit, after=after)
        found = list(calls(database.execute(asked.sql, asked.parameters), is_of_words=query.is_of_words))
        written = statement(query, tenant=tenant, table=files, limit=limit, after=after).text
        assert list(map(plain, calls(duckdb.sql(written).fetchall(), is_of_words=query.is_of_words))) == found
        return found

    find.keep = keep
    return find


def plain(call):
    """Return a call as the log writes its start, which DuckDB takes for a time."""
    return msgspec.structs.replace(call, started_at=timestamp(datetime.fromisoformat(call.started_at)))


def ids(found):
    return [each.call_id for each in found]


def test_a_word_finds_the_calls_and_the_moments_newest_first(archive):
    found = archive("lost")

    assert ids(found) == ["CA2", "CA1"]
    assert [(each.party, each.start_ms, each.text) for each in found[1].moments] == [
        ("caller", 0, "I have lost my card"),
        ("caller", 2000, "Yesterday, I lost it in the city"),
    ]
    assert (found[1].duration_ms, found[1].from_number) == (300_000, "+12025550123")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"lost my card"', ["CA1"]),
        ("card city", ["CA1"]),
        ("card", ["CA2", "CA1"]),
        ("car", []),  # words are whole
        ("CAFE", ["CA3"]),
        ("card -city", ["CA2"]),
        ("lost party:agent", ["CA2"]),
        ("number:+33123456789", ["CA3"]),
        ("lang:fr", ["CA3"]),
        ("card longer:1h", ["CA2"]),
        ("card shorter:1h", ["CA1"]),
        ("card from:2026-09-01 to:2026-09-02", ["CA4"]),
        ("party:nobody", []),
        ("sentiment:positive", []),
    ],
)
def test_each_key_narrows(archive, text, expected):
    assert ids(archive(text)) == expected


def test_a_search_without_words_finds_calls_and_no_moments(archive):
    (found,) = archive("number:+33123456789")

    assert (found.call_id, found.moments) == ("CA3", ())


def test_what_comes_after_a_page_begins_with_the_next_call(archive):
    (first,) = archive("card", limit=1)
    (second,) = archive("card", limit=1, after=(first.started_at, first.call_id))

    assert (first.call_id, second.call_id) == ("CA2", "CA1")
    assert archive("card", after=(second.started_at, second.call_id)) == []


def test_of_a_call_so_many_moments_are_told(archive):
    archive.keep(call("CA6", *["again and again"] * 50))

    (found,) = archive("again")
    assert len(found.moments) == MOST_MOMENTS


def test_a_tenant_of_any_name_is_found_in_its_folder(archive):
    for tenant in ("a b", "o'neill & sons/ltd", "größe"):
        archive.keep(call("CA9", "I have lost my card"), tenant=tenant)
        assert ids(archive("lost", tenant=tenant)) == ["CA9"]


@given(st.one_of(st.text(), st.integers(), st.sampled_from(["'; DROP TABLE x; --", "\\'", "''", "?", "$1"])))
def test_whatever_anybody_wrote_is_a_value_and_nothing_else(value):
    if isinstance(value, int):
        value %= 2**31
    elif "\0" in value or not value.isprintable():
        value = "".join(filter(str.isprintable, value))

    written = Statement("SELECT ? AS a, ? AS b", (value, "x")).text

    assert sqlite3.connect(":memory:").execute(written).fetchall() == [(value, "x")]
    assert duckdb.sql(written).fetchall() == [(value, "x")]
