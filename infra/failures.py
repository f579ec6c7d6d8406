"""The queue where what a reader gave up ends."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def failures_queue(scope: Construct, *, sent_by: str) -> sqs.Queue:
    """Return the queue `Failures` in `scope`, kept for two weeks; nobody but AWS's own services sends there."""
    queue = sqs.Queue(scope, "Failures", encryption=sqs.QueueEncryption.SQS_MANAGED, retention_period=Duration.days(14))
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SQS3", reason="it is where failures end: an alarm has people look, nothing consumes it"
        ),
        Acknowledgment(id="Serverless-SQSRedrivePolicy", reason="as above"),
        Acknowledgment(
            id="AwsSolutions-SQS4",
            reason=f"only {sent_by} sends here, over TLS; a policy that asks for TLS would also shut out the local AWS",
        ),
    )
    return queue


def waiting(queue: sqs.Queue) -> cloudwatch.IMetric:
    """Return how many messages wait in `queue`, by the minute."""
    return queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(1), statistic="Maximum")
