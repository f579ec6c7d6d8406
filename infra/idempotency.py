"""The table Idempotency: which webhooks have been answered, and how."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import passing_table


class Idempotency(Construct):
    """Powertools' own layout (Idempotency, "Required resources"): `id`, and `expiration` in epoch seconds."""

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = passing_table(
            self, key=key, keys=["id"], until="expiration", why="an answer matters only while Twilio may ask again"
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in IDEMPOTENCY_TABLE."""
        return self._table.table_name

    def allow_remember(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` note that it began, what it answered, and forget what failed.

        Not read: a put that finds the note there is answered with it.
        """
        allow(
            grantee,
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            on=self._table.table_arn,
        )
