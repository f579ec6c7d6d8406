"""Who follows which call, on DynamoDB's own semantics, as moto has them."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from callscribe.dynamodb import perform
from callscribe.subscriptions import Subscription, Subscriptions
from tests.tables import TABLES

TABLE = Subscriptions("Subscriptions")
NOW_S = 1_795_000_000


@pytest.fixture
def dynamodb(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(**TABLES["Subscriptions"])
        yield client


def following(call_id: str, connection_id: str, *, expires_at: int = NOW_S + 60) -> Subscription:
    return Subscription(call_id, connection_id, "acme", expires_at)


def test_the_subscribers_of_a_call_are_those_who_subscribed_to_it(dynamodb):
    for each in (following("CA1", "a="), following("CA1", "b="), following("CA2", "c=")):
        perform(dynamodb, TABLE.put(each))

    found = perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S))

    assert found == [following("CA1", "a="), following("CA1", "b=")]


def test_a_subscription_ends_at_its_time_even_if_the_table_still_has_it(dynamodb):
    perform(dynamodb, TABLE.put(following("CA1", "a=", expires_at=NOW_S)))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == []
    assert len(perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S - 0.5))) == 1


def test_subscribing_again_replaces_the_time_at_which_it_ends(dynamodb):
    perform(dynamodb, TABLE.put(following("CA1", "a=")))
    perform(dynamodb, TABLE.put(following("CA1", "a=", expires_at=NOW_S + 120)))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == [following("CA1", "a=", expires_at=NOW_S + 120)]


def test_a_removed_subscription_is_gone_and_may_be_removed_again(dynamodb):
    perform(dynamodb, TABLE.put(following("CA1", "a=")))

    perform(dynamodb, TABLE.remove("CA1", "a="))
    perform(dynamodb, TABLE.remove("CA1", "a="))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == []


def test_the_calls_that_a_connection_follows_are_found_by_the_connection(dynamodb):
    for each in (following("CA1", "a="), following("CA2", "a="), following("CA3", "b=")):
        perform(dynamodb, TABLE.put(each))

    assert perform(dynamodb, TABLE.of_connection("a=")) == ["CA1", "CA2"]
    assert perform(dynamodb, TABLE.of_connection("nobody=")) == []


def test_more_subscribers_than_one_answer_holds_are_all_found():
    steps = TABLE.of_call("CA1", now_s=NOW_S)
    item = {"pk": {"S": "CALL#CA1"}, "tenant": {"S": "acme"}, "expires_at": {"N": str(NOW_S + 60)}}

    first = next(steps)
    second = steps.send(
        {"Items": [item | {"connection_id": {"S": "a="}}], "LastEvaluatedKey": {"pk": {"S": "CALL#CA1"}}}
    )
    with pytest.raises(StopIteration) as done:
        steps.send({"Items": [item | {"connection_id": {"S": "b="}}]})

    assert "ExclusiveStartKey" not in first.arguments
    assert second.arguments["ExclusiveStartKey"] == {"pk": {"S": "CALL#CA1"}}
    assert [each.connection_id for each in done.value.value] == ["a=", "b="]
