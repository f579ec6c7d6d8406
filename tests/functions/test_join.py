"""Days that are over are joined, whatever happens on the way. The bucket is in memory, with versions as in S3."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from callscribe.archive import COLUMNS, key_of, pack, rows
from callscribe.call import fold
from callscribe.entries import CallStarted, Entry, LegStarted, Utterance
from callscribe.joined import STATE_KEY, Joined, days_of, decode_state, stale_key, stale_prefix
from functions.join.join import LEAST_S, Join, Report
from functions.join.parquet import keep_readable, merge

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
DAYS = [date(2026, 11, 22) + timedelta(days=number) for number in range(5)]  # the last is today


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Bucket:
    """Files by key, each with all its versions, the newest last."""

    history: dict[str, list[tuple[bytes, str]]] = field(default_factory=dict)
    versions_made: int = 0
    acts: int = 0
    dies_at: int = -1

    @property
    def files(self) -> dict[str, bytes]:
        return {key: versions[-1][0] for key, versions in self.history.items() if versions}

    def act(self) -> None:
        self.acts += 1
        if self.acts - 1 == self.dies_at:
            raise Killed

    def get(self, key):
        self.act()
        return self.files.get(key)

    def put(self, key, body):
        self.act()
        self.keep(key, body)

    def keep(self, key, body):
        self.versions_made += 1
        self.history.setdefault(key, []).append((body, f"v{self.versions_made}"))

    def folders(self, prefix):
        self.act()
        below = (key[len(prefix) :] for key in self.files if key.startswith(prefix))
        return sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in below if "/" in rest})

    def versions(self, prefix):
        self.act()
        return [
            (key, version)
            for key, versions in sorted(self.history.items())
            for _, version in versions
            if key.startswith(prefix)
        ]

    def delete_version(self, key, version):
        self.act()
        self.history[key] = [each for each in self.history[key] if each[1] != version]


@dataclass
class World:
    """The archive, and what searches of it read."""

    bucket: Bucket = field(default_factory=Bucket)
    time_left_s: float = 900.0

    def write(self, day: date, name: str, text: str = "first", *, tenant: str = "acme") -> None:
        """Keep a call as `finish` does."""
        self.bucket.keep(f"entries/day={day}/tenant={tenant}/{name}", text.encode())

    def write_anew(self, day: date, name: str, text: str) -> None:
        self.write(day, name, text)
        self.bucket.keep(stale_key(day, "acme"), b"")

    def merge(self, prefix: str, key: str) -> tuple[int, int]:
        files = {path: body for path, body in self.bucket.files.items() if path.startswith(prefix)}
        self.bucket.put(
            key, b"|".join(b"%s=%s" % (path.rpartition("/")[2].encode(), body) for path, body in sorted(files.items()))
        )
        return len(files), 0

    def run(self, now: datetime = NOW) -> Report:
        return Join(self.bucket, self.merge, lambda: self.time_left_s).run(now=now)

    def read(self, tenant: str = "acme") -> dict[str, str]:
        """Return each call that a search reads, and what it finds in it; no call twice."""
        stale = days_of(key for key in self.bucket.files if key.startswith(stale_prefix(tenant)))
        state = self.bucket.files.get(STATE_KEY)
        joined = Joined(decode_state(state), stale)
        found: list[tuple[str, str]] = []
        for day in DAYS:
            if joined.through and day <= joined.through and day not in joined.stale:
                body = self.bucket.files.get(f"joined/day={day}/tenant={tenant}/all.parquet", b"")
                found += [tuple(each.split("=")) for each in body.decode().split("|") if each]
            else:
                prefix = f"entries/day={day}/tenant={tenant}/"
                found += [
                    (key.rpartition("/")[2], body.decode())
                    for key, body in self.bucket.files.items()
                    if key.startswith(prefix)
                ]
        assert len(dict(found)) == len(found)
        return dict(found)


@pytest.fixture
def world():
    world = World()
    for number, day in enumerate(DAYS):
        world.write(day, f"CA{number}")
    world.write(DAYS[0], "CB0", tenant="other")
    return world


def test_days_that_are_over_are_joined_and_younger_ones_are_not(world):
    report = world.run()

    assert (report.joined, report.calls, report.is_over) == (4, 4, True)
    assert decode_state(world.bucket.files[STATE_KEY]) == DAYS[2]
    assert sorted(key for key in world.bucket.files if key.startswith("joined/")) == [
        "joined/day=2026-11-22/tenant=acme/all.parquet",
        "joined/day=2026-11-22/tenant=other/all.parquet",
        "joined/day=2026-11-23/tenant=acme/all.parquet",
        "joined/day=2026-11-24/tenant=acme/all.parquet",
    ]
    assert world.read() == {f"CA{number}": "first" for number in range(5)}
    assert world.read("other") == {"CB0": "first"}


def test_a_second_run_has_nothing_to_do_and_the_next_day_has_one_more(world):
    world.run()

    assert world.run().joined == 0
    assert world.run(NOW + timedelta(days=1)).joined == 1


def test_a_call_that_is_written_anew_is_found_as_it_is_now_and_joined_again(world):
    world.run()
    world.write_anew(DAYS[1], "CA1", "mended")
    assert world.read()["CA1"] == "mended"

    assert world.run().joined == 1

    assert world.read()["CA1"] == "mended"
    assert not any(key.startswith("stale/") for key in world.bucket.files)


def test_a_day_that_was_marked_more_than_once_is_joined_once(world):
    world.run()
    for text in ("mended", "mended twice"):
        world.write_anew(DAYS[1], "CA1", text)

    assert world.run().joined == 1
    assert world.read()["CA1"] == "mended twice"
    assert world.run().joined == 0


def test_one_that_is_written_anew_while_its_day_is_joined_is_not_forgotten(world):
    world.run()
    world.write_anew(DAYS[1], "CA1", "mended")
    merge, again = world.merge, []

    def meanwhile(prefix, key):
        found = merge(prefix, key)
        if not again:
            again.append(key)
            world.write_anew(DAYS[1], "CA1", "mended twice")
        return found

    world.merge = meanwhile
    world.run()
    assert world.read()["CA1"] == "mended twice"
    world.run()
    assert world.read()["CA1"] == "mended twice"


def test_a_mark_of_a_day_that_is_not_joined_yet_goes_without_a_join(world):
    world.bucket.keep(stale_key(DAYS[4], "acme"), b"")
    world.bucket.keep("stale/nonsense", b"")

    assert world.run().joined == 4
    assert not any(key.startswith("stale/") for key in world.bucket.files)


def test_without_time_it_stops_between_days_and_goes_on_the_next_time(world):
    world.time_left_s = LEAST_S - 1
    assert not world.run().is_over
    assert STATE_KEY not in world.bucket.files
    assert world.read() == {f"CA{number}": "first" for number in range(5)}

    world.time_left_s = 900
    assert world.run().is_over


def whole() -> World:
    world = World()
    for number, day in enumerate(DAYS):
        world.write(day, f"CA{number}")
    world.run(NOW - timedelta(days=1))
    world.write_anew(DAYS[1], "CA1", "mended")
    return world


def test_a_run_that_is_killed_at_any_point_is_made_good_by_the_next_and_no_search_misses_a_call():
    once = whole()
    before = once.bucket.acts
    once.run()

    for point in range(before, once.bucket.acts):
        world = whole()
        world.bucket.dies_at = point
        with pytest.raises(Killed):
            world.run()
        world.bucket.dies_at = -1
        assert world.read() == once.read(), point
        world.run()
        assert world.read() == once.read(), point
        assert world.bucket.files == once.bucket.files, point


def call(name: str, *said: str) -> bytes:
    bodies = [
        CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2"),
        LegStarted(
            leg="a", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
            offset_ms=0,
        ),
        *(
            Utterance(leg="a", id=text, text=text, start_ms=0, end_ms=1, language="en", confidence=1, words=())
            for text in said
        ),
    ]  # fmt: skip
    entries = [Entry(name, seq, "2026-11-22T09:15:02.417Z", "acme", body) for seq, body in enumerate(bodies, 1)]
    assert key_of(fold(entries), name, "acme")
    return pack(rows(entries))


def test_calls_files_become_one_with_the_same_rows_in_their_order(tmp_path):
    files = [call("CA2", "it is in the city"), call("CA1", "I have lost my card", "yes")]
    assert keep_readable(files, tmp_path) == (2, 0)

    merge(tmp_path, tmp_path / "all.parquet")

    found = duckdb.sql(f"SELECT * FROM '{tmp_path}/all.parquet'")
    assert found.columns == list(COLUMNS)
    types = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
    assert types == {name: "INTEGER" if kind == "int" else "VARCHAR" for name, kind in COLUMNS.items()}
    told = [(row[0], row[1], row[4], row[13]) for row in found.fetchall()]
    assert told[2:4] == [
        ("CA1", 3, "2026-11-22T09:15:02.417Z", "I have lost my card"),
        ("CA1", 4, "2026-11-22T09:15:02.417Z", "yes"),
    ]
    assert [each[0] for each in told] == ["CA1"] * 4 + ["CA2"] * 3


def test_a_file_that_makes_no_sense_costs_no_other(tmp_path):
    broken = [b"", b"no gzip", call("CA2", "x")[:40], call("CA1", "I have lost my card")]

    assert keep_readable(broken, tmp_path) == (1, 3)
    merge(tmp_path, tmp_path / "all.parquet")
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/all.parquet'").fetchall() == [(3,)]
