"""The table Sessions: which task has which Gladia session, and who holds the plan's slots."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.attributes import text
from infra.grants import allow


class Sessions(Construct):
    """Live sessions by call, tasks and slots, gone after `expires_at`.

    The index `by-owner` lists the sessions of a task; only they have its partition key. It holds them whole, so that
    what a dead task left is read at once.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=text("pk"),
            sort_key=text("sk"),
            billing=dynamodb.Billing.on_demand(),
            time_to_live_attribute="expires_at",
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="by-owner", partition_key=text("owner"), sort_key=text("pk")
                )
            ],
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self._table).acknowledge(
            Acknowledgment(id="AwsSolutions-DDB3", reason="a session is worth nothing once its call is over")
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in SESSIONS_TABLE."""
        return self._table.table_name

    def allow_keep(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` keep, hand over, find and forget sessions, tasks and slots."""
        allow(
            grantee,
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            on=self._table.table_arn,
        )
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/by-owner")

    def allow_tidy(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` find what dead tasks left, note that it asked the carrier, and forget sessions and tasks."""
        allow(grantee, "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:UpdateItem", on=self._table.table_arn)
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/by-owner")
