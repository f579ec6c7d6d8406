"""The table Tickets: which tickets have opened a connection."""

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.attributes import text
from infra.grants import allow


class UsedTickets(Construct):
    """One item a ticket, gone after `expires_at`, when the ticket opens nothing any more."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=text("pk"),
            sort_key=text("sk"),
            billing=dynamodb.Billing.on_demand(),
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        Validations.of(self._table).acknowledge(
            Acknowledgment(id="AwsSolutions-DDB3", reason="a ticket lasts two hours at most")
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in TICKETS_TABLE."""
        return self._table.table_name

    def allow_use(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` note that a ticket was used, and learn whether it had been."""
        allow(grantee, "dynamodb:PutItem", on=self._table.table_arn)
