"""One Lambda function, with a role, a log and traces of its own."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Size, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bytecode import PYTHON
from infra.metrics import namespace
from infra.service_models import DATA_PATH


class Function(Construct):
    """The function `functions.<name>`, which may write its own log and traces and nothing else until told.

    Grant it more by handing its `role` to what it needs: `call_log.allow_append(function.role)`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        code: Path,
        environment: Mapping[str, str],
        memory_mib: int,
        timeout_s: int,
        disk_mib: int | None = None,
    ) -> None:
        """`disk_mib` is how much it may have below its temporary folder; Lambda's 512 MiB without it."""
        super().__init__(scope, construct_id)
        log = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )  # ids and counts only, so nothing is lost with it
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(self.role)
        self.resource = lambda_.Function(
            self,
            "Resource",
            code=lambda_.Code.from_asset(str(code)),
            handler=f"functions.{name}.handler.handler",
            runtime=lambda_.Runtime("python" + PYTHON, lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            role=self.role,
            log_group=log,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=memory_mib,
            timeout=Duration.seconds(timeout_s),
            ephemeral_storage_size=None if disk_mib is None else Size.mebibytes(disk_mib),
            environment={
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": namespace(self),
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "AWS_DATA_PATH": DATA_PATH,
                **environment,
            },
        )
        Validations.of(self).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="xray:PutTraceSegments and xray:PutTelemetryRecords know no resources",
            ),
            Acknowledgment(
                id="Serverless-LambdaDLQ",
                reason="for events that nobody waits for: APIs and the stream wait, and a schedule brings the next one",
            ),
        )
