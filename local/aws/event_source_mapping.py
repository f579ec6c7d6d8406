"""What a Lambda event source mapping on a DynamoDB stream is told to do.

Source: AWS Lambda Developer Guide, "Lambda parameters for Amazon DynamoDB event source mappings".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local.aws.event_filter import EventFilter, read_filter

RETENTION_S = 24 * 3600  # a stream keeps its records a day, so "infinite" (-1) ends there

# What CloudFormation may say of a mapping and this one does not need: they change nothing about delivery.
SILENT = frozenset({"Tags", "Enabled", "EventSourceArn", "FunctionName", "StartingPosition"})


class UnsupportedMapping(ValueError):
    """The template asks of a mapping what the local one cannot do."""


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """The properties of one mapping, with AWS's defaults.

    `function` and `stream_arn` are ARNs. `retries` is None for "until the record is too old"; `record_age_s` is at most
    a day. `failure_queue_arn` names the SQS queue that hears of records given up.

    `first_failed` decides what AWS leaves open: a partial answer that names the batch's first record, with bisecting
    on. "halve" treats it as a failed batch, "retry" sends the same batch until the retries are used up, and then all of
    it is given up. UNCONFIRMED which one Lambda does.
    """

    function: str
    stream_arn: str
    starting_position: Literal["TRIM_HORIZON", "LATEST"] = "TRIM_HORIZON"
    batch_size: int = 100
    window_s: float = 0
    lanes: int = 1
    retries: int | None = None
    record_age_s: float = RETENTION_S
    bisect: bool = False
    partial_answers: bool = False
    filters: tuple[EventFilter, ...] = ()
    failure_queue_arn: str | None = None
    first_failed: Literal["halve", "retry"] = "halve"

    def passes_on(self, event: Mapping[str, Any]) -> bool:
        """Tell whether a record goes to the function: any filter will do, and no filter lets all pass."""
        return not self.filters or any(each.matches(event) for each in self.filters)


def read_mapping(
    properties: Mapping[str, Any], *, function: str, stream_arn: str, failure_queue_arn: str | None
) -> EventSourceMapping:
    """Return the mapping of an AWS::Lambda::EventSourceMapping with these template `properties`.

    The three ARNs come resolved from the deployed stack. Raises UnsupportedMapping for a property that this
    implementation would ignore, MalformedPattern for a filter.
    """
    left = dict(properties)
    responses = left.pop("FunctionResponseTypes", [])
    filters = left.pop("FilterCriteria", {}).get("Filters", [])
    destination = left.pop("DestinationConfig", {})
    position = left.get("StartingPosition")
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise UnsupportedMapping(f"a mapping on a DynamoDB stream starts at TRIM_HORIZON or LATEST, not {position!r}")
    if set(destination) - {"OnFailure"} or set(responses) - {"ReportBatchItemFailures"}:
        raise UnsupportedMapping(f"no such destination or response type: {destination} {responses}")
    mapping = EventSourceMapping(
        function=function,
        stream_arn=stream_arn,
        starting_position=position,
        batch_size=int(left.pop("BatchSize", 100)),
        window_s=float(left.pop("MaximumBatchingWindowInSeconds", 0)),
        lanes=int(left.pop("ParallelizationFactor", 1)),
        retries=_limit(left.pop("MaximumRetryAttempts", -1)),
        record_age_s=min(_limit(left.pop("MaximumRecordAgeInSeconds", -1)) or RETENTION_S, RETENTION_S),
        bisect=bool(left.pop("BisectBatchOnFunctionError", False)),
        partial_answers="ReportBatchItemFailures" in responses,
        filters=tuple(read_filter(each["Pattern"]) for each in filters),
        failure_queue_arn=failure_queue_arn,
    )
    if unknown := sorted(set(left) - SILENT):
        raise UnsupportedMapping(f"the local stream mapping has no {', '.join(unknown)}")
    if failure_queue_arn and ":sqs:" not in failure_queue_arn:
        raise UnsupportedMapping(f"records given up go to an SQS queue, not to {failure_queue_arn}")
    return mapping


def _limit(value: Any) -> int | None:
    return None if int(value) < 0 else int(value)
