"""Which of two tables each day is read from, so that no search misses a call or finds it twice."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from callscribe.archive import COLUMNS, PREFIX, key_of
from callscribe.call import fold
from callscribe.entries import CallStarted, Entry
from callscribe.errors import MalformedMessage
from callscribe.joined import (
    Joined,
    day_of,
    day_prefix,
    days_of,
    decode_state,
    encode_state,
    joined_key,
    may_be_joined,
    parse_stale,
    stale_key,
    stale_prefix,
    tenant_of,
)

FIRST = date(2026, 11, 20)
DAYS = [FIRST + timedelta(days=number) for number in range(6)]


@pytest.fixture
def tables():
    """Two tables with a row a day and tenant, each of which says where it is."""
    database = duckdb.connect()
    for table in ("entries", "joined"):
        columns = ", ".join(f'"{name}" VARCHAR' for name in (*COLUMNS, "day", "tenant"))
        database.execute(f"CREATE TABLE {table} ({columns})")
        for day in DAYS:
            for tenant in ("acme", "other", "o'neill & co"):
                database.execute(
                    f"INSERT INTO {table} (text, day, tenant) VALUES (?, ?, ?)", [table, day.isoformat(), tenant]
                )

    def read(joined: Joined, *, since=DAYS[0], until=DAYS[-1], tenant="acme"):
        source = joined.source(tenant=tenant, since=since, until=until)
        within = f"day BETWEEN '{since}' AND '{until}'"
        rows = database.execute(
            f"SELECT day, text FROM {source} WHERE tenant = ? AND {within} ORDER BY day", [tenant]
        ).fetchall()
        assert len({day for day, _ in rows}) == len(rows)
        return "".join(text[0] for _, text in rows)

    return read


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        (Joined(), "eeeeee"),
        (Joined(DAYS[3]), "jjjjee"),
        (Joined(DAYS[5]), "jjjjjj"),
        (Joined(DAYS[0] - timedelta(days=1)), "eeeeee"),
        (Joined(DAYS[3], frozenset({DAYS[1]})), "jejjee"),
        (Joined(DAYS[3], frozenset(DAYS)), "eeeeee"),
        (Joined(DAYS[3], frozenset({DAYS[5]})), "jjjjee"),  # not joined yet, so not stale either
    ],
)
def test_each_day_is_read_once_from_where_it_is_newest(tables, joined, expected):
    assert tables(joined) == expected


def test_of_some_days_only_those_are_read(tables):
    assert tables(Joined(DAYS[3], frozenset({DAYS[2]})), since=DAYS[2], until=DAYS[4]) == "eje"
    assert tables(Joined(DAYS[3]), since=DAYS[4], until=DAYS[5]) == "ee"


def test_a_tenant_of_any_name_is_itself(tables):
    assert tables(Joined(DAYS[3]), tenant="o'neill & co") == "jjjjee"


def test_through_which_day_is_told_by_a_file():
    assert decode_state(encode_state(FIRST)) == FIRST
    assert decode_state(None) is None
    for broken in (b"", b"{}", b'{"through": "yesterday"}', b'{"through": 1}'):
        with pytest.raises(MalformedMessage):
            decode_state(broken)


def test_keys_tell_what_they_are_of():
    assert joined_key(FIRST, "a%20b") == "joined/day=2026-11-20/tenant=a%20b/all.parquet"
    assert stale_key(FIRST, "a b") == "stale/tenant=a%20b/day=2026-11-20"
    assert stale_key(FIRST, "a b").startswith(stale_prefix("a b"))
    assert parse_stale(stale_key(FIRST, "a b")) == ("a%20b", FIRST)
    assert days_of([stale_key(FIRST, "acme"), "stale/other", "stale/tenant=acme/day=never"]) == {FIRST}
    assert day_of("entries/day=2026-11-20/") == FIRST
    assert day_of("entries/other/") is None
    assert tenant_of("entries/day=2026-11-20/tenant=acme/") == "acme"


def test_a_calls_file_is_below_its_day():
    started = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="", to_number="")
    call = fold([Entry("CA1", 1, "2026-11-20T23:59:59.999Z", "acme", started)])

    assert key_of(call, "CA1", "acme").startswith(day_prefix(FIRST))
    assert day_prefix(FIRST).startswith(f"{PREFIX}/")


def test_a_call_that_is_written_when_its_day_may_be_joined_before_the_file_is_there_is_told():
    assert not may_be_joined(FIRST, today=FIRST)
    assert may_be_joined(FIRST, today=FIRST + timedelta(days=1))
