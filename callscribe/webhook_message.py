"""What is posted to an endpoint of a tenant's: an entry of a call's log, in the frame of Standard Webhooks.

    {"type": "transcript.ready", "timestamp": "2026-11-22T09:21:40.105Z",
     "data": {"call_id": "CA…", "seq": 41, "kind": "transcript.ready", "tenant": "acme", "body": {…}}}

Source: Standard Webhooks, "Payload structure". `python -m callscribe.webhook_message` writes the schemas.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from callscribe.entries import KINDS as BODIES
from callscribe.entries import Entry, encode_body
from callscribe.webhooks import KINDS

_SCHEMA = "#/$defs/{name}"


class Data(msgspec.Struct, frozen=True):
    """An entry of a call's log. It may come more than once and in any order: `call_id` and `seq` name it."""

    call_id: str
    seq: int
    kind: str
    tenant: str
    body: msgspec.Raw  # JSON of the kind's own shape


class Message(msgspec.Struct, frozen=True):
    """One webhook. `type` is the entry's kind and `timestamp` when it was written."""

    type: str
    timestamp: str
    data: Data


def body_of(entry: Entry) -> bytes:
    """Return what is posted of an entry."""
    data = Data(entry.call_id, entry.seq, entry.kind, entry.tenant, msgspec.Raw(encode_body(entry.body)))
    return msgspec.json.encode(Message(entry.kind, entry.at, data))


def schemas() -> dict[str, Any]:
    """Return a JSON Schema (2020-12) of all messages: one of a kind each."""
    bodies = [BODIES[kind] for kind in KINDS]
    (message, data, *_), components = msgspec.json.schema_components([Message, Data, *bodies], ref_template=_SCHEMA)
    frames = {
        name: components.pop(name) for name in (message["$ref"].rpartition("/")[2], data["$ref"].rpartition("/")[2])
    }
    outer, inner = frames["Message"], frames["Data"]
    for kind in KINDS:
        shape = {**inner, "properties": {
            **inner["properties"],
            "kind": {"const": kind},
            "body": {"$ref": _SCHEMA.format(name=BODIES[kind].__name__)},
        }}  # fmt: skip
        components[kind] = {
            **outer,
            "title": kind,
            "properties": {**outer["properties"], "type": {"const": kind}, "data": shape},
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "callscribe: webhooks",
        "oneOf": [{"$ref": _SCHEMA.format(name=kind)} for kind in KINDS],
        "$defs": components,
    }


def text() -> str:
    """Return the schemas as they stand in `docs/webhooks.json`."""
    return json.dumps(schemas(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
