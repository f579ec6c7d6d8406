"""The HTTP API as an OpenAPI document, made of the table of operations and the types that they take and give.

Source: OpenAPI Specification 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from callscribe.exports.document import TranscriptDocument
from callscribe.exports.formats import FORMATS
from callscribe.http_answers import ProblemDocument
from functions.calls.operations import NAMED, OPERATIONS, Operation
from functions.calls.problems import MEDIA_TYPE
from functions.calls.service import JSON

VERSION = "3.1.0"
PATH = "/v1/openapi.json"
# Any operation may end so: it was misunderstood, by somebody unknown, too often, or at a bad moment.
_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_REFERENCE = "#/components/schemas/{name}"


def openapi() -> dict[str, Any]:
    """Return the document."""
    shapes = [ProblemDocument, TranscriptDocument]
    shapes += [shape for each in OPERATIONS for shape in (each.query, each.body, each.answer) if shape is not None]
    _, components = msgspec.json.schema_components(list(dict.fromkeys(shapes)), ref_template=_REFERENCE)
    queries = {each.query.__name__ for each in OPERATIONS if each.query is not None}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": VERSION,
        "info": {
            "title": "callscribe",
            "version": "1",
            "summary": "Live transcripts of phone calls: calls, logs, transcripts, tickets, media streams",
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": {name: shape for name, shape in components.items() if name not in queries},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "an API key (`cs_…`), or a token of the issuer that the deployment trusts",
                }
            },
        },
    }


def _operation(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, components)],
        "responses": dict(_responses(operation)),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": False, "content": {JSON: {"schema": _reference(operation.body)}}}
    return described


def _path_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": NAMED[name],
            "schema": {"type": "string"},
        }


def _query_parameters(operation: Operation, components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    for name, schema in components[operation.query.__name__]["properties"].items():
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _responses(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    well: dict[str, Any] = {"description": operation.status.phrase}
    if operation.answer is not None:
        well["content"] = {JSON: {"schema": _reference(operation.answer)}}
    elif operation.name == "readTranscript":
        texts = {each.media_type.partition(";")[0]: {"schema": {"type": "string"}} for each in FORMATS.values()}
        well["content"] = {**texts, JSON: {"schema": _reference(TranscriptDocument)}}
    yield str(operation.status.value), well
    for status in operation.also:
        yield str(status.value), {**well, "description": status.phrase}
    for status in sorted({*_ALWAYS, *operation.problems}):
        yield (
            str(status.value),
            {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": _reference(ProblemDocument)}}},
        )


def _reference(shape: type[Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}
