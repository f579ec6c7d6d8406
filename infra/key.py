"""The key that a deployment's data is encrypted with, where AWS's own keys won't do."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct


class Key(Construct):
    """A customer-managed key, kept when the stack is deleted: what it encrypts is kept as well.

    Whoever may use a table, read a secret or a file of the archive may use the key through DynamoDB, Secrets Manager
    or S3, and in no other way; so roles need no rights of their own to it.

    Source: AWS KMS, "How Amazon DynamoDB uses AWS KMS" and "How AWS Secrets Manager uses AWS KMS"; Amazon S3,
    "Using server-side encryption with AWS KMS keys".
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.resource = kms.Key(
            self,
            "Resource",
            description=f"{Stack.of(self).stack_name}: tables, archive and secrets",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        stack = Stack.of(self)
        services = [f"{name}.{stack.region}.amazonaws.com" for name in ("dynamodb", "s3", "secretsmanager")]
        self.resource.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=[
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncryptFrom",
                    "kms:ReEncryptTo",
                    "kms:GenerateDataKey",
                    "kms:GenerateDataKeyWithoutPlaintext",
                    "kms:CreateGrant",
                    "kms:DescribeKey",
                ],
                resources=["*"],  # this key: its own policy knows no other
                conditions={
                    "StringEquals": {"kms:CallerAccount": stack.account, "kms:ViaService": services},
                },
            )
        )
