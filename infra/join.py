"""The function that joins the files of days that are over, and the clock that invokes it."""

from pathlib import Path

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.archive import Archive
from infra.function import Function


class Join(Construct):
    """Runs each hour: a day is joined when it has been over for a day, and again when a call of it has changed."""

    def __init__(self, scope: Construct, construct_id: str, *, code: Path, archive: Archive) -> None:
        super().__init__(scope, construct_id)
        self.function = function = Function(
            self,
            "Function",
            name="join",
            code=code,
            memory_mib=3008,  # DuckDB has half of it, and two cores
            timeout_s=900,  # Lambda's own limit; what is left over is done in the next hour
            disk_mib=4096,  # the files of a day of a tenant with some hundred thousand calls
            environment={"ARCHIVE_BUCKET": archive.name},
        )
        archive.allow_join(function.role)
        rule = events.Rule(
            self,
            "EachHour",
            schedule=events.Schedule.rate(Duration.hours(1)),
            # No second attempts: the next hour brings one.
            targets=[targets.LambdaFunction(function.resource, retry_attempts=0)],
        )
        function.resource.configure_async_invoke(retry_attempts=0)
        why = "nothing is lost with an hour's event: the next one finds the same days"
        Validations.of(rule).acknowledge(Acknowledgment(id="Serverless-EventBusDLQ", reason=why))
        Validations.of(function).acknowledge(Acknowledgment(id="Serverless-LambdaAsyncFailureDestination", reason=why))
