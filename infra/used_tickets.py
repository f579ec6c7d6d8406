"""The table Tickets: which tickets have opened a connection."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import passing_table


class UsedTickets(Construct):
    """One item a ticket, gone after `expires_at`, when the ticket opens nothing any more."""

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = passing_table(self, key=key, until="expires_at", why="a ticket lasts two hours at most")

    @property
    def table_name(self) -> str:
        """The name that a process finds in TICKETS_TABLE."""
        return self._table.table_name

    def allow_use(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` note that a ticket was used, and learn whether it had been."""
        allow(grantee, "dynamodb:PutItem", on=self._table.table_arn)
