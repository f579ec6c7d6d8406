"""What waits in a function's queue comes when the function says so."""

from __future__ import annotations

import json

import msgspec
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from callscribe.bus import Detail
from callscribe.errors import Unavailable
from functions.bus_events import read
from functions.own_queue import OwnQueue

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/batch"


class Sqs:
    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[dict] = []
        self._failure = failure

    def change_message_visibility(self, **asked):
        self._take(asked)

    def send_message(self, **asked):
        self._take(asked)

    def _take(self, asked):
        if self._failure is not None:
            raise self._failure
        self.asked.append(asked)


@pytest.mark.parametrize(("seconds", "asked"), [(15, 15), (13 * 3600, 12 * 3600)])
def test_a_message_is_put_off_by_as_much_as_sqs_allows(seconds, asked):
    sqs = Sqs()
    OwnQueue(sqs, URL).postpone("r1", seconds=seconds)

    assert sqs.asked == [{"QueueUrl": URL, "ReceiptHandle": "r1", "VisibilityTimeout": asked}]


def test_what_is_put_in_reads_as_an_event_of_the_bus():
    sqs = Sqs()
    detail = Detail("CA1", 0, "gladia.called", "2026-11-22T09:15:02.417Z", "acme", msgspec.Raw(b"null"))
    OwnQueue(sqs, URL).send(detail)

    (asked,) = sqs.asked
    assert json.loads(asked["MessageBody"])["detail"]["call_id"] == "CA1"
    message = {"messageId": "m1", "receiptHandle": "r1", "attributes": {"ApproximateReceiveCount": "1"}}
    (received,) = read([message | {"body": asked["MessageBody"]}]).events
    assert (received.detail.kind, received.detail.seq) == ("gladia.called", 0)


@pytest.mark.parametrize(
    "failure", [ClientError({"Error": {"Code": "X"}}, "Y"), ConnectTimeoutError(endpoint_url="https://x.test")]
)
def test_a_queue_that_is_away_is_one_thing(failure):
    queue = OwnQueue(Sqs(failure), URL)
    detail = Detail("CA1", 0, "x", "", "acme", msgspec.Raw(b"null"))

    for attempt in (lambda: queue.postpone("r1", seconds=1), lambda: queue.send(detail)):
        with pytest.raises(Unavailable):
            attempt()
