"""The mapping at work: with services that the test plays, and with those of the local AWS."""

import asyncio
import json
import threading
from dataclasses import replace

from websockets.asyncio.client import connect

from local.aws import polling
from local.aws.event_source_mapping import EventSourceMapping
from local.aws.stream_mapping import Answered, Failed
from local.aws.stream_poller import StreamPoller
from local.aws.stream_record import StreamRecord
from local.aws.stream_services import Away, Place, Shard

MAPPING = EventSourceMapping(
    function="arn:push", stream_arn="arn:stream", retries=0, failure_queue_arn="arn:aws:sqs:::q"
)


def record(number, key="CALL#CA1"):
    return StreamRecord(
        key=key, sequence_number=str(number), created_at=4_000_000_000.0, event={"n": number}, size_bytes=10
    )


class Stream:
    """A stream with shards by name, a function that does what the test says, and a failure queue.

    Called from the poller's threads; it tells the test's loop by `calls`.
    """

    def __init__(self, shards, function):
        self.given = shards
        self.function = function
        self.calls = asyncio.Queue()
        self.away = 0
        self.loop = asyncio.get_running_loop()

    def tell(self, *call):
        self.loop.call_soon_threadsafe(self.calls.put_nowait, call)

    def shards(self):
        return [Shard(name, parent, "pk") for name, (parent, _) in self.given.items()]

    def read(self, shard, place, *, limit):
        if self.away:
            self.away -= 1
            raise Away("not now")
        self.tell("read", shard.id, place.by.get("ShardIteratorType"))
        _, records = self.given[shard.id]
        taken, records[:] = records[:limit], records[limit:]
        ends = shard.id.startswith("closed") and not records
        return taken, None if ends else Place(place.by)

    def invoke(self, records):
        answer = self.function(records)
        self.tell("invoke", [each.event["n"] for each in records])
        return answer

    def report(self, document):
        self.tell("report", document["DDBStreamBatchInfo"]["startSequenceNumber"])

    async def until(self, count, *kinds):
        """Return the next `count` calls of the given kinds."""
        seen = []
        async with asyncio.timeout(30):
            while len(seen) < count:
                call = await self.calls.get()
                if call[0] in kinds:
                    seen.append(call)
        return seen


class Running:
    def __init__(self, mapping, stream):
        self.poller = StreamPoller(mapping, stream)

    async def __aenter__(self):
        self.task = asyncio.create_task(self.poller.run())
        return self.poller

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.wait({self.task})
        assert self.task.cancelled()


async def test_records_are_read_and_delivered_and_what_fails_is_reported():
    stream = Stream(
        {"open": ("", [record(1), record(2, "CALL#CA2")])},
        lambda records: Failed() if records[0].event["n"] == 2 else Answered(None),
    )
    async with Running(replace(MAPPING, lanes=10), stream) as poller:
        calls = await stream.until(3, "invoke", "report")

        assert sorted(calls, key=str) == [("invoke", [1]), ("invoke", [2]), ("report", "2")]
        # A call is told from its thread, a moment before the poller counts it; the second read from now is after that.
        await stream.until(2, "read")
        assert (poller.totals.records, poller.totals.invocations, poller.totals.failures) == (2, 2, 1)
        assert poller.totals.given_up == 1


async def test_a_child_shard_waits_for_its_parent():
    stream = Stream(
        {"child": ("closed", [record(2)]), "closed": ("", [record(1)])},
        lambda records: Answered(None),
    )
    async with Running(MAPPING, stream):
        assert await stream.until(2, "invoke") == [("invoke", [1]), ("invoke", [2])]


async def test_a_service_that_is_away_is_asked_again():
    stream = Stream({"open": ("", [record(1)])}, lambda records: Answered(None))
    stream.away = 2
    async with Running(MAPPING, stream):
        assert await stream.until(1, "invoke") == [("invoke", [1])]


async def test_one_slow_call_does_not_hold_up_the_others():
    slow = threading.Event()

    def function(records):
        if records[0].event["n"] == 1:
            slow.wait(30)
        return Answered(None)

    stream = Stream({"open": ("", [record(1, "CALL#CA1"), record(2, "CALL#CA2")])}, function)
    async with Running(replace(MAPPING, lanes=10), stream):
        assert await stream.until(1, "invoke") == [("invoke", [2])]
        slow.set()
        assert await stream.until(1, "invoke") == [("invoke", [1])]


def entry(stack, call_id, seq, **body):
    stack.bridge_access.client("dynamodb").put_item(
        TableName=stack.calls_table,
        Item={
            "pk": {"S": f"CALL#{call_id}"},
            "sk": {"S": f"LOG#{seq:010d}"},
            "kind": {"S": "dtmf"},
            "body": {"S": json.dumps(body)},
        },
    )


def pushing(stack, **changes):
    """Return the stack with `push` alone reading the stream, its mapping changed."""
    push = stack.mappings["push"]
    return replace(stack, mappings={"push": replace(push, mapping=replace(push.mapping, **changes))})


async def connected(stack):
    client = await connect(f"{stack.push_url}?ticket=good")
    await client.send(json.dumps({"action": "ping"}))
    return client, json.loads(await client.recv())["requestContext"]["connectionId"]


async def test_what_is_appended_to_calls_reaches_the_client_in_order_through_the_deployed_function(stack):
    client, connection_id = await connected(stack)
    async with client, polling(pushing(stack, starting_position="LATEST")):
        for seq in range(1, 31):
            entry(stack, "CA-live", seq, to=connection_id)
        records = [json.loads(await client.recv()) for _ in range(30)]

    assert [int(each["dynamodb"]["NewImage"]["sk"]["S"].removeprefix("LOG#")) for each in records] == list(range(1, 31))
    assert records[0]["eventName"] == "INSERT"
    assert records[0]["eventSourceARN"] == stack.mappings["push"].mapping.stream_arn


async def test_an_entry_that_never_succeeds_is_given_up_and_those_after_it_arrive(stack):
    client, connection_id = await connected(stack)
    async with client, polling(pushing(stack, starting_position="LATEST", retries=0)):
        for seq in (1, 2, 3):
            entry(stack, "CA-poison", seq, to=connection_id, fails=seq == 2)
        arrived = [json.loads(await client.recv())["dynamodb"]["NewImage"]["sk"]["S"] for _ in range(2)]
        document = json.loads(await failure(stack))

    assert arrived == ["LOG#0000000001", "LOG#0000000003"]
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert "CA-poison" not in json.dumps(document)


async def failure(stack):
    queues = stack.root.client("sqs")
    url = queues.get_queue_url(QueueName=stack.mappings["push"].mapping.failure_queue_arn.rsplit(":", 1)[1])["QueueUrl"]
    answer = await asyncio.to_thread(queues.receive_message, QueueUrl=url, WaitTimeSeconds=20)
    (message,) = answer["Messages"]
    return message["Body"]
