"""Who follows which call, on DynamoDB's own semantics, as moto has them."""

from __future__ import annotations

import pytest

from callscribe.dynamodb import perform
from callscribe.subscriptions import Behind, Subscription, Subscriptions
from tests.tables import TABLES

TABLE = Subscriptions("Subscriptions")
NOW_S = 1_795_000_000


@pytest.fixture
def dynamodb(dynamodb):
    dynamodb.create_table(**TABLES["Subscriptions"])
    return dynamodb


def following(call_id: str | None, connection_id: str, *, expires_at: int = NOW_S + 60) -> Subscription:
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

    perform(dynamodb, TABLE.remove(following("CA1", "a=", expires_at=0)))
    perform(dynamodb, TABLE.remove(following("CA1", "a=", expires_at=0)))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == []


def test_whoever_is_told_of_all_calls_of_a_tenant_is_no_subscriber_of_one(dynamodb):
    perform(dynamodb, TABLE.put(following(None, "a=")))
    perform(dynamodb, TABLE.put(following("CA1", "b=")))

    assert perform(dynamodb, TABLE.of_tenant("acme", now_s=NOW_S)) == [following(None, "a=")]
    assert perform(dynamodb, TABLE.of_tenant("other", now_s=NOW_S)) == []
    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == [following("CA1", "b=")]


def test_all_that_a_connection_follows_is_forgotten_with_it_and_nothing_else(dynamodb):
    for each in (following("CA1", "a="), following(None, "a="), following("CA1", "b=")):
        perform(dynamodb, TABLE.put(each))

    perform(dynamodb, TABLE.forget("a="))
    perform(dynamodb, TABLE.forget("nobody="))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == [following("CA1", "b=")]
    assert perform(dynamodb, TABLE.of_tenant("acme", now_s=NOW_S)) == []


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


def test_one_that_is_behind_lacks_all_from_the_first_time_on_until_it_catches_up(dynamodb):
    for each in (following("CA#1", "a="), following(None, "a="), following("CA2", "a="), following("CA#1", "b=")):
        perform(dynamodb, TABLE.put(each))

    perform(dynamodb, TABLE.fall_behind(following("CA#1", "a="), Behind(after=7, again_at=NOW_S + 5)))
    perform(dynamodb, TABLE.fall_behind(following("CA#1", "a="), Behind(after=9, again_at=NOW_S + 15)))
    perform(dynamodb, TABLE.fall_behind(following(None, "a="), Behind(after=0, again_at=NOW_S + 5)))

    assert perform(dynamodb, TABLE.behind("a=")) == {"CA#1": 7, None: 0}
    assert [each.behind for each in perform(dynamodb, TABLE.of_call("CA#1", now_s=NOW_S))] == [
        Behind(after=7, again_at=NOW_S + 15),
        None,
    ]
    perform(dynamodb, TABLE.catch_up(following("CA#1", "a=")))
    perform(dynamodb, TABLE.catch_up(following("CA2", "a=")))
    perform(dynamodb, TABLE.put(following(None, "a=")))
    assert perform(dynamodb, TABLE.behind("a=")) == {}


def test_a_subscription_that_is_gone_does_not_come_back_by_falling_behind_or_catching_up(dynamodb):
    perform(dynamodb, TABLE.fall_behind(following("CA1", "a="), Behind(after=7, again_at=NOW_S + 5)))
    perform(dynamodb, TABLE.catch_up(following("CA1", "a=")))

    assert perform(dynamodb, TABLE.of_call("CA1", now_s=NOW_S)) == []
