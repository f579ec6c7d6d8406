"""What DynamoDB and @connections answer, told apart by what to do next."""

from __future__ import annotations

import asyncio

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from bridge.__main__ import AT_START, AWS
from bridge.aws import perform, post
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.requests import Conflict, Request


def answered(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem")


class Client:
    def __init__(self, outcome: Exception | None) -> None:
        self.outcome = outcome

    async def put_item(self, **_arguments):
        if self.outcome is None:
            await asyncio.Event().wait()
        raise self.outcome

    async def post_to_connection(self, **_arguments):
        raise self.outcome


def put():
    return (yield Request("put_item", {}))


@pytest.mark.parametrize(
    "error",
    [
        answered("ProvisionedThroughputExceededException"),
        answered("ThrottlingException"),
        answered("RequestLimitExceeded"),
        answered("InternalServerError", 500),
        answered("504", 504),
        answered("AccessDeniedException"),
        answered("ResourceNotFoundException"),
        EndpointConnectionError(endpoint_url=""),
        ReadTimeoutError(endpoint_url=""),
        ResponseParserError(),
    ],
    ids=str,
)
async def test_what_may_pass_is_unavailable(error):
    with pytest.raises(Unavailable):
        await perform(Client(error), put())


async def test_a_request_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr("bridge.aws.REQUEST_S", 0.01)

    with pytest.raises(Unavailable, match="TimeoutError"):
        await perform(Client(None), put())


@pytest.mark.parametrize("code", ["ValidationException", "ItemCollectionSizeLimitExceededException"])
async def test_what_dynamodb_will_never_take_is_refused(code):
    with pytest.raises(Refused, match=code):
        await perform(Client(answered(code)), put())


async def test_a_condition_that_does_not_hold_is_an_answer_with_the_item_that_is_there():
    error = answered("ConditionalCheckFailedException")
    error.response["Item"] = {"pk": {"S": "CALL#CA1"}}

    assert await perform(Client(error), put()) == Conflict({"pk": {"S": "CALL#CA1"}})
    assert await perform(Client(answered("ConditionalCheckFailedException")), put()) == Conflict({})


@pytest.mark.parametrize("code", ["GoneException", "410"])
async def test_a_connection_that_is_over_is_gone(code):
    with pytest.raises(SubscriberGone):
        await post(Client(answered(code, 410)), "connection", b"")


@pytest.mark.parametrize(
    "error",
    [
        answered("LimitExceededException", 429),
        answered("ForbiddenException", 403),
        answered("InternalServerError", 500),
        ReadTimeoutError(endpoint_url=""),
        ResponseParserError(),
    ],
    ids=str,
)
async def test_all_else_may_pass(error):
    with pytest.raises(Unavailable):
        await post(Client(error), "connection", b"")


def test_a_client_makes_one_attempt_but_for_the_secrets_at_the_start():
    assert AWS.retries["total_max_attempts"] == 1
    assert AT_START.retries["total_max_attempts"] == 5
    assert (AT_START.connect_timeout, AT_START.read_timeout) == (AWS.connect_timeout, AWS.read_timeout) == (1, 2)
