"""The WebSocket of clients as an AsyncAPI document, made of the types of its messages.

Source: AsyncAPI Specification 3.0. `python -m callscribe.asyncapi` writes it.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct

from callscribe.entries import KINDS
from callscribe.messages import (
    TOLD_TENANT,
    CallMessage,
    EntryMessage,
    ErrorMessage,
    PartialMessage,
    Ping,
    PongMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    Unsubscribe,
    WatchingMessage,
)

VERSION = "3.0.0"
FROM_CLIENTS: tuple[type[Struct], ...] = (Subscribe, Replay, Unsubscribe, Ping)
TO_CLIENTS: tuple[type[Struct], ...] = (
    EntryMessage,
    CallMessage,
    PartialMessage,
    ReplayedMessage,
    WatchingMessage,
    PongMessage,
    ErrorMessage,
)
_SCHEMA = "#/components/schemas/{name}"
_RULES = """\
Open the address that `POST /v1/tickets` answers; its ticket opens one connection. API Gateway ends a connection after
two hours, and after ten minutes without a message: reconnect with another ticket before the two hours are over, or
before the ticket expires, which ends what it was for. Send `ping` once a minute: entries that could not be sent to you
when they were written come before its `pong`. If that is not there in time, reconnect. With it ask for a `replay` after
the last entry that you have: after the last one of all there is no hole that would tell.

A frame from a client is one JSON object. A frame to a client is one JSON object or several, one a line; frames have at
most 32 KB, messages 128 KB. Pass over types and fields that you do not know.

Entries are numbered from 1 without a hole, come at least once, and mostly in order. Drop what you have; if one is ahead
of its turn, keep it and send `replay` after the last one before it, unless a replay goes on: a `subscribe` begins with
one, and each ends with `replayed`. After a reconnect subscribe `after` the last entry that you have.

A partial is replaced by the next one of its `id` and ended by the utterance of that `id`; it may come after that, and
is to be dropped then. Partials may be lost.
"""


def asyncapi() -> dict[str, Any]:
    """Return the document."""
    _, schemas = msgspec.json.schema_components([*FROM_CLIENTS, *TO_CLIENTS, *KINDS.values()], ref_template=_SCHEMA)
    for scope in (Subscribe, Unsubscribe):
        schemas[scope.__name__]["oneOf"] = [{"required": ["call_id"]}, {"required": ["tenant"]}]
    bodies = {kind: {"$ref": _SCHEMA.format(name=body.__name__)} for kind, body in KINDS.items()}
    schemas["EntryMessage"]["allOf"] = _by_kind(bodies)
    schemas["CallMessage"]["allOf"] = _by_kind({kind: bodies[kind] for kind in sorted(TOLD_TENANT)})
    messages = {each.__name__: _message(each) for each in (*FROM_CLIENTS, *TO_CLIENTS)}
    return {
        "asyncapi": VERSION,
        "info": {"title": "callscribe: following calls", "version": "1", "description": _RULES},
        "channels": {
            "connection": {
                "address": "/live",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "query": {
                            "type": "object",
                            "required": ["ticket"],
                            "properties": {"ticket": {"type": "string", "description": "opens one connection"}},
                        },
                    }
                },
            }
        },
        "operations": {
            # From the service's point of view, as the specification wants it.
            "receive": _operation("receive", FROM_CLIENTS),
            "send": _operation("send", TO_CLIENTS),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _by_kind(bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what `body` is for each kind; other kinds may come, with any object."""
    return [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"properties": {"body": body}},
        }
        for kind, body in bodies.items()
    ]


def _message(shape: type[Struct]) -> dict[str, Any]:
    summary = (shape.__doc__ or "").strip().splitlines()[0]
    return {
        "name": shape.__struct_config__.tag,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": _SCHEMA.format(name=shape.__name__)},
    }


def _operation(action: str, shapes: tuple[type[Struct], ...]) -> dict[str, Any]:
    channel = "#/channels/connection"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{each.__name__}"} for each in shapes],
    }


def text() -> str:
    """Return the document as it stands in `docs/asyncapi.json`."""
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201 - a program's output
