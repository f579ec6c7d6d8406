"""The table Webhooks: where tenants want to be told of calls, what each endpoint was told, and their hooks."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import Index, kept_table


class Webhooks(Construct):
    """Endpoints and hooks, and deliveries, which are gone after `expires_at`; kept when the stack is deleted.

    The index `due` lists deliveries that wait, by when somebody has to look at them; only they have its keys.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = kept_table(self, key=key, indexes=[Index("due", "due", "due_at")], until="expires_at")

    @property
    def table_name(self) -> str:
        """The name that a process finds in WEBHOOKS_TABLE."""
        return self._table.table_name

    def allow_find(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` look up one endpoint or hook at a time."""
        allow(grantee, "dynamodb:GetItem", on=self._table.table_arn)

    def allow_deliver(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` read endpoints and disable them, and note deliveries and find those that are due.

        Not forget any: an endpoint is removed by people.
        """
        allow(
            grantee,
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            on=self._table.table_arn,
        )
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/due")
