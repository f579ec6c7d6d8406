"""What hangs off the event bus by a rule hears all of a call, as deployed locally."""

from __future__ import annotations

import asyncio
import json

import pytest

from local.aws.engine import root_at
from tests.path.test_one_call import conversation

BUS = "callscribe-dev"


@pytest.fixture
def queue(up):
    """A customer's queue, with a rule of its own that lets all of callscribe's events through."""
    root = root_at(up.addresses.aws_url)
    queues, events = root.client("sqs"), root.client("events")
    url = queues.create_queue(QueueName="customer")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="customer", EventBusName=BUS, EventPattern=json.dumps({"source": ["callscribe"]}))
    events.put_targets(Rule="customer", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
    yield lambda: queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
    events.remove_targets(Rule="customer", EventBusName=BUS, Ids=["queue"])
    events.delete_rule(Name="customer", EventBusName=BUS)


async def test_every_entry_of_a_call_comes_to_the_bus(up, queue):
    placed = await up.place(conversation("good morning", "this is the bank"))
    call_id, last = placed.report.call_sid, placed.entries[-1].seq

    heard: dict[int, dict] = {}
    async with asyncio.timeout(60):
        while set(heard) < set(range(1, last + 1)):
            for message in await asyncio.to_thread(queue):
                event = json.loads(message["Body"])
                if event["detail"]["call_id"] == call_id:
                    heard[event["detail"]["seq"]] = event

    assert [heard[entry.seq]["detail-type"] for entry in placed.entries] == [entry.kind for entry in placed.entries]
    said = [each["detail"]["body"]["text"] for each in heard.values() if each["detail-type"] == "utterance"]
    assert sorted(said) == ["good morning", "this is the bank"]
    assert {each["source"] for each in heard.values()} == {"callscribe"}
