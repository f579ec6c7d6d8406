"""DynamoDB's protocol, held against botocore's own serializer and parser."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib

import botocore.session
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from callscribe.dynamodb_json import answer_of, body_of, headers_of
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.requests import Conflict, Request
from callscribe.sessions import Sessions

MODEL = botocore.session.get_session().get_service_model("dynamodb")
# Lone surrogates are no text, and JSON has none.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"S": texts}),
        st.fixed_dictionaries({"N": st.integers().map(str)}),
        st.fixed_dictionaries({"B": st.binary(max_size=30)}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
        st.fixed_dictionaries({"NULL": st.just(True)}),  # noqa: FBT003 - an attribute's value
        st.fixed_dictionaries({"SS": st.lists(texts, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"NS": st.lists(st.integers().map(str), min_size=1, max_size=3)}),
        st.fixed_dictionaries({"BS": st.lists(st.binary(max_size=10), min_size=1, max_size=3)}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"M": st.dictionaries(texts, inner, max_size=3)}),
    ),
    max_leaves=5,
)
items = st.dictionaries(texts, values, max_size=4)


def on_the_wire(answer: object) -> bytes:
    return json.dumps(answer, default=lambda binary: base64.b64encode(binary).decode()).encode()


def operation(request: Request):
    return MODEL.operation_model("".join(part.title() for part in request.method.split("_")))


def by_botocore(request: Request) -> tuple[dict[str, str], object]:
    made = create_serializer("json").serialize_to_request(request.arguments, operation(request))
    return {name.lower(): value for name, value in made["headers"].items()}, json.loads(made["body"])


@given(item=items)
def test_a_request_is_the_one_that_botocore_makes(item):
    for request in (
        Request("put_item", {"TableName": "Calls", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}),
        Request("get_item", {"TableName": "Calls", "Key": item, "ConsistentRead": True}),
        Request("delete_item", {"TableName": "Calls", "Key": item}),
        Request("update_item", {"TableName": "Calls", "Key": item, "ExpressionAttributeNames": {"#a": "a"}}),
        Request("query", {"TableName": "Calls", "ExpressionAttributeValues": item, "Limit": 1}),
    ):
        headers, body = by_botocore(request)
        assert headers_of(request) == headers
        assert json.loads(body_of(request)) == body


@given(item=items)
def test_an_answer_is_read_as_botocore_reads_it(item):
    asked = {
        "put_item": {"Attributes": item},
        "get_item": {"Item": item},
        "update_item": {"Attributes": item},
        "query": {"Items": [item, item], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": item},
    }
    for method, answer in asked.items():
        response = {"status_code": 200, "headers": {}, "body": on_the_wire(answer)}
        theirs = create_parser("json").parse(response, operation(Request(method, {})).output_shape)
        theirs.pop("ResponseMetadata")

        assert answer_of(200, {}, response["body"]) == theirs == answer


@given(item=items)
def test_a_conflict_tells_what_is_there(item):
    body = on_the_wire({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": item})

    assert answer_of(400, {}, body) == Conflict(item)


def test_the_requests_of_a_log_and_of_sessions_go_through_as_they_are():
    for steps in (Log("Calls", "CA1").tail(), Sessions("Sessions").beat("task", now_ms=1, leaving=False)):
        request = next(steps)
        assert (headers_of(request), json.loads(body_of(request))) == by_botocore(request)


def refusal(code: str, *, prefix: str = "com.amazonaws.dynamodb.v20120810#") -> bytes:
    return on_the_wire({"__type": f"{prefix}{code}", "message": "no"})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, refusal("ProvisionedThroughputExceededException")),
        (400, refusal("ThrottlingException")),
        (400, refusal("RequestLimitExceeded")),
        (500, refusal("InternalServerError")),
        (503, refusal("ServiceUnavailable")),
        (400, refusal("AccessDeniedException", prefix="com.amazon.coral.service#")),
        (400, refusal("UnrecognizedClientException", prefix="com.amazon.coral.service#")),
        (400, refusal("ExpiredTokenException", prefix="com.amazon.coral.service#")),
        (400, refusal("ResourceNotFoundException")),
        (400, b"{}"),
        (400, b""),
        (502, b"<html>bad gateway</html>"),
        (504, refusal("ValidationException")),
        (200, b""),
        (200, b'{"Items": ['),
        (200, b'{"Items": [{"pk": "CALL"}]}'),
        (200, b'{"Item": {"piece": {"B": "no base64"}}}'),
        (200, b"[]"),
        (301, b""),
    ],
)
def test_whatever_else_is_answered_may_pass(status, body):
    with pytest.raises(Unavailable, match=r"^dynamodb: "):
        answer_of(status, {}, body)


@pytest.mark.parametrize("prefix", ["com.amazonaws.dynamodb.v20120810#", "com.amazon.coral.validate#", ""])
@pytest.mark.parametrize("code", ["ValidationException", "ItemCollectionSizeLimitExceededException"])
def test_what_dynamodb_will_never_take_is_refused(code, prefix):
    with pytest.raises(Refused, match=code):
        answer_of(400, {}, refusal(code, prefix=prefix))


def test_an_answer_that_was_spoiled_on_its_way_is_none():
    body = b'{"Items":[],"Count":0}'
    told = b"%d" % zlib.crc32(body)

    assert answer_of(200, {b"x-amz-crc32": told}, body) == {"Items": [], "Count": 0}
    with pytest.raises(Unavailable, match="checksum"):
        answer_of(200, {b"x-amz-crc32": told}, body.replace(b"0", b"1"))
    with pytest.raises(Unavailable, match="checksum"):
        answer_of(400, {b"x-amz-crc32": told}, refusal("ValidationException"))


@given(status=st.integers(100, 599), body=st.one_of(st.binary(), texts.map(str.encode), items.map(on_the_wire)))
def test_nothing_that_is_answered_is_an_error_of_another_kind(status, body):
    with contextlib.suppress(Refused, Unavailable):
        answer_of(status, {}, body)
