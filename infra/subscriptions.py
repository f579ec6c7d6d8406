"""The table Subscriptions: which connection watches which call."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import Index, passing_table


class Subscriptions(Construct):
    """One item a connection and call; `pk` is the call, `sk` the connection, gone after `expires_at`.

    A table of its own, so that connections coming and going don't fill the stream that entries are pushed from.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = passing_table(
            self,
            key=key,
            until="expires_at",
            why="connections live two hours at most; clients subscribe anew",
            indexes=[Index("by-connection", "connection_id", "pk", attributes=("missed_after",))],
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in SUBSCRIPTIONS_TABLE."""
        return self._table.table_name

    def allow_keep(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` add, change and remove subscriptions and find those of one connection."""
        allow(grantee, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", on=self._table.table_arn)
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/by-connection")

    def allow_find(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` find a call's subscribers."""
        allow(grantee, "dynamodb:Query", on=self._table.table_arn)

    def allow_forget(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` forget those whose connection is gone."""
        allow(grantee, "dynamodb:DeleteItem", on=self._table.table_arn)

    def allow_mark(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` take down who could not be served."""
        allow(grantee, "dynamodb:UpdateItem", on=self._table.table_arn)
