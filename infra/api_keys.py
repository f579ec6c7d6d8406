"""The table Keys: digests of the keys that the HTTP API is asked with."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.key import Key
from infra.table import Index, kept_table


class ApiKeys(Construct):
    """One item a key, kept when the stack is deleted; the index `by-tenant` lists a tenant's, oldest first."""

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._table = kept_table(self, key=key, indexes=[Index("by-tenant", "tenant", "created_at")])

    @property
    def table_name(self) -> str:
        """The name that a process finds in KEYS_TABLE."""
        return self._table.table_name

    def allow_check(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` look up one key at a time: not list them, not make or revoke any."""
        allow(grantee, "dynamodb:GetItem", on=self._table.table_arn)
