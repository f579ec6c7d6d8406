"""A function that events of calls come to: a rule of the bus, a queue that keeps what waits, the function."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.event_bus import EventBus
from infra.failures import failures_queue, waiting
from infra.function import Function
from infra.grants import allow


class BusReader(Construct):
    """Brings entries of `kinds` to `function`, each at least once; what it gives up ends in a queue of its own.

    An event that the function answers for with `batchItemFailures`, or that it dies of, comes again after
    `again_after`, `times` times in all. The function is invoked `at_once` times at most, or as often as Lambda likes.
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
        at_once: int | None = None,
    ) -> None:
        """`again_after` is longer than the function may run."""
        super().__init__(scope, construct_id)
        failures = failures_queue(self, sent_by="EventBridge")
        queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=Duration.days(14),
            visibility_timeout=again_after,
            dead_letter_queue=sqs.DeadLetterQueue(queue=failures, max_receive_count=times),
        )
        Validations.of(queue).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS4",
                reason="as of the failures: EventBridge and the function send here, over TLS",
            )
        )
        bus.route(self, "Rule", kinds=kinds, target=targets.SqsQueue(queue, dead_letter_queue=failures))
        # What Lambda asks of the role, and no more: CDK's own event source would let it change and look up messages.
        actions = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
        allow(function.role, *actions, on=queue.queue_arn)
        mapping = lambda_.EventSourceMapping(
            self,
            "Events",
            target=function.resource,
            event_source_arn=queue.queue_arn,
            batch_size=1,  # each takes seconds, and waits for others
            report_batch_item_failures=True,
            max_concurrency=at_once,
        )
        Validations.of(mapping).acknowledge(
            Acknowledgment(
                id="Serverless-LambdaEventSourceMappingDestination",
                reason="a mapping on a queue takes none: the queue itself says where its messages go in the end",
            )
        )
        mapping.node.add_dependency(function.role)  # the mapping is refused until the role may read the queue
        self._queue = queue
        self.failures: cloudwatch.IMetric = waiting(failures)

    @property
    def queue_url(self) -> str:
        """Where a function finds what it reads, if it puts off or adds to it."""
        return self._queue.queue_url

    def allow_postpone(self, role: iam.Role) -> None:
        """Let `role` say when a message comes again."""
        allow(role, "sqs:ChangeMessageVisibility", on=self._queue.queue_arn)

    def allow_send(self, role: iam.Role) -> None:
        """Let `role` put messages into the queue."""
        allow(role, "sqs:SendMessage", on=self._queue.queue_arn)
