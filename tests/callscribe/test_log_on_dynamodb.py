"""The same rule on DynamoDB's own semantics, as moto has them."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, CallStarted, LegGap, LegStarted
from callscribe.errors import Unavailable
from callscribe.in_progress import InProgress
from callscribe.log import Log
from tests.tables import TABLES

WRITER = {"at": "2026-11-22T09:15:02.417Z", "tenant": "acme"}
STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")


@pytest.fixture
def dynamodb(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(**TABLES["Calls"])
        yield client


def test_two_writers_with_the_same_tail_get_different_numbers(dynamodb):
    log = Log("Calls", "CA1")

    perform(dynamodb, log.open(STARTED, token="CA1", **WRITER))
    ended = perform(dynamodb, log.append(CallEnded(reason="completed", duration_ms=1), token="a", tail=0, **WRITER))
    again = perform(dynamodb, log.append(CallEnded(reason="completed", duration_ms=1), token="a", tail=0, **WRITER))

    assert ended.seq == again.seq == 2
    assert perform(dynamodb, log.tail()) == 2
    assert [entry.kind for entry in perform(dynamodb, log.read())] == ["call.started", "call.ended"]


def test_a_list_of_calls_shows_an_ended_call_as_ended_whatever_came_first(dynamodb):
    log = Log("Calls", "CA1")
    leg = LegStarted(
        leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
        channel=0, offset_ms=0,
    )  # fmt: skip

    perform(dynamodb, log.append(CallEnded(reason="completed", duration_ms=1), token="end", **WRITER))
    perform(dynamodb, log.append(STARTED, token="late", **WRITER))
    perform(dynamodb, log.append(leg, token="leg", **WRITER))

    head = dynamodb.get_item(TableName="Calls", Key={"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}})["Item"]
    assert head["status"] == {"S": "ended"}
    assert head["from"] == {"S": "+1"}
    assert head["parties"] == {"SS": ["caller"]}
    assert "kind" not in head


def test_a_table_that_is_not_there_is_not_taken_for_a_fault_that_passes(dynamodb):
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        perform(dynamodb, Log("Nowhere", "CA1").tail())


def test_throttling_is_a_fault_that_passes(dynamodb):
    def throttle(**_arguments):
        raise dynamodb.exceptions.ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")

    dynamodb.query = throttle
    with pytest.raises(Unavailable):
        perform(dynamodb, Log("Calls", "CA1").tail())


def started_before(dynamodb, moment: str) -> dict[str, str]:
    return perform(dynamodb, InProgress("Calls").before(moment))


def test_a_call_is_among_those_in_progress_from_its_start_to_its_end(dynamodb):
    log = Log("Calls", "CA1")

    perform(dynamodb, log.open(STARTED, token="CA1", **WRITER))
    assert started_before(dynamodb, "2026-11-22T09:16") == {"CA1": "2026-11-22T09:15:02.417Z"}
    assert started_before(dynamodb, "2026-11-22T09:15") == {}

    perform(dynamodb, log.append(CallEnded(reason="completed", duration_ms=1), token="end", **WRITER))
    assert started_before(dynamodb, "2026-11-22T09:16") == {}


@pytest.mark.parametrize("starts", [1, 2])
def test_a_call_whose_start_is_written_after_its_end_is_not_in_progress(dynamodb, starts):
    log = Log("Calls", "CA1")

    perform(dynamodb, log.append(CallEnded(reason="completed", duration_ms=1), token="end", **WRITER))
    for _ in range(starts):
        perform(dynamodb, log.append(STARTED, token="late", tail=0, **WRITER))

    assert started_before(dynamodb, "9999") == {}


def test_an_end_whose_writer_died_before_the_head_is_shown_by_whoever_finds_it(dynamodb):
    log = Log("Calls", "CA1")
    perform(dynamodb, log.open(STARTED, token="CA1", **WRITER))
    steps = log.append(CallEnded(reason="completed", duration_ms=1), token="end", tail=1, **WRITER)
    put = next(steps)
    dynamodb.put_item(**put.arguments)
    steps.close()
    assert started_before(dynamodb, "9999") == {"CA1": WRITER["at"]}

    (ended,) = perform(dynamodb, log.read(after=1))
    perform(dynamodb, InProgress("Calls").show(ended))

    assert started_before(dynamodb, "9999") == {}


def test_what_changes_no_head_is_shown_by_doing_nothing(dynamodb):
    log = Log("Calls", "CA1")
    gap = LegGap(leg="MZ1/inbound", start_ms=0, end_ms=1, cause="")
    entry = perform(dynamodb, log.append(gap, token="gap", **WRITER))

    perform(dynamodb, InProgress("Calls").show(entry))

    assert "Item" not in dynamodb.get_item(TableName="Calls", Key={"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}})
