"""What somebody is called for: each alarm means something to do, told under its name in docs/operate.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.function import Function
from infra.metrics import service_metric

Statistic = Literal["Sum", "Maximum", "Minimum", "Average"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """`metric` is beyond `beyond` in `minutes` minutes one after another.

    `missing` says what a minute without a number means: nothing happened, or nobody is there to tell.
    """

    name: str
    says: str
    metric: cloudwatch.IMetric
    beyond: float
    minutes: int = 1
    is_low: bool = False  # beyond is below
    missing: Literal["well", "bad"] = "well"

    @property
    def comparison(self) -> cloudwatch.ComparisonOperator:
        """How CloudWatch calls it."""
        operators = cloudwatch.ComparisonOperator
        return operators.LESS_THAN_THRESHOLD if self.is_low else operators.GREATER_THAN_THRESHOLD

    @property
    def treatment(self) -> cloudwatch.TreatMissingData:
        """What CloudWatch makes of a minute without a number."""
        treatments = cloudwatch.TreatMissingData
        return treatments.BREACHING if self.missing == "bad" else treatments.NOT_BREACHING


# What the bridge says of itself (docs/metrics.md): name, what it says, metric, statistic, beyond, minutes.
_OF_THE_BRIDGE: Final[tuple[tuple[str, str, str, Statistic, float, int], ...]] = (
    ("entries-lost", "a call's log lacks entries for ever", "entries_lost", "Sum", 0, 1),
    ("entries-refused", "DynamoDB will never take some entries", "entries_refused", "Sum", 0, 1),
    ("log-behind", "entries wait to be written to DynamoDB", "entries_waiting", "Maximum", 100, 5),
    ("gladia-deaf", "Gladia takes no audio", "unacknowledged_max_s", "Maximum", 10, 3),
    ("transcripts-failing", "media streams fail at Gladia", "sessions_failed", "Sum", 2, 2),
    ("legs-incomplete", "Gladia did not take all that was heard", "legs_incomplete", "Sum", 0, 1),
    ("no-slot", "calls went on without live words, as Gladia's plan was used up", "slots_refused", "Sum", 0, 1),
    ("words-late", "finals come seconds after they were said", "final_p99_s", "Maximum", 8, 10),
    ("tasks-late", "tasks have more to do than a core can", "late_p99_s", "Maximum", 0.25, 3),
)


def of_the_bridge(namespace: str) -> Iterator[Alarm]:
    """Yield the alarms on what the bridge says of itself."""
    for name, says, metric, statistic, beyond, minutes in _OF_THE_BRIDGE:
        yield Alarm(
            name=name,
            says=says,
            metric=service_metric(namespace, "bridge", metric, statistic),
            beyond=beyond,
            minutes=minutes,
        )


def of_its_tasks(namespace: str, *, calls_per_task: int) -> Iterator[Alarm]:
    """Yield the alarms on how many tasks there are, for a stage that does not sleep."""
    live = service_metric(namespace, "bridge", "live", "Average")
    yield Alarm(
        name="no-task", says="no task of the bridge tells anything", metric=live, beyond=0, is_low=True, minutes=5,
        missing="bad",
    )  # fmt: skip
    yield Alarm(
        name="tasks-full", says="calls come faster than tasks", metric=live, beyond=1.75 * calls_per_task, minutes=5
    )


def of_a_function(name: str, function: Function) -> Iterator[Alarm]:
    """Yield the alarms that every function has."""
    resource, minute = function.resource, Duration.minutes(1)
    yield Alarm(
        name=f"{name}-failing",
        says=f"the function {name} fails",
        metric=resource.metric_errors(period=minute, statistic="Sum"),
        beyond=0,
        minutes=3,
    )
    yield Alarm(
        name=f"{name}-throttled",
        says=f"Lambda does not start the function {name}",
        metric=resource.metric_throttles(period=minute, statistic="Sum"),
        beyond=0,
        minutes=3,
    )


def of_the_way_to_clients(namespace: str, push: Function, failures: cloudwatch.IMetric) -> Iterator[Alarm]:
    """Yield the alarms on what is written and does not reach those who follow."""
    yield Alarm(
        name="push-behind",
        says="entries reach clients late",
        metric=service_metric(namespace, "push", "EntryAge", "Maximum"),
        beyond=5000,
        minutes=5,
    )
    yield Alarm(
        name="push-stuck",
        says="Lambda does not come through the stream of Calls",
        metric=push.resource.metric("IteratorAge", period=Duration.minutes(1), statistic="Maximum"),
        beyond=30_000,
        minutes=3,
    )
    yield Alarm(name="push-gave-up", says="entries were pushed to nobody", metric=failures, beyond=0)


def of_the_bus(publish: Function, failures: cloudwatch.IMetric) -> Iterator[Alarm]:
    """Yield the alarms on what is written and does not reach the event bus."""
    yield Alarm(
        name="publish-stuck",
        says="entries reach the event bus late",
        metric=publish.resource.metric("IteratorAge", period=Duration.minutes(1), statistic="Maximum"),
        beyond=60_000,
        minutes=5,
    )
    yield Alarm(name="publish-gave-up", says="entries never came to the event bus", metric=failures, beyond=0)


def of_a_queue(name: str, says: str, failures: cloudwatch.IMetric) -> Alarm:
    """Return the alarm on events that the function `name` gave up."""
    return Alarm(name=f"{name}-gave-up", says=says, metric=failures, beyond=0)


def of_deliveries(namespace: str) -> Alarm:
    """Return the alarm on endpoints of customers that take nothing."""
    metric = service_metric(namespace, "deliver", "WebhooksGivenUp", "Sum")
    return Alarm(name="webhooks-given-up", says="a customer's endpoint did not take a webhook", metric=metric, beyond=0)


def of_the_webhooks(voice: Function, sweep: Function) -> Iterator[Alarm]:
    """Yield the alarms on what Twilio waits for, and on what nobody waits for."""
    yield Alarm(
        name="voice-slow",
        says="callers wait for Twilio, and Twilio for us",
        metric=voice.resource.metric_duration(period=Duration.minutes(1), statistic="Maximum"),
        beyond=8000,
        minutes=2,
    )
    yield Alarm(
        name="sweep-absent",
        says="nobody looks after calls that ended unseen",
        metric=sweep.resource.metric_invocations(period=Duration.minutes(1), statistic="Sum"),
        beyond=1,
        is_low=True,
        minutes=5,
        missing="bad",
    )
