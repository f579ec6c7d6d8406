"""The table Keys: digests of the keys that the HTTP API is asked with."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.attributes import text
from infra.grants import allow


class ApiKeys(Construct):
    """One item a key, kept when the stack is deleted; the index `by-tenant` lists a tenant's, oldest first."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=text("pk"),
            sort_key=text("sk"),
            billing=dynamodb.Billing.on_demand(),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="by-tenant", partition_key=text("tenant"), sort_key=text("created_at")
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in KEYS_TABLE."""
        return self._table.table_name

    def allow_check(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` look up one key at a time: not list them, not make or revoke any."""
        allow(grantee, "dynamodb:GetItem", on=self._table.table_arn)
