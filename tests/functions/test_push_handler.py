"""The push function in front of a table of subscriptions and of connections that answer as API Gateway's do."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def push(aws, sockets, start, context):
    handler = start("push", warm=True)
    return lambda event: handler(event, context)


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


def test_when_time_is_up_lambda_is_told_to_resume_at_the_first_entry_that_was_not_delivered(
    aws, push, sockets, event, context
):
    aws.subscribe("CA1", "a=")
    context.remaining_ms = 1000

    records = event("stream_of_calls.json")
    first = records["Records"][0]["dynamodb"]["SequenceNumber"]

    assert push(records) == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert sockets.posted == {}


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


def test_a_delivery_that_has_to_be_resumed_is_logged_by_its_number_and_without_what_was_said(
    aws, push, event, context, logged
):
    aws.subscribe("CA1", "a=")
    context.remaining_ms = 1000
    push(event("stream_of_calls.json"))

    line = json.loads(logged())
    assert (line["call_id"], line["seq"]) == ("CA1", 1)
    assert "+1202" not in logged()
