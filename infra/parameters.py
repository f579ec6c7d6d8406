"""Settings that processes read while they run, in the Parameter Store."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.grants import allow


class Parameter:
    """A parameter known by its name, whichever stack makes it."""

    def __init__(self, *, stage: str, name: str) -> None:
        self.name = f"/callscribe/{stage}/{name}"

    def make(self, scope: Construct, construct_id: str, *, value: str, description: str) -> None:
        """Create the parameter in `scope`."""
        ssm.StringParameter(
            scope,
            construct_id,
            parameter_name=self.name,
            string_value=value,
            description=description,
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,  # beyond 4 KB only the advanced tier takes it
        )

    def allow_read(self, role: iam.Role) -> None:
        """Let `role` read the value."""
        name = self.name.removeprefix("/")
        arn = Stack.of(role).format_arn(service="ssm", resource="parameter", resource_name=name)
        allow(role, "ssm:GetParameter", on=arn)
