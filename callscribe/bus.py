"""Entries of calls' logs as events of an EventBridge bus.

Source: Amazon EventBridge, "PutEvents", "Calculating Amazon EventBridge PutEvents event entry size".
`python -m callscribe.bus` writes their schemas.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from callscribe.entries import KINDS, Entry, encode_body, kind_of

T = TypeVar("T")

SOURCE = "callscribe"
# Of one request: events, and their bytes together, which is also what a single event may have.
MOST_EVENTS = 10
MOST_BYTES = 256 * 1024
NOTHING = msgspec.Raw(b"null")
_SCHEMA = "#/components/schemas/{name}"


class Detail(msgspec.Struct, frozen=True):
    """An entry of a call's log. It comes at least once, mostly in order: `call_id` and `seq` name it.

    Without a body it is too long for the bus, and is read over the HTTP API.
    """

    call_id: str
    seq: int
    kind: str
    at: str
    tenant: str
    body: msgspec.Raw  # JSON; `null` if it is too long


def event(entry: Entry, bus: str) -> dict[str, str]:
    """Return `entry` as PutEvents takes it."""
    whole = _event(entry, bus, msgspec.Raw(encode_body(entry.body)))
    return whole if size(whole) <= MOST_BYTES else _event(entry, bus, NOTHING)


def size(given: dict[str, str]) -> int:
    """Return what EventBridge counts of an event, in bytes."""
    return sum(len(given[name].encode()) for name in ("Source", "DetailType", "Detail"))


def requests(events: Iterable[tuple[T, dict[str, str]]]) -> Iterator[list[tuple[T, dict[str, str]]]]:
    """Yield `events`, each with what it was made of, in their order and in as few requests as they go into."""
    request: list[tuple[T, dict[str, str]]] = []
    held = 0
    for of, given in events:
        more = size(given)
        if request and (len(request) == MOST_EVENTS or held + more > MOST_BYTES):
            yield request
            request, held = [], 0
        request.append((of, given))
        held += more
    if request:
        yield request


def schemas() -> dict[str, Any]:
    """Return the schemas of all events, as EventBridge's registry takes them: OpenAPI 3, a schema a kind."""
    _, components = msgspec.json.schema_components([Detail, *KINDS.values()], ref_template=_SCHEMA)
    detail = components.pop("Detail")
    for kind, body in KINDS.items():
        components[f"callscribe@{kind}"] = {
            "type": "object",
            "description": (body.__doc__ or "").strip().splitlines()[0],
            "required": ["source", "detail-type", "detail"],
            "properties": {
                "source": {"const": SOURCE},
                "detail-type": {"const": kind},
                "detail": {
                    **detail,
                    "properties": {
                        **detail["properties"],
                        "kind": {"const": kind},
                        "body": {"anyOf": [{"$ref": _SCHEMA.format(name=body.__name__)}, {"type": "null"}]},
                    },
                },
            },
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "callscribe: events of calls", "version": "1"},
        "paths": {},
        "components": {"schemas": components},
    }


def text() -> str:
    """Return the schemas as they stand in `docs/events.json`."""
    return json.dumps(schemas(), indent=2, ensure_ascii=False) + "\n"


def _event(entry: Entry, bus: str, body: msgspec.Raw) -> dict[str, str]:
    kind = kind_of(entry.body)
    detail = Detail(entry.call_id, entry.seq, kind, entry.at, entry.tenant, body)
    return {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": kind,
        "Detail": msgspec.json.encode(detail).decode(),
    }


def failed(entries: Sequence[dict[str, Any]]) -> list[int]:
    """Return the places in a request whose events the bus did not take, by its answer's `Entries`."""
    return [place for place, each in enumerate(entries) if each.get("ErrorCode")]


if __name__ == "__main__":
    sys.stdout.write(text())
