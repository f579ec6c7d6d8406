"""Whether a region has what a deployment needs, as far as botocore knows."""

from typing import Final

import botocore.session

# By what boto3 calls them, and what people do.
SERVICES: Final = {
    "apigateway": "API Gateway",
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "elbv2": "Elastic Load Balancing",
    "events": "EventBridge",
    "lambda": "Lambda",
    "secretsmanager": "Secrets Manager",
    "ssm": "the Parameter Store",
    "xray": "X-Ray",
}


def missing(region: str) -> list[str]:
    """Return what `region` lacks; nothing of a region that botocore does not know, as it may be a new one."""
    session = botocore.session.get_session()
    partition = next(
        (each for each in session.get_available_partitions() if region in session.get_available_regions("ec2", each)),
        None,
    )
    if partition is None:
        return []
    lacks = [name for service, name in SERVICES.items() if region not in _regions(session, service, partition)]
    # It belongs to no region, and is in this partition alone.
    return lacks if partition == "aws" else [*lacks, "CloudFront"]


def _regions(session: botocore.session.Session, service: str, partition: str) -> list[str]:
    regions: list[str] = session.get_available_regions(service, partition)
    return regions
