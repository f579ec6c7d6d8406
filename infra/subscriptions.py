"""The table Subscriptions: which connection watches which call."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct


class Subscriptions(Construct):
    """One item a connection and call; `pk` is the call, `sk` the connection, gone after `expires_at`.

    A table of its own, so that connections coming and going don't fill the stream that entries are pushed from.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=_string("pk"),
            sort_key=_string("sk"),
            billing=dynamodb.Billing.on_demand(),
            time_to_live_attribute="expires_at",
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name="by-connection",
                    partition_key=_string("connection_id"),
                    sort_key=_string("pk"),
                    projection_type=dynamodb.ProjectionType.KEYS_ONLY,
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
        """Let `grantee` add and remove subscriptions and find those of one connection."""
        self._allow(grantee, self._table.table_arn, "dynamodb:PutItem", "dynamodb:DeleteItem")
        self._allow(grantee, f"{self._table.table_arn}/index/by-connection", "dynamodb:Query")

    def allow_serve(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` find a call's subscribers and forget those whose connection is gone."""
        self._allow(grantee, self._table.table_arn, "dynamodb:Query", "dynamodb:DeleteItem")

    def _allow(self, grantee: iam.IGrantable, arn: str, *actions: str) -> None:
        iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[arn])


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
