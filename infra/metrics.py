"""Where CloudWatch keeps the metrics of a deployment."""

from aws_cdk import Stack
from constructs import IConstruct


def namespace(scope: IConstruct) -> str:
    """Return the namespace of the deployment that `scope` is part of: its stage's own, so that no two are one."""
    product, stage, _ = Stack.of(scope).stack_name.split("-")  # callscribe-dev-api
    return f"{product}/{stage}"
