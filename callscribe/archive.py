"""A call as a file: its log as lines of JSON, compressed; and the columns that SQL finds in them.

    entries/day=2026-11-26/tenant=acme/CA….jsonl.gz

An entry is a line, a second pass one for each party and language. A line has what the entry says as `body`, and beside
it what a query asks for, so that no query has to join: of the call, and of what was said. An utterance's line holds
what is known of it from other entries as well.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import msgspec
from msgspec import Struct

from callscribe.after_call import Entities, Sentiment
from callscribe.call import Call, fold
from callscribe.entries import Entry, Utterance, encode_body, kind_of
from callscribe.searchable import searchable
from callscribe.second_pass import BatchReady, Difference
from callscribe.transcript import party_of

PREFIX = "entries"
SUFFIX = ".jsonl.gz"
SECOND_PREFIX = "batch"


class Row(Struct, frozen=True, kw_only=True):
    """One line: an entry of the log, with what a query asks of it and of its call. Numbers are E.164."""

    call_id: str
    seq: int
    kind: str
    at: str  # ISO 8601, UTC
    started_at: str
    duration_ms: int
    provider: str
    direction: str
    from_number: str
    to_number: str
    party: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    text: str = ""
    words: str = " "  # `text` as search compares it
    language: str = ""
    sentiment: str = ""  # of an utterance: what most of its parts are
    entities: str = ";"  # of an utterance: `;NAME_GIVEN= maya ;PHONE_NUMBER= 555 0199 ;`
    compared: int | None = None  # of a second pass: words of the recording in this party and language
    differing: int | None = None  # and how many of these were heard live otherwise, not at all, or besides
    body: str  # JSON


_NUMBERS = {"seq", "compared", "differing"}

# The types of the columns, by name, as Hive and Athena call them; the folders' names are columns too.
COLUMNS = {
    field.name: "int" if "ms" in field.name.split("_") or field.name in _NUMBERS else "string"
    for field in msgspec.structs.fields(Row)
}
PARTITIONS = {"day": "string", "tenant": "string"}


def key_of(call: Call, call_id: str, tenant: str) -> str:
    """Return the key of the file of a call, which has started."""
    return f"{PREFIX}/{_place(call, call_id, tenant)}{SUFFIX}"


def second_key_of(call: Call, call_id: str, tenant: str) -> str:
    """Return the key of the second pass over the recording of a call, which has started."""
    return f"{SECOND_PREFIX}/{_place(call, call_id, tenant)}.json"


def rows(entries: Sequence[Entry]) -> Iterator[Row]:
    """Yield the lines of the call whose whole log is `entries`."""
    call = fold(entries)
    parties = party_of(entries)
    found = _found(entries)
    sounds = _sounds(entries)
    for entry in entries:
        said = entry.body if isinstance(entry.body, Utterance) else None
        leg = getattr(entry.body, "leg", None)
        row = Row(
            call_id=entry.call_id,
            seq=entry.seq,
            kind=kind_of(entry.body),
            at=entry.at,
            started_at=call.started_at or "",
            duration_ms=call.ended.duration_ms if call.ended else 0,
            provider=call.started.provider if call.started else "",
            direction=call.started.direction if call.started else "",
            from_number=call.started.from_number if call.started else "",
            to_number=call.started.to_number if call.started else "",
            party=parties.get(leg, leg) if isinstance(leg, str) else "",
            start_ms=getattr(entry.body, "start_ms", None),
            end_ms=getattr(entry.body, "end_ms", None),
            text=said.text if said else "",
            words=searchable(said.text) if said else " ",
            language=said.language if said else "",
            sentiment=sounds.get(said.id, "") if said else "",
            entities=found.get(said.id, ";") if said else ";",
            body=encode_body(entry.body).decode(),
        )
        yield from _compared(row, entry.body) if isinstance(entry.body, BatchReady) else (row,)


def _compared(row: Row, ready: BatchReady) -> Iterator[Row]:
    """Yield a second pass a line for each party and language, so that SQL can add them up."""
    for each in ready.differences or (Difference(party="", words=0, substituted=0, missing=0, added=0),):
        yield msgspec.structs.replace(
            row,
            party=each.party,
            language=each.language,
            compared=each.words,
            differing=each.substituted + each.missing + each.added,
        )


def pack(lines: Iterable[Row]) -> bytes:
    """Return the file with `lines`: the same bytes for the same lines, whenever it is made."""
    return gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), mtime=0)


def unpack(file: bytes) -> list[Row]:
    """Return the lines of a file. Raises OSError or msgspec.MsgspecError if it is none."""
    return [msgspec.json.decode(line, type=Row) for line in gzip.decompress(file).splitlines()]


def _place(call: Call, call_id: str, tenant: str) -> str:
    day = (call.started_at or "1970-01-01")[:10]
    return f"day={day}/tenant={quote(tenant, safe='')}/{quote(call_id, safe='')}"


def _found(entries: Iterable[Entry]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        match entry.body:
            case Entities(utterance=utterance, entities=entities):
                each = (f"{entity.type}={searchable(entity.text)};" for entity in entities)
                found[utterance] = found.get(utterance, ";") + "".join(each)
    return found


def _sounds(entries: Iterable[Entry]) -> dict[str, str]:
    sounds: dict[str, str] = {}
    for entry in entries:
        match entry.body:
            case Sentiment(utterance=utterance, sentiments=sentiments) if sentiments:
                ((most, _),) = Counter(each.sentiment for each in sentiments).most_common(1)
                sounds[utterance] = most
    return sounds
