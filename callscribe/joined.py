"""Days that are over, joined: their calls' files as one Parquet file a tenant and day, and which of the two is read.

    joined/day=2026-11-24/tenant=acme/all.parquet
    state/joined.json                            {"through": "2026-11-24"}: this day and all before it are joined
    stale/tenant=acme/day=2026-11-20             a call of that day was written anew since

A call's file stays as it is; what is joined is read instead of it, which costs one read instead of thousands. A day
that is stale is read from the calls' files until it is joined again: no search misses a call or finds it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

import msgspec
from msgspec import Struct

from callscribe.archive import COLUMNS, PREFIX
from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage

JOINED_PREFIX = "joined"
STALE_PREFIX = "stale"
STATE_KEY = "state/joined.json"
JOINED_TABLE = "joined"
ENTRIES_TABLE = "entries"

# A day's calls have ended, and their second passes have been made, when the day after the next begins.
AGE = timedelta(days=2)


class _State(Struct, frozen=True):
    through: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Which days a tenant's search reads joined: those up to `through` that are not `stale`."""

    through: date | None = None  # None: none yet
    stale: frozenset[date] = frozenset()

    def source(self, *, tenant: str, since: date, until: date) -> str:
        """Return what stands after FROM for a search of these days: each day from one of the two tables."""
        if self.through is None or self.through < since:
            return ENTRIES_TABLE
        stale = sorted(day for day in self.stale if since <= day <= min(until, self.through))
        through = self.through.isoformat()
        listed = ", ".join(f"'{day.isoformat()}'" for day in stale)
        named = " AND ".join([_of_tenant(tenant), f"day BETWEEN '{since.isoformat()}' AND '{until.isoformat()}'"])
        joined = f"day <= '{through}'" + (f" AND day NOT IN ({listed})" if stale else "")
        others = f"day > '{through}'" + (f" OR day IN ({listed})" if stale else "")
        columns = ", ".join(f'"{name}"' for name in (*COLUMNS, "day", "tenant"))  # `at` is a word of DuckDB's
        return (
            f"(SELECT {columns} FROM {JOINED_TABLE} WHERE {named} AND {joined} UNION ALL "  # noqa: S608 - dates, and a
            f"SELECT {columns} FROM {ENTRIES_TABLE} WHERE {named} AND ({others})) AS archive"  # quoted tenant
        )


def _of_tenant(tenant: str) -> str:
    # Nothing in a name that is quoted as in URLs means anything to SQL; DuckDB takes it for what it stands for.
    named = quote(tenant, safe="")
    plain = tenant.replace("'", "''")
    return f"tenant = '{named}'" if named == tenant else f"tenant IN ('{plain}', '{named}')"


def may_be_joined(day: date, *, today: date) -> bool:
    """Return whether a call of `day` that is written now may be of a day that is joined.

    By the next day's measure: days turn while a file is on its way, and a mark too many costs a day joined once more.
    """
    return day <= today + timedelta(days=1) - AGE


def encode_state(through: date) -> bytes:
    """Return the file that tells through which day all are joined."""
    return msgspec.json.encode(_State(through.isoformat()))


def decode_state(file: bytes | None) -> date | None:
    """Return the day that such a file tells; None for no file. Raises MalformedMessage."""
    if file is None:
        return None
    try:
        return date.fromisoformat(msgspec.json.decode(file, type=_State).through)
    except (*NOT_DECODABLE, ValueError) as error:
        raise MalformedMessage("the state of what is joined can't be read", kind="archive") from error


def joined_key(day: date, tenant: str) -> str:
    """Return the key of the file of a tenant's day. `tenant` is the name of its folder."""
    return f"{JOINED_PREFIX}/day={day.isoformat()}/tenant={tenant}/all.parquet"


def day_prefix(day: date) -> str:
    """Return what the keys of all calls' files of a day begin with."""
    return f"{PREFIX}/day={day.isoformat()}/"


def stale_prefix(tenant: str) -> str:
    """Return what the keys of a tenant's stale days begin with."""
    return f"{STALE_PREFIX}/tenant={quote(tenant, safe='')}/"


def stale_key(day: date, tenant: str) -> str:
    """Return the key that tells that a tenant's day is stale."""
    return f"{stale_prefix(tenant)}day={day.isoformat()}"


def days_of(keys: Iterable[str]) -> frozenset[date]:
    """Return the days of stale keys; what is none of those is left out."""
    return frozenset(found[1] for key in keys if (found := parse_stale(key)) is not None)


def parse_stale(key: str) -> tuple[str, date] | None:
    """Return the tenant's folder name and the day of a stale key; None if it is none."""
    match key.split("/"):
        case [prefix, tenant, day] if prefix == STALE_PREFIX and tenant.startswith("tenant=") and day[:4] == "day=":
            found = _day(day[4:])
            return None if found is None else (tenant.removeprefix("tenant="), found)
    return None


def day_of(prefix: str) -> date | None:
    """Return the day in `entries/day=2026-11-24/`; None if there is none."""
    return _day(prefix.rstrip("/").rpartition("day=")[2])


def tenant_of(prefix: str) -> str:
    """Return the tenant's folder name in `entries/day=2026-11-24/tenant=acme/`."""
    return prefix.rstrip("/").rpartition("tenant=")[2]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
