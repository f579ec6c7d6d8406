"""The log's requests performed by the bridge, and how its general clients are set up."""

from __future__ import annotations

import asyncio

import pytest

from bridge.__main__ import AT_START, AWS
from bridge.aws import perform
from callscribe.errors import Refused, Unavailable
from callscribe.requests import Conflict, Request
from tests.aws_clients import Answered, ByMethod


class Client(ByMethod):
    def __init__(self, outcome: Exception | None) -> None:
        self.outcome = outcome

    async def put_item(self, **_arguments):
        if self.outcome is None:
            await asyncio.Event().wait()
        raise self.outcome


def put():
    return (yield Request("put_item", {}))


@pytest.mark.parametrize("error", [Answered("ThrottlingException"), Unavailable("dynamodb: OSError")], ids=str)
async def test_what_may_pass_is_unavailable(error):
    with pytest.raises(Unavailable):
        await perform(Client(error), put())


async def test_a_request_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr("bridge.aws.REQUEST_S", 0.01)

    with pytest.raises(Unavailable, match="in time"):
        await perform(Client(None), put())


async def test_what_dynamodb_will_never_take_is_refused():
    with pytest.raises(Refused, match="ValidationException"):
        await perform(Client(Answered("ValidationException")), put())


async def test_a_condition_that_does_not_hold_is_an_answer_with_the_item_that_is_there():
    error = Answered("ConditionalCheckFailedException", item={"pk": {"S": "CALL#CA1"}})

    assert await perform(Client(error), put()) == Conflict({"pk": {"S": "CALL#CA1"}})


def test_a_client_makes_one_attempt_but_for_the_secrets_at_the_start():
    assert AWS.retries["total_max_attempts"] == 1
    assert AT_START.retries["total_max_attempts"] == 5
    assert (AT_START.connect_timeout, AT_START.read_timeout) == (AWS.connect_timeout, AWS.read_timeout) == (1, 2)
