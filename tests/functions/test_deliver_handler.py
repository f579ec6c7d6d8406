"""The deliver function as Lambda invokes it, with an endpoint that checks what it is sent by another's code."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from standardwebhooks import Webhook

from callscribe.after_call import TranscriptReady
from callscribe.bus import event
from callscribe.deliveries import LEASE, Deliveries, Delivery
from callscribe.entries import CallStarted, Entry, timestamp
from callscribe.errors import Unavailable
from callscribe.webhooks import Endpoint, Webhooks, new_endpoint
from tests.functions.conftest import Aws

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
READY = TranscriptReady(archive="entries/…", utterances=2, complete=True, formats=("json",))
AT = "2026-11-22T09:15:02.417Z"
MINUTE = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@dataclass
class Crm:
    """A customer's server, which takes what is signed and is told how to answer."""

    url: str = ""
    status: int = 200
    secret: str = ""
    received: list[dict] = field(default_factory=list)


@pytest.fixture
def crm():
    known = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.received.append(Webhook(known.secret).verify(body, dict(self.headers)))
            self.send_response(known.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?key=a-key-of-theirs"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


@dataclass
class World:
    """The function with all that it needs, and its endpoint."""

    aws: Aws
    crm: Crm
    handler: Callable[[dict, object], dict | None]
    sqs: object
    url: str
    endpoint: Endpoint
    context: object

    def tell(self, *bodies: str) -> dict | None:
        """Hand over messages, `m0` and so on."""
        records = [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]
        return self.handler({"Records": records}, self.context)

    def queued(self) -> list[str]:
        """Take out what can be had of the queue."""
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        messages = found.get("Messages", [])
        assert {message["Attributes"].get("MessageGroupId") for message in messages} <= {self.endpoint.id}
        return [message["Body"] for message in messages]

    def told(self) -> list[tuple[str, int, str]]:
        steps = Deliveries("Webhooks").of_endpoint(self.endpoint.id, since="2026", until="2027")
        return [(each.state, each.attempts, each.told) for each in self.aws.table(steps)]


@pytest.fixture
def world(aws, crm, start, environment, context) -> World:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="deliver")["QueueUrl"]
    environment.setenv("DELIVER_QUEUE", url)
    environment.setenv("WEBHOOK_TARGETS", "anywhere")
    endpoint = new_endpoint("acme", crm.url, (), at=AT)
    crm.secret = endpoint.secret
    aws.table(Webhooks("Webhooks").add(endpoint))
    aws.append("CA1", STARTED, READY)
    return World(aws, crm, start("deliver"), sqs, url, endpoint, context)


def ready() -> str:
    """Return the event that tells that a transcript is ready."""
    given = event(Entry("CA1", 2, AT, "acme", READY), "bus")
    return json.dumps({"source": given["Source"], "detail-type": "x", "detail": json.loads(given["Detail"])})


def test_an_entry_on_the_bus_comes_to_who_wants_it(world, logged, capsys):
    assert world.tell(ready(), "not an event", "{}") == {"batchItemFailures": []}
    assert world.crm.received == []

    assert world.tell(*world.queued()) == {"batchItemFailures": []}

    (received,) = world.crm.received
    assert (received["type"], received["data"]["call_id"]) == ("transcript.ready", "CA1")
    assert received["data"]["body"]["archive"] == "entries/…"
    assert world.told() == [("delivered", 1, "answered 200")]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert metrics[0]["MalformedMessages"] == [2.0]
    assert metrics[1]["WebhooksDelivered"] == [1.0]
    lines = [json.loads(line) for line in logged().splitlines()]
    assert [line["message"] for line in lines] == ["webhooks planned", "webhook"]
    assert not [secret for secret in ("a-key-of-theirs", world.crm.secret, "+1202", "entries/") if secret in logged()]


def test_one_that_failed_comes_again_by_the_queue_and_then_by_the_clock(world, capsys):
    world.crm.status = 500
    world.tell(ready())
    world.tell(*world.queued())

    assert world.told() == [("waiting", 1, "answered 500")]
    asked = world.sqs.get_queue_attributes(QueueUrl=world.url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert asked["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"

    world.crm.status = 204
    long_ago = datetime.now(UTC) - timedelta(days=1)
    delivery = Delivery(world.endpoint.id, "acme", "CA1", 2, AT, "transcript.ready", attempts=1)
    world.aws.table(Deliveries("Webhooks").attempted(delivery, state="waiting", told="answered 503", now=long_ago))
    assert world.handler(MINUTE, world.context) is None
    assert '"WebhooksDue":[1.0]' in capsys.readouterr().out.splitlines()[-1].replace(" ", "")
    world.tell(*world.queued())

    assert world.told() == [("delivered", 3, "answered 204")]
    assert world.handler(MINUTE, world.context) is None
    assert world.queued() == []


def test_what_the_queue_has_lost_is_taken_up_by_the_clock(world):
    lost = Delivery(world.endpoint.id, "acme", "CA1", 2, AT, "transcript.ready")
    world.aws.table(Deliveries("Webhooks").plan(lost, now=datetime.now(UTC) - 2 * LEASE))

    world.handler(MINUTE, world.context)
    world.tell(*world.queued())

    assert world.told() == [("delivered", 1, "answered 200")]


def test_one_that_is_gone_is_told_nothing_more_and_an_alarm_hears_of_it(world, capsys, logged):
    world.crm.status = 410
    world.tell(ready())
    world.tell(*world.queued())

    (endpoint,) = world.aws.table(Webhooks("Webhooks").of_tenant("acme"))
    assert endpoint.disabled_why == "it answered 410"
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["WebhooksGivenUp"] == [1.0]
    assert '"endpoint disabled"' in logged()


def test_on_aws_nothing_is_posted_beside_the_function(world, start, environment):
    environment.setenv("WEBHOOK_TARGETS", "public")
    handler = start("deliver")
    world.tell(ready())
    (body,) = world.queued()

    assert handler({"Records": [{"messageId": "m0", "body": body}]}, world.context) == {"batchItemFailures": []}
    assert world.crm.received == []
    assert world.told() == [("waiting", 1, "the endpoint is not https")]


def test_a_table_that_is_away_has_the_message_come_again_and_the_rest_is_done(world, environment, logged):
    other = new_endpoint("other", "https://other.example.com/", (), at=timestamp(datetime.now(UTC)))
    world.aws.table(Webhooks("Webhooks").add(other))
    world.tell(ready())
    (body,) = world.queued()
    real = Webhooks.of_tenant

    def away(self, tenant):
        if tenant == "other":
            raise Unavailable("dynamodb: ThrottlingException")
        return real(self, tenant)

    environment.setattr(Webhooks, "of_tenant", away)
    strange = json.loads(ready())
    strange["detail"]["tenant"] = "other"

    assert world.tell(json.dumps(strange), body) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert world.told() == [("delivered", 1, "answered 200")]
    assert '"not done"' in logged()
