"""What is read of AWS, with the credentials of whoever asks; blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.log import Steps
from local.doctor.account import AwsFailed, Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True, slots=True)
class Cloud:
    """One account and region. Each method raises AwsFailed."""

    client: Callable[[str], Any]  # returns a boto3 client of a service

    def account(self) -> str:
        """Return the number of the account that the credentials are of."""
        with _told():
            sts: STSClient = self.client("sts")
            return sts.get_caller_identity()["Account"]

    def stack(self, name: str) -> Stack | None:
        """Return how a stack stands, None if there is none of that name."""
        try:
            with _told():
                formation: CloudFormationClient = self.client("cloudformation")
                (found,) = formation.describe_stacks(StackName=name)["Stacks"]
        except AwsFailed as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and "does not exist" in cause.response["Error"]["Message"]:
                return None
            raise
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        return Stack(found["StackStatus"], outputs)

    def bridge_environment(self, stack: str) -> dict[str, str]:
        """Return the environment of the only task definition in `stack`, empty if it has none."""
        with _told():
            formation: CloudFormationClient = self.client("cloudformation")
            pages = formation.get_paginator("list_stack_resources").paginate(StackName=stack)
            found = [
                each["PhysicalResourceId"]
                for page in pages
                for each in page["StackResourceSummaries"]
                if each["ResourceType"] == "AWS::ECS::TaskDefinition"
            ]
            if not found:
                return {}
            ecs: ECSClient = self.client("ecs")
            containers = ecs.describe_task_definition(taskDefinition=found[0])["taskDefinition"]["containerDefinitions"]
            return {each["name"]: each["value"] for each in containers[0]["environment"]}

    def secret(self, arn: str) -> str:
        """Return the text of a secret."""
        with _told():
            manager: SecretsManagerClient = self.client("secretsmanager")
            return manager.get_secret_value(SecretId=arn)["SecretString"]

    def parameter(self, name: str) -> str:
        """Return the text of an SSM parameter."""
        with _told():
            ssm: SSMClient = self.client("ssm")
            return ssm.get_parameter(Name=name)["Parameter"]["Value"]

    def perform(self, steps: Steps[Any]) -> Any:
        """Return what an operation on a table returns."""
        with _told():
            return perform(self.client("dynamodb"), steps)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise AwsFailed(error.response["Error"]["Code"]) from error
    except (BotoCoreError, Unavailable) as error:
        raise AwsFailed(type(error).__name__) from error
