"""The log's requests as DynamoDB's own protocol has them: a target and JSON, and what comes back.

Source: Amazon DynamoDB Developer Guide, "DynamoDB low-level API"; "Error handling with DynamoDB".
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, TypedDict, cast

import msgspec

from callscribe.errors import Refused, Unavailable
from callscribe.requests import Conflict, Item, Request

# An item above 400 KB is a ValidationException too.
_FINAL = {"ItemCollectionSizeLimitExceededException", "ValidationException"}
_OPERATIONS = {
    "put_item": "PutItem",
    "get_item": "GetItem",
    "query": "Query",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
}


class _Value(TypedDict, total=False):
    """One attribute; it is a type for `B` and `BS`, which are base64 on the wire."""

    S: str
    N: str
    B: bytes
    BOOL: bool
    NULL: bool
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    L: list[_Value]
    M: dict[str, _Value]


class _Answer(TypedDict, total=False):
    Item: dict[str, _Value]
    Items: list[dict[str, _Value]]
    Attributes: dict[str, _Value]
    LastEvaluatedKey: dict[str, _Value]
    Count: int
    ScannedCount: int


class _Failure(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="__type", default="")
    item: dict[str, _Value] = msgspec.field(name="Item", default_factory=dict)


_encoder = msgspec.json.Encoder()
_answers = msgspec.json.Decoder(_Answer)
_failures = msgspec.json.Decoder(_Failure)


def headers_of(request: Request) -> dict[str, str]:
    """Return the headers that say what is asked."""
    return {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"DynamoDB_20120810.{_OPERATIONS[request.method]}",
    }


def body_of(request: Request) -> bytes:
    """Return the arguments as JSON."""
    return _encoder.encode(request.arguments)


def answer_of(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Any:
    """Return what was answered, as a low-level client returns it, or the conflict of a conditional write.

    `headers` are named in lower case. Raises Refused for a request that DynamoDB will never take; Unavailable for all
    else that is no answer, such as one that was spoiled on its way.
    """
    told = headers.get(b"x-amz-crc32")
    if told is not None and told != b"%d" % zlib.crc32(body):
        raise Unavailable("dynamodb: checksum")
    if status == 200:
        return _decoded(_answers, body)
    failure: _Failure = _decoded(_failures, body, status)
    code = failure.type.rpartition("#")[2]
    if code == "ConditionalCheckFailedException":
        return Conflict(cast("Item", failure.item))
    # A fault may also come from something in between, with a code of its own or none.
    if code in _FINAL and status < 500:
        raise Refused(f"dynamodb: {code}")
    raise Unavailable(f"dynamodb: {code or status}")


def _decoded(decoder: Any, body: bytes, status: int = 200) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise Unavailable(f"dynamodb: {status}, and no answer of its shape") from error
