"""The table Calls: one log per call, and the stream of what is appended to it."""

from typing import cast

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import Index, kept_table


class CallLog(Construct):
    """Entries of calls, kept when the stack is deleted; `pk` is the call, `sk` the number or `HEAD`.

    The index `by-start` lists the calls of a tenant by their start; only heads have its partition key. The index
    `in-progress` holds the heads of calls that have not ended, by their start, whoever's they are.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = kept_table(
            self,
            key=key,
            has_stream=True,
            indexes=(
                Index("by-start", "list", "started_at"),
                Index("in-progress", "live", "started_at", attributes=()),
            ),
        )

    @property
    def table_name(self) -> str:
        """The name that a process finds in CALLS_TABLE."""
        return self._table.table_name

    @property
    def stream_arn(self) -> str:
        """The stream of all that is written, heads included."""
        return cast("str", self._table.table_stream_arn)  # None only for a table made without a stream

    def allow_append(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` put entries, read the tail to find the next number, and keep the head up to date.

        There is no right to delete: an entry never changes.
        """
        allow(grantee, "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", on=self._table.table_arn)

    def allow_supplement(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` read logs and put entries of kinds that change nothing in lists of calls."""
        allow(grantee, "dynamodb:PutItem", "dynamodb:Query", on=self._table.table_arn)

    def allow_read(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` read a call's entries in order."""
        allow(grantee, "dynamodb:Query", on=self._table.table_arn)

    def allow_list(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` list the calls of a tenant by their start."""
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/by-start")

    def allow_find_in_progress(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` list the calls of all tenants that have not ended, without what is known of them."""
        allow(grantee, "dynamodb:Query", on=f"{self._table.table_arn}/index/in-progress")

    def allow_follow(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` read the stream, and nothing of the table itself."""
        allow(
            grantee,
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            on=self.stream_arn,
        )
