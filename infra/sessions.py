"""The table Sessions: which task has which Gladia session, and who holds the plan's slots."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import Index, passing_table


class Sessions(Construct):
    """Live sessions by call, tasks and slots, gone after `expires_at`.

    The index `by-owner` lists the sessions of a task; only they have its partition key. It holds them whole, so that
    what a dead task left is read at once.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = passing_table(
            self,
            key=key,
            until="expires_at",
            why="a session is worth nothing once its call is over",
            indexes=[Index("by-owner", "owner", "pk")],
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
