"""How a shard's records come to the function, batch by batch."""

from dataclasses import replace

import pytest

from local.aws.event_filter import read_filter
from local.aws.event_source_mapping import EventSourceMapping, UnsupportedMapping, read_mapping
from local.aws.failure_document import failure_document
from local.aws.stream_mapping import Answered, Failed, GiveUp, Invoke, ShardMapping, Unreached
from local.aws.stream_record import StreamRecord

MAPPING = EventSourceMapping(function="arn:push", stream_arn="arn:stream", retries=2, partial_answers=True)
NOW = 1_795_352_400.0


def record(number, key="CALL#CA1", created_at=NOW, kind="utterance"):
    event = {
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": str(number), "NewImage": {"kind": {"S": kind}}},
    }
    return StreamRecord(key=key, sequence_number=str(number), created_at=created_at, event=event, size_bytes=500)


def records(*numbers, key="CALL#CA1"):
    return [record(number, key) for number in numbers]


def failing(*numbers):
    return Answered({"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]})


def batches(effects):
    return [[int(each.sequence_number) for each in effect.records] for effect in effects if isinstance(effect, Invoke)]


def given_up(effects):
    return [
        (effect.condition, [int(each.sequence_number) for each in effect.records])
        for effect in effects
        if isinstance(effect, GiveUp)
    ]


class Function:
    """The function behind a shard: answers what it has, waits out every delay."""

    def __init__(self, mapping):
        self.shard = ShardMapping(mapping)
        self.now = NOW
        self.pending = []
        self.seen = []

    def read(self, given):
        return self._take(self.shard.read(given, now=self.now))

    def answer(self, answer):
        return self._take(self.shard.answered(self.pending.pop(0).invocation, answer, now=self.now))

    def wait(self):
        self.now = self.shard.wakes_at
        return self._take(self.shard.proceed(now=self.now))

    def _take(self, effects):
        self.pending += [effect for effect in effects if isinstance(effect, Invoke)]
        return effects


def test_records_go_out_at_once_in_batches_of_the_given_size_one_at_a_time():
    function = Function(replace(MAPPING, batch_size=2))

    assert batches(function.read(records(1, 2, 3))) == [[1, 2]]
    assert batches(function.answer(Answered(None))) == [[3]]
    assert batches(function.answer(Answered({"batchItemFailures": []}))) == []
    assert function.shard.settled


def test_records_that_the_filter_leaves_out_are_never_delivered():
    mapping = replace(MAPPING, filters=(read_filter('{"dynamodb": {"NewImage": {"kind": {"S": ["dtmf"]}}}}'),))

    assert batches(Function(mapping).read([record(1), record(2, kind="dtmf"), record(3)])) == [[2]]


def test_keys_go_side_by_side_and_each_key_in_order():
    function = Function(replace(MAPPING, lanes=10))

    out = batches(function.read([record(1, "CALL#CA1"), record(2, "CALL#CA2"), record(3, "CALL#CA1")]))

    assert sorted(out) == [[1, 3], [2]]
    assert batches(function.read([record(4, "CALL#CA1")])) == []
    function.pending.sort(key=lambda invoke: len(invoke.records), reverse=True)
    assert batches(function.answer(Answered(None))) == [[4]]


def test_a_window_gathers_records_until_it_ends_or_the_batch_is_full():
    function = Function(replace(MAPPING, batch_size=3, window_s=5))

    assert batches(function.read(records(1, 2))) == []
    assert function.shard.wakes_at == NOW + 5
    assert batches(function.wait()) == [[1, 2]]
    function.answer(Answered(None))
    assert batches(function.read(records(3, 4, 5))) == [[3, 4, 5]]


def test_a_batch_carries_no_more_than_lambda_takes():
    big = [replace(each, size_bytes=4 * 1024 * 1024) for each in records(1, 2)]

    assert batches(Function(MAPPING).read(big)) == [[1]]


def test_the_lowest_failed_record_and_all_after_it_come_again():
    function = Function(MAPPING)
    function.read(records(1, 2, 3, 4))

    assert batches(function.answer(failing(4, 3))) == []
    assert batches(function.wait()) == [[3, 4]]


def test_with_bisecting_they_come_again_at_once_and_cost_no_retry():
    function = Function(replace(MAPPING, bisect=True, retries=0))
    function.read(records(1, 2, 3, 4))

    assert batches(function.answer(failing(3))) == [[3, 4]]


def test_a_partial_answer_means_nothing_if_the_mapping_does_not_ask_for_it():
    function = Function(replace(MAPPING, partial_answers=False))
    function.read(records(1, 2))

    assert function.answer(failing(1)) == []
    assert function.shard.settled


@pytest.mark.parametrize(
    "failures", [[{"itemIdentifier": ""}], [{"itemIdentifier": None}], [{"id": "2"}], [{"itemIdentifier": "99"}], [2]]
)
def test_a_partial_answer_that_names_no_record_fails_the_whole_batch(failures):
    function = Function(MAPPING)
    function.read(records(1, 2))
    function.answer(Answered({"batchItemFailures": failures}))

    assert batches(function.wait()) == [[1, 2]]


def test_a_failed_batch_is_retried_as_often_as_told_and_then_given_up():
    function = Function(MAPPING)
    function.read(records(1, 2))

    for _ in range(2):
        assert function.answer(Failed()) == []
        assert batches(function.wait()) == [[1, 2]]
    assert given_up(function.answer(Failed())) == [("RetryAttemptsExhausted", [1, 2])]
    assert function.shard.settled


def test_what_comes_after_a_record_given_up_is_delivered():
    function = Function(replace(MAPPING, batch_size=1, retries=0))
    function.read(records(1, 2))

    effects = function.answer(Failed())

    assert given_up(effects) == [("RetryAttemptsExhausted", [1])]
    assert batches(effects) == [[2]]


def test_bisecting_isolates_the_one_bad_record_in_order():
    function = Function(replace(MAPPING, bisect=True, retries=0))
    delivered, lost = [], []
    effects = function.read(records(1, 2, 3, 4))
    while function.pending:
        numbers = [int(each.sequence_number) for each in function.pending[0].records]
        if 3 in numbers:
            effects = function.answer(Failed())
        else:
            delivered += numbers
            effects = function.answer(Answered(None))
        lost += given_up(effects)

    assert delivered == [1, 2, 4]
    assert lost == [("RetryAttemptsExhausted", [3])]


def test_a_partial_answer_at_the_first_record_halves_the_batch():
    function = Function(replace(MAPPING, bisect=True))
    function.read(records(1, 2))

    assert batches(function.answer(failing(1))) == [[1]]


def test_or_repeats_the_batch_if_that_is_what_lambda_does():
    function = Function(replace(MAPPING, bisect=True, first_failed="retry", retries=1))
    function.read(records(1, 2))
    function.answer(failing(1))

    assert batches(function.wait()) == [[1, 2]]
    assert given_up(function.answer(failing(1))) == [("RetryAttemptsExhausted", [1, 2])]


def test_a_throttled_invocation_costs_no_retry():
    function = Function(replace(MAPPING, retries=0))
    function.read(records(1))

    for _ in range(20):
        assert function.answer(Unreached()) == []
        assert batches(function.wait()) == [[1]]


def test_retries_come_slower_and_slower_up_to_ten_seconds():
    function = Function(replace(MAPPING, retries=None))
    function.read(records(1))
    waits = []
    for _ in range(8):
        before = function.now
        function.answer(Failed())
        function.wait()
        waits.append(function.now - before)

    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_records_too_old_are_given_up_without_being_delivered():
    function = Function(replace(MAPPING, record_age_s=60))

    effects = function.read([record(1, created_at=NOW - 61), record(2, created_at=NOW - 60)])

    assert given_up(effects) == [("RecordAgeExceeded", [1])]
    assert batches(effects) == [[2]]


def test_a_failing_batch_ends_when_its_records_are_too_old():
    function = Function(replace(MAPPING, retries=None, record_age_s=60))
    function.read(records(1))
    lost = []
    while not lost:
        function.answer(Failed())
        lost = given_up(function.wait())

    assert lost == [("RecordAgeExceeded", [1])]
    assert function.now <= NOW + 80


def test_reading_pauses_while_ten_thousand_records_wait():
    shard = ShardMapping(MAPPING)
    shard.read(records(*range(9_990)), now=NOW)
    assert shard.room == 10
    shard.read(records(*range(9_990, 10_005)), now=NOW)
    assert shard.room == 0


def test_the_failure_queue_hears_where_the_records_are_and_nothing_of_what_they_say():
    lost = GiveUp(tuple(records(8, 9)), "RetryAttemptsExhausted", invocations=3, function_error=True)

    document = failure_document(lost, mapping=MAPPING, shard_id="shardId-1", request_id="r-1", now=NOW + 1.5)

    assert document == {
        "requestContext": {
            "requestId": "r-1",
            "functionArn": "arn:push",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-22T13:00:01.500Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "8",
            "endSequenceNumber": "9",
            "approximateArrivalOfFirstRecord": "2026-11-22T13:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-22T13:00:00Z",
            "batchSize": 2,
            "streamArn": "arn:stream",
        },
    }


def test_a_mapping_is_read_from_the_properties_in_the_template():
    mapping = read_mapping(
        {
            "BatchSize": 100,
            "BisectBatchOnFunctionError": True,
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
            "EventSourceArn": {"Fn::ImportValue": "stream"},
            "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
            "FunctionName": {"Ref": "Push"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRecordAgeInSeconds": 300,
            "MaximumRetryAttempts": 3,
            "ParallelizationFactor": 10,
            "StartingPosition": "TRIM_HORIZON",
        },
        function="arn:push",
        stream_arn="arn:stream",
        failure_queue_arn="arn:aws:sqs:us-east-1:123456789012:q",
    )

    assert replace(mapping, filters=()) == EventSourceMapping(
        function="arn:push",
        stream_arn="arn:stream",
        batch_size=100,
        lanes=10,
        retries=3,
        record_age_s=300,
        bisect=True,
        partial_answers=True,
        failure_queue_arn="arn:aws:sqs:us-east-1:123456789012:q",
    )
    assert mapping.passes_on({"eventName": "INSERT"})
    assert not mapping.passes_on({"eventName": "REMOVE"})


@pytest.mark.parametrize("extra", [{"TumblingWindowInSeconds": 30}, {"DestinationConfig": {"OnSuccess": {}}}])
def test_a_property_that_would_be_ignored_is_refused(extra):
    with pytest.raises(UnsupportedMapping):
        read_mapping({"StartingPosition": "LATEST", **extra}, function="f", stream_arn="s", failure_queue_arn=None)
