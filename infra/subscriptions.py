"""The table Subscriptions: which connection watches which call."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.attributes import text
from infra.grants import allow


class Subscriptions(Construct):
    """One item a connection and call; `pk` is the call, `sk` the connection, gone after `expires_at`.

    A table of its own, so that connections coming and going don't fill the stream that entries are pushed from.
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
                    index_name="by-connection",
                    partition_key=text("connection_id"),
                    sort_key=text("pk"),
                    projection_type=dynamodb.ProjectionType.INCLUDE,
                    non_key_attributes=["missed_after"],
                )
            ],
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self._table).acknowledge(
            Acknowledgment(id="AwsSolutions-DDB3", reason="connections live two hours at most; clients subscribe anew")
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in SUBSCRIPTIONS_TABLE."""
        return self._table.table_name

    def allow_keep(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` add, change and remove subscriptions and find those of one connection."""
        allow(grantee, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", on=self._table.table_arn)
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/by-connection")

    def allow_serve(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` find a call's subscribers and forget those whose connection is gone."""
        allow(grantee, "dynamodb:Query", "dynamodb:DeleteItem", on=self._table.table_arn)

    def allow_mark(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` take down who could not be served."""
        allow(grantee, "dynamodb:UpdateItem", on=self._table.table_arn)
