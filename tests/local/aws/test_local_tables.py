"""What the log of a call needs of DynamoDB, kept by the local one."""

import pytest


@pytest.fixture
def table(stack):
    return stack.bridge_access.client("dynamodb"), stack.calls_table


def entry(call_id, seq, **attributes):
    return {
        "pk": {"S": f"CALL#{call_id}"},
        "sk": {"S": f"LOG#{seq:010d}"},
        "kind": {"S": "dtmf"},
        **{name: {"S": value} for name, value in attributes.items()},
    }


def append(table, item):
    client, name = table
    client.put_item(
        TableName=name,
        Item=item,
        ConditionExpression="attribute_not_exists(pk)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def test_a_number_is_taken_once_and_who_comes_late_sees_what_is_there(table):
    append(table, entry("CA-once", 1, token="first"))

    with pytest.raises(table[0].exceptions.ConditionalCheckFailedException) as late:
        append(table, entry("CA-once", 1, token="second"))

    assert late.value.response["Item"]["token"] == {"S": "first"}


def test_the_log_is_read_back_in_order_from_a_number_on(table):
    client, name = table
    for seq in (11, 9, 10, 2):
        append(table, entry("CA-order", seq))

    page = client.query(
        TableName=name,
        KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues={
            ":pk": {"S": "CALL#CA-order"},
            ":first": {"S": "LOG#0000000009"},
            ":last": {"S": "LOG#9999999999"},
        },
        ConsistentRead=True,
    )

    assert [item["sk"]["S"] for item in page["Items"]] == ["LOG#0000000009", "LOG#0000000010", "LOG#0000000011"]


def test_the_stream_has_the_changes_of_a_call_in_the_order_they_were_made(table, stack):
    for seq in range(1, 21):
        append(table, entry("CA-stream", seq))
    streams = stack.root.client("dynamodbstreams")
    arn = stack.mappings["push"].mapping.stream_arn
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")

    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]

    changes = [each["dynamodb"] for each in records if each["dynamodb"]["Keys"]["pk"]["S"] == "CALL#CA-stream"]
    assert [int(change["NewImage"]["sk"]["S"].removeprefix("LOG#")) for change in changes] == list(range(1, 21))
    numbers = [change["SequenceNumber"] for change in changes]
    assert numbers == sorted(numbers, key=int)


def test_a_refused_change_leaves_no_trace_in_the_stream(table, stack):
    append(table, entry("CA-trace", 1))
    with pytest.raises(table[0].exceptions.ConditionalCheckFailedException):
        append(table, entry("CA-trace", 1))
    streams = stack.root.client("dynamodbstreams")
    arn = stack.mappings["push"].mapping.stream_arn
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")

    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]

    assert [each["eventName"] for each in records if each["dynamodb"]["Keys"]["pk"]["S"] == "CALL#CA-trace"] == [
        "INSERT"
    ]


def test_calls_are_listed_by_their_heads_alone(table, stack):
    client, name = table
    append(table, entry("CA-head", 1))
    head = {"pk": {"S": "CALL#CA-head"}, "sk": {"S": "HEAD"}, "list": {"S": "TENANT#roles"}}
    client.put_item(TableName=name, Item={**head, "started_at": {"S": "2026-11-22T13:00:00Z"}})

    listed = stack.root.client("dynamodb").query(
        TableName=name,
        IndexName="by-start",
        KeyConditionExpression="#list = :list",
        ExpressionAttributeNames={"#list": "list"},
        ExpressionAttributeValues={":list": {"S": "TENANT#roles"}},
    )

    assert [item["sk"]["S"] for item in listed["Items"]] == ["HEAD"]
