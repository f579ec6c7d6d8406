"""The metrics that a deployment's processes write themselves."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IConstruct


def namespace(scope: IConstruct) -> str:
    """Return the namespace of the deployment that `scope` is part of: its stage's own, so that no two are one."""
    product, stage, _ = Stack.of(scope).stack_name.split("-")  # callscribe-dev-api
    return f"{product}/{stage}"


def service_metric(namespace: str, service: str, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric by the minute; which process writes it, such as `bridge` or `push`, is its only dimension."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=Duration.minutes(1),
    )
