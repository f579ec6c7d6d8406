"""A function that events of calls come to: a rule of the bus, a queue that keeps what waits, the function."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.event_bus import EventBus
from infra.function import Function
from infra.grants import allow


class BusReader(Construct):
    """Brings entries of `kinds` to `function`, each at least once; what it gives up ends in a queue of its own.

    An event that the function answers for with `batchItemFailures`, or that it dies of, comes again after
    `again_after`, `times` times in all. `allow_postpone` lets the function choose another time.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: Function,
        bus: EventBus,
        kinds: Sequence[str],
        again_after: Duration,
        times: int,
        batch_size: int = 1,
        most_at_once: int | None = None,
    ) -> None:
        """`again_after` is longer than the function may run; `most_at_once` invocations, 2 or more."""
        super().__init__(scope, construct_id)
        failures = sqs.Queue(
            self,
            "Failures",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=Duration.days(14),
        )
        self._queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=Duration.days(14),
            visibility_timeout=again_after,
            dead_letter_queue=sqs.DeadLetterQueue(queue=failures, max_receive_count=times),
        )
        why = "only EventBridge sends here, over TLS; a policy that asks for TLS would also shut out the local AWS"
        Validations.of(self._queue).acknowledge(Acknowledgment(id="AwsSolutions-SQS4", reason=why))
        Validations.of(failures).acknowledge(
            Acknowledgment(id="AwsSolutions-SQS3", reason="it is where failures end; an alarm has people look at them"),
            Acknowledgment(id="Serverless-SQSRedrivePolicy", reason="as above"),
            Acknowledgment(id="AwsSolutions-SQS4", reason=why),
        )
        bus.route(self, "Rule", kinds=kinds, target=targets.SqsQueue(self._queue, dead_letter_queue=failures))
        # What Lambda asks of the role, and no more: CDK's own event source would let it change and look up messages.
        actions = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
        allow(function.role, *actions, on=self._queue.queue_arn)
        mapping = lambda_.EventSourceMapping(
            self,
            "Events",
            target=function.resource,
            event_source_arn=self._queue.queue_arn,
            batch_size=batch_size,
            max_concurrency=most_at_once,
            report_batch_item_failures=True,
        )
        Validations.of(mapping).acknowledge(
            Acknowledgment(
                id="Serverless-LambdaEventSourceMappingDestination",
                reason="a mapping on a queue takes none: the queue itself says where its messages go in the end",
            )
        )
        mapping.node.add_dependency(function.role)  # the mapping is refused until the role may read the queue
        self._function = function
        self.failures: cloudwatch.IMetric = failures.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic="Maximum"
        )

    def allow_postpone(self) -> str:
        """Let the function choose how long an event stays away, and return the queue's address for it."""
        allow(self._function.role, "sqs:ChangeMessageVisibility", on=self._queue.queue_arn)
        return self._queue.queue_url
