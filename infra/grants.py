"""Rights, one resource at a time."""

from aws_cdk import aws_iam as iam


def allow(grantee: iam.IGrantable, *actions: str, on: str) -> None:
    """Let `grantee` do `actions`, such as "dynamodb:Query", to the resource whose ARN is `on`."""
    iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[on])
