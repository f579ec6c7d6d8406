"""A function that reads the stream of Calls: each new entry, in order a call, ten calls at a time."""

from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.call_log import CallLog
from infra.failures import failures_queue, waiting
from infra.function import Function
from infra.grants import allow


class StreamReader(Construct):
    """Brings new entries to `function`; where in the stream those are that it gave up goes to a queue of its own.

    At most two read a stream, by DynamoDB's advice.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: Function,
        calls: CallLog,
        max_record_age: Duration,
        retries: int | None = None,
    ) -> None:
        """Records are tried for `max_record_age`, and `retries` times more at most."""
        super().__init__(scope, construct_id)
        failures = failures_queue(self, sent_by="Lambda")  # and only positions in the stream
        self.failures: cloudwatch.IMetric = waiting(failures)
        calls.allow_follow(function.role)
        mapping = lambda_.EventSourceMapping(
            self,
            "Entries",
            target=function.resource,
            event_source_arn=calls.stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,  # LATEST may miss what comes while it is made
            filters=[
                lambda_.FilterCriteria.filter(
                    {
                        "eventName": lambda_.FilterRule.is_equal("INSERT"),
                        # Entries have a kind, heads don't.
                        "dynamodb": {"NewImage": {"kind": {"S": lambda_.FilterRule.exists()}}},
                    }
                )
            ],
            batch_size=100,
            max_batching_window=Duration.seconds(0),  # words are awaited
            parallelization_factor=10,
            retry_attempts=retries,
            max_record_age=max_record_age,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
        )
        # Lambda only sends, under this role; SqsDlq, the CDK's own, would let it look the queue up as well.
        allow(function.role, "sqs:SendMessage", on=failures.queue_arn)
        resource = cast("lambda_.CfnEventSourceMapping", mapping.node.default_child)
        resource.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures.queue_arn)
        )
        mapping.node.add_dependency(function.role)  # the mapping is refused until the role may read the stream
