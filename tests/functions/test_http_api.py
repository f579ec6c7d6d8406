"""Requests as API Gateway hands them over."""

from __future__ import annotations

import base64

import pytest

from callscribe.errors import MalformedMessage
from functions.http_api import HttpAnswer, body_of, route_of


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ({"body": "é"}, "é".encode()),
        ({"body": base64.b64encode(b"\xff{}").decode(), "isBase64Encoded": True}, b"\xff{}"),
        ({"body": None}, b""),
        ({}, b""),
    ],
)
def test_a_body_is_what_the_client_sent(event, body):
    assert body_of(event) == body


@pytest.mark.parametrize("body", ["!", "a", "é"])
def test_a_body_that_is_not_encoded_as_it_says_is_malformed(body):
    with pytest.raises(MalformedMessage):
        body_of({"body": body, "isBase64Encoded": True})


def test_a_route_is_what_api_gateway_matched():
    assert route_of({"routeKey": "GET /v1/calls"}) == "GET /v1/calls"
    assert route_of({}) == ""


def test_an_answer_is_in_the_form_that_api_gateway_reads():
    answer = HttpAnswer(404, "application/problem+json", "{}", {"retry-after": "1"})

    assert answer.as_json() == {
        "statusCode": 404,
        "headers": {"retry-after": "1", "content-type": "application/problem+json"},
        "body": "{}",
        "isBase64Encoded": False,
    }
