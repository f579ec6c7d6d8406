"""The push function in front of a table of subscriptions and of connections that answer as API Gateway's do."""

from __future__ import annotations

import json
import sys

import pytest

from callscribe.entries import CallStarted, Dtmf
from callscribe.errors import Unavailable
from callscribe.subscriptions import Subscriptions

ME = "QZ2gHcP9joECJPg="
STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
SUBSCRIPTIONS = Subscriptions("Subscriptions")


class Unmarkable(Subscriptions):
    def fall_behind(self, subscription, behind):
        raise Unavailable("dynamodb")


@pytest.fixture
def push(aws, sockets, start, context):
    handler = start("push", warm=True)
    return lambda event: handler(event, context)


@pytest.fixture
def ping(start, context, event):
    """Say `ping` as the client of the event."""
    handler = start("subscribe", warm=True)
    return lambda: handler(event("websocket_message.json") | {"body": '{"action":"ping"}'}, context)


@pytest.fixture
def unmarkable(push, monkeypatch):
    """DynamoDB takes no marks."""
    monkeypatch.setattr(sys.modules["functions.push.handler"], "_subscriptions", Unmarkable("Subscriptions"))


def test_a_subscriber_gets_the_entries_that_were_written_in_order_and_in_one_frame(aws, push, sockets, event):
    aws.subscribe("CA1", "a=")

    assert push(event("stream_of_calls.json")) == {"batchItemFailures": []}

    assert [(each["seq"], each["kind"]) for each in sockets.messages("a=")] == [(1, "call.started"), (2, "dtmf")]
    assert len(sockets.posted["a="]) == 1


def test_a_closed_connection_is_forgotten_and_delays_nobody(aws, push, sockets, event):
    aws.subscribe("CA1", "closed=")
    aws.subscribe("CA1", "open=")
    sockets.gone.add("closed=")

    assert push(event("stream_of_calls.json")) == {"batchItemFailures": []}

    assert aws.subscribers("CA1") == ["open="]
    assert [each["seq"] for each in sockets.messages("open=")] == [1, 2]


def test_a_connection_that_is_busy_for_a_moment_gets_its_entries_in_the_same_invocation(aws, push, sockets, event):
    aws.subscribe("CA1", "busy=")
    sockets.answers["busy="] = [429, 500]

    assert push(event("stream_of_calls.json")) == {"batchItemFailures": []}

    assert [each["seq"] for each in sockets.messages("busy=")] == [1, 2]


def test_who_is_not_served_when_time_is_up_is_behind(aws, push, sockets, event, context):
    aws.subscribe("CA1", "a=")
    context.remaining_ms = 1000

    assert push(event("stream_of_calls.json")) == {"batchItemFailures": []}

    assert sockets.posted == {}
    assert aws.table(SUBSCRIPTIONS.behind("a=")) == {"CA1": 0}


def test_one_that_is_behind_is_served_from_the_log_at_its_next_message_and_the_others_get_nothing_twice(
    aws, push, sockets, event, ping
):
    aws.append("CA1", STARTED, Dtmf(leg="a", digit="1", at_ms=1), Dtmf(leg="a", digit="2", at_ms=2))
    aws.subscribe("CA1", ME)
    aws.subscribe("CA1", "other=")
    sockets.answers[ME] = [429] * 100  # longer than patience lasts

    push(event("stream_of_calls.json"))
    del sockets.answers[ME]
    push(event("stream_of_calls.json"))  # the next entries, within its rest
    ping()

    assert [each.get("seq") for each in sockets.messages(ME)] == [1, 2, 3, None, None]
    assert [each["type"] for each in sockets.messages(ME)][3:] == ["replayed", "pong"]
    assert len(sockets.posted["other="]) == 2  # once a batch
    assert aws.table(SUBSCRIPTIONS.behind(ME)) == {}


def test_lacking_permission_fails_the_invocation_so_that_somebody_hears_of_it(aws, push, sockets, event):
    aws.subscribe("CA1", "a=")
    sockets.answers["a="] = [403]

    with pytest.raises(Exception, match="ForbiddenException"):
        push(event("stream_of_calls.json"))


def test_deliveries_are_counted(aws, push, sockets, event, capsys):
    aws.subscribe("CA1", "gone=")
    sockets.gone.add("gone=")
    push(event("stream_of_calls.json"))

    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metrics["Entries"], metrics["ConnectionsGone"], metrics["Posts"]) == ([2.0], [1.0], [0.0])
    assert metrics["EntryAge"][0] > 0


@pytest.mark.usefixtures("unmarkable")
def test_what_cannot_even_be_marked_is_brought_back_and_logged_by_its_number_without_what_was_said(
    aws, push, event, context, logged
):
    aws.subscribe("CA1", "a=")
    context.remaining_ms = 1000

    records = event("stream_of_calls.json")
    first = records["Records"][0]["dynamodb"]["SequenceNumber"]

    assert push(records) == {"batchItemFailures": [{"itemIdentifier": first}]}
    line = json.loads(logged())
    assert (line["call_id"], line["seq"]) == ("CA1", 1)
    assert "+1202" not in logged()
