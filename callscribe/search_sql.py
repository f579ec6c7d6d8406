"""A search as one statement of SQL that Athena (Trino) and DuckDB both understand, and its rows as calls.

Everything that anybody wrote is a parameter, in the order of the question marks; the statement itself is made of
constants. Rows come a moment each, calls newest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from callscribe.search_query import Query

MOST_MOMENTS: Final = 20  # of a call

# Columns of a row, in this order.
_OF_CALL: Final = ("call_id", "started_at", "duration_ms", "direction", "from_number", "to_number")
_OF_MOMENT: Final = ("seq", "party", "start_ms", "end_ms", "text", "language", "sentiment")


class Moment(Struct, frozen=True, kw_only=True):
    """Something that was said and is looked for; times are ms on the call's clock."""

    seq: int  # of the entry
    party: str
    start_ms: int
    end_ms: int
    text: str
    language: str
    sentiment: str


class FoundCall(Struct, frozen=True, kw_only=True):
    """A call in which all that is looked for was found."""

    call_id: str
    started_at: str  # ISO 8601, as the engine writes it
    duration_ms: int
    direction: str
    from_number: str
    to_number: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with question marks, and what they stand for: text and whole numbers."""

    sql: str
    parameters: tuple[str | int, ...]

    @property
    def text(self) -> str:
        """The statement with its parameters written out, as SQL writes numbers and text."""
        # Athena takes parameters too, but how it wants text in them quoted isn't documented.
        written = iter(self.parameters)
        return re.sub(r"\?", lambda _: _literal(next(written)), self.sql)


class _Where:
    """Conditions that all have to be met, with their parameters."""

    def __init__(self, separator: str = " AND ") -> None:
        self._separator = separator
        self.conditions: list[str] = []
        self.parameters: list[str | int] = []

    def add(self, condition: str, *parameters: str | int) -> None:
        self.conditions.append(condition)
        self.parameters += parameters

    @property
    def sql(self) -> str:
        """All of them, as they stand after WHERE."""
        return self._separator.join(self.conditions)


def statement(query: Query, *, tenant: str, table: str, limit: int, after: tuple[str, str] | None = None) -> Statement:
    """Return what finds the first `limit` calls; `after` is the start and id of the last call that is known already.

    `table` is the archive: a name, or whatever else stands after FROM. It is never anything that a client wrote.
    """
    columns = ", ".join((*_OF_CALL, *_OF_MOMENT))
    calls = _of_archive(query, tenant)
    _of_call(query, calls)
    if after is not None:
        calls.add("(started_at < ? OR (started_at = ? AND call_id > ?))", after[0], after[0], after[1])
    hit = _Where()
    hit.add("kind = ?", "utterance" if query.is_of_words else "call.started")
    _of_moment(query, hit)
    flags, wanted, where = _flags(query, hit)
    # First calls and moments by as few columns as that takes; then all that is shown, of the few that are found.
    sql = (
        f"WITH hits AS (SELECT day, call_id, started_at, seq, start_ms{flags.sql} FROM {table} "  # noqa: S608 - constants
        f"WHERE {calls.sql} AND {where.sql}), "
        "found AS (SELECT call_id AS found_id, max(started_at) AS began FROM hits "
        f"GROUP BY call_id HAVING {wanted} ORDER BY began DESC, found_id LIMIT {int(limit)}), "
        "placed AS (SELECT day AS found_day, found_id, began, seq AS found_seq, "
        "row_number() OVER (PARTITION BY call_id ORDER BY start_ms, seq) AS place "
        f"FROM hits JOIN found ON call_id = found_id{' WHERE is_hit' if query.without else ''}) "
        f"SELECT {columns} FROM {table} JOIN placed ON day = found_day AND call_id = found_id AND started_at = began "
        f"AND seq = found_seq WHERE {calls.sql} AND place <= {MOST_MOMENTS} ORDER BY began DESC, call_id, place"
    )
    parts = (flags, calls, where, calls)
    return Statement(sql, tuple(parameter for part in parts for parameter in part.parameters))


def _flags(query: Query, hit: _Where) -> tuple[_Where, str, _Where]:
    """Return columns that tell what a line has of what is looked for, and the conditions on a call and on a line.

    Words that are to be left out are looked for in the same pass.
    """
    flags = _Where(separator="")
    for number, pattern in enumerate(_patterns(query.terms)):
        flags.add(f", words LIKE ? AS said_{number}", pattern)
    said = [f"said_{number}" for number in range(len(query.terms))]
    if not query.without:
        return flags, " AND ".join(f"bool_or({each})" for each in said) or "TRUE", hit
    unwanted = f"(kind = 'utterance' AND ({' OR '.join(['words LIKE ?'] * len(query.without))}))"
    flags.add(f", ({hit.sql}) AS is_hit", *hit.parameters)
    flags.add(f", {unwanted} AS is_unwanted", *_patterns(query.without))
    where = _Where()
    where.add(f"(({hit.sql}) OR {unwanted})", *hit.parameters, *_patterns(query.without))
    hits = " AND ".join(f"bool_or(is_hit AND {each})" for each in said) or "bool_or(is_hit)"
    return flags, f"{hits} AND NOT bool_or(is_unwanted)", where


def _literal(value: str | int) -> str:
    # In standard SQL nothing in a string means anything but the quotation mark, which is written twice.
    return str(int(value)) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _of_archive(query: Query, tenant: str) -> _Where:
    """Return the conditions on files: on their folders' names, so that no other is opened."""
    where = _Where()
    where.add("day BETWEEN ? AND ?", query.since.isoformat(), query.until.isoformat())
    # A folder's name is quoted as in URLs. Athena compares it as it is, DuckDB what it stands for.
    named = quote(tenant, safe="")
    where.add("tenant = ?", tenant) if named == tenant else where.add("tenant IN (?, ?)", tenant, named)
    return where


def _patterns(terms: Iterable[str]) -> list[str]:
    # Terms are letters, digits and spaces (callscribe.searchable): nothing in them is a sign of a pattern.
    return [f"%{term}%" for term in terms]


def _of_call(query: Query, where: _Where) -> None:
    if query.number:
        where.add("(from_number = ? OR to_number = ?)", query.number, query.number)
    if query.longer_ms is not None:
        where.add("duration_ms >= ?", query.longer_ms)
    if query.shorter_ms is not None:
        where.add("duration_ms <= ?", query.shorter_ms)


def _of_moment(query: Query, where: _Where) -> None:
    if query.terms:
        where.add(f"({' OR '.join(['words LIKE ?'] * len(query.terms))})", *_patterns(query.terms))
    for column in ("party", "sentiment", "language"):
        if wanted := getattr(query, column):
            where.add(f"{column} = ?", wanted)
    if query.entity or query.entity_text:
        # `;NAME_GIVEN= maya ;`; what was said is letters, digits and spaces, and a type has no sign of a pattern but _.
        where.add("entities LIKE ?", f"%;{query.entity or '%'}={query.entity_text or '%'};%")


def calls(rows: Iterable[Sequence[Any]], *, is_of_words: bool) -> Iterator[FoundCall]:
    """Yield the calls in `rows`, which come as `statement` has them; of a search without words they have no moments."""
    for _, of_call in groupby(rows, key=lambda row: row[0]):
        each = list(of_call)
        known = dict(zip(_OF_CALL, each[0], strict=False))
        said = (row[len(_OF_CALL) :] for row in each if is_of_words)
        moments = tuple(
            Moment(**{name: _typed(name, value) for name, value in zip(_OF_MOMENT, row, strict=True)}) for row in said
        )
        yield FoundCall(**{name: _typed(name, value) for name, value in known.items()}, moments=moments)


def _typed(name: str, value: Any) -> Any:
    """Return a value as it is meant: Athena tells everything as text."""
    is_number = name == "seq" or name.endswith("_ms")
    return int(value or 0) if is_number else str(value or "")
