"""A function that is invoked again and again, by a clock of EventBridge's."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.function import Function


def invoke_each(scope: Construct, construct_id: str, interval: Duration, function: Function, *, finds: str) -> None:
    """Invoke `function` each `interval`, a minute at least, without a second attempt.

    `finds` says what the next invocation finds that one which fails has left.
    """
    rule = events.Rule(
        scope,
        construct_id,
        schedule=events.Schedule.rate(interval),
        targets=[targets.LambdaFunction(function.resource, retry_attempts=0)],
    )
    function.resource.configure_async_invoke(retry_attempts=0)
    why = f"nothing is lost with one event of a clock: the next one finds {finds}"
    Validations.of(rule).acknowledge(Acknowledgment(id="Serverless-EventBusDLQ", reason=why))
    Validations.of(function).acknowledge(Acknowledgment(id="Serverless-LambdaAsyncFailureDestination", reason=why))
