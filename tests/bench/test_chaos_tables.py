"""DynamoDB in memory answers as DynamoDB does, and refuses what it does not know."""

from __future__ import annotations

import pytest

from bench.chaos.expressions import Scope, Unsupported, condition, update
from bench.chaos.tables import ITEM_BYTES, Failed, Tables
from callscribe.entries import CallEnded, CallStarted
from callscribe.log import Log
from callscribe.requests import Conflict

KEY = {"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}}


@pytest.fixture
def tables():
    return Tables("Calls", written=lambda table, item: None)


def ask(tables: Tables, operation: str, **arguments):
    return tables.perform(operation, {"TableName": "Calls", **arguments})


def holds(text: str, item: dict, **values) -> bool:
    return condition(text)(item, Scope({"#status": "status"}, {f":{name}": value for name, value in values.items()}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attribute_not_exists(pk)", False),
        ("attribute_exists(pk) AND sk = :head", True),
        ("#status <> :head", True),
        ("missing <> :head", True),
        ("missing = :head", False),
        ("count < :ten AND count >= :ten OR begins_with(sk, :he)", True),
        ("NOT (count = :ten)", True),
        ("sk BETWEEN :he AND :head", True),
        ("count > :head", False),
    ],
)
def test_a_condition_holds_or_not(text, expected):
    item = {**KEY, "status": {"S": "ended"}, "count": {"N": "9"}}

    assert holds(text, item, head={"S": "HEAD"}, he={"S": "HE"}, ten={"N": "10"}) is expected


@pytest.mark.parametrize("text", ["pk = ", "size(pk) > :n", "pk ~ :n", "(pk = :n", "pk = :n sk = :n", "pk IN (:n)"])
def test_a_condition_that_is_not_known_is_refused(text):
    with pytest.raises(Unsupported):
        condition(text)


def test_an_update_that_is_not_known_is_refused():
    with pytest.raises(Unsupported):
        update("APPEND a :b")


def test_an_update_sets_from_what_was_there_before_it(tables):
    ask(tables, "PutItem", Item={**KEY, "a": {"N": "1"}, "b": {"S": "gone"}})

    ask(
        tables, "UpdateItem", Key=KEY,
        UpdateExpression="SET a = a + :one, #c = a, d = if_not_exists(a, :one) REMOVE b ADD parties :who",
        ExpressionAttributeNames={"#c": "c"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":who": {"SS": ["caller"]}},
    )  # fmt: skip

    assert ask(tables, "GetItem", Key=KEY)["Item"] == {
        **KEY, "a": {"N": "2"}, "c": {"N": "1"}, "d": {"N": "1"}, "parties": {"SS": ["caller"]},
    }  # fmt: skip


def test_a_put_whose_condition_does_not_hold_changes_nothing_and_shows_what_is_there(tables):
    ask(tables, "PutItem", Item={**KEY, "a": {"N": "1"}})

    with pytest.raises(Failed) as failed:
        ask(
            tables, "PutItem", Item=KEY, ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )  # fmt: skip

    assert failed.value.code == "ConditionalCheckFailedException"
    assert failed.value.item == ask(tables, "GetItem", Key=KEY)["Item"] == {**KEY, "a": {"N": "1"}}


def test_a_query_is_in_the_order_of_its_sort_key_and_goes_on_where_it_ended(tables):
    for number in (3, 1, 2):
        ask(tables, "PutItem", Item={"pk": {"S": "p"}, "sk": {"S": str(number)}})
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "p"}}, "Limit": 2}

    first = ask(tables, "Query", **query)
    second = ask(tables, "Query", **query, ExclusiveStartKey=first["LastEvaluatedKey"])

    assert [item["sk"]["S"] for item in first["Items"] + second["Items"]] == ["1", "2", "3"]
    assert "LastEvaluatedKey" not in second


def test_an_answer_ends_at_one_mebibyte(tables):
    for number in range(4):
        ask(tables, "PutItem", Item={"pk": {"S": "p"}, "sk": {"S": str(number)}, "a": {"S": "x" * 300_000}})

    page = ask(
        tables, "Query", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "p"}}
    )  # fmt: skip

    assert page["Count"] == 3
    assert "LastEvaluatedKey" in page


@pytest.mark.parametrize(
    "arguments",
    [
        {"Item": {**KEY, "a": {"S": "x" * ITEM_BYTES}}},
        {"Item": KEY, "ConditionExpression": "a = :b"},
        {"Item": KEY, "ExpressionAttributeValues": {":unused": {"S": ""}}},
    ],
)
def test_what_dynamodb_refuses_is_refused(tables, arguments):
    with pytest.raises(Failed, match="ValidationException"):
        ask(tables, "PutItem", **arguments)


def test_an_operation_or_an_option_that_is_not_known_is_a_finding(tables):
    with pytest.raises(Unsupported):
        ask(tables, "Scan")
    with pytest.raises(Unsupported):
        ask(tables, "PutItem", Item=KEY, Expected={})


def test_a_deleted_item_is_gone(tables):
    ask(tables, "PutItem", Item=KEY)

    assert ask(tables, "DeleteItem", Key=KEY, ReturnValues="ALL_OLD") == {"Attributes": KEY}
    assert ask(tables, "GetItem", Key=KEY) == {}


def test_the_log_works_on_it(tables):
    def perform(steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            operation = {"put_item": "PutItem", "query": "Query", "update_item": "UpdateItem"}[request.method]
            try:
                answer = tables.perform(operation, request.arguments)
            except Failed as failed:
                answer = Conflict(failed.item)

    log = Log("Calls", "CA1")
    started = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
    ended = CallEnded(reason="completed", duration_ms=1000)

    perform(log.open(started, at="now", tenant="acme", token="1"))
    for _ in range(2):
        perform(log.append(ended, at="later", tenant="acme", token="2", tail=0))

    assert [entry.seq for entry in perform(log.read())] == [1, 2]
    assert ask(tables, "GetItem", Key=KEY)["Item"]["status"] == {"S": "ended"}
