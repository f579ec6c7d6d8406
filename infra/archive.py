"""The bucket of what is kept of calls beyond their log: a file a call, second passes, and what queries leave behind."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.grants import allow
from infra.key import Key

ENTRIES: Final = "entries"  # a file a call
SECOND_PASSES: Final = "batch"
JOINED: Final = "joined"  # a file a tenant's day that is over
STATE: Final = "state"  # through which day all are joined
STALE: Final = "stale"  # which of these were written anew
ANSWERS: Final = "athena"  # of queries


class Archive(Construct):
    """A bucket that outlives its stack and answers over TLS only, to nobody but the roles that are allowed to.

    What is replaced or deleted in it is there for another month. Encrypted with `key`, or with one of S3's own.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            bucket_key_enabled=key is not None or None,
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=None if key is None else key.resource,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=Duration.days(30),
                    expired_object_delete_marker=True,
                ),
                # Answers of queries have been read when the query is over.
                s3.LifecycleRule(prefix=f"{ANSWERS}/", expiration=Duration.days(1)),
            ],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            versioned=True,
        )
        Validations.of(self._bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="access logs would be a bucket more; CloudTrail's data events tell who read what, where wanted",
            )
        )
        CfnOutput(
            scope, "ArchiveBucket", value=self.name, description="A file a call, and second passes (docs/archive.md)"
        )

    @property
    def name(self) -> str:
        """The name that a process finds in ARCHIVE_BUCKET."""
        return self._bucket.bucket_name

    def allow_put(self, role: iam.Role, prefix: str) -> None:
        """Let `role` write and replace files whose keys begin with `prefix`, such as `entries`."""
        role.add_managed_policy(self._policy(f"Put{prefix.title()}", ["s3:PutObject"], prefix))

    def allow_get(self, role: iam.Role, prefix: str) -> None:
        """Let `role` read files whose keys begin with `prefix`, one at a time."""
        role.add_managed_policy(self._policy(f"Get{prefix.title()}", ["s3:GetObject"], prefix))

    def allow_query(self, role: iam.Role) -> None:
        """Let `role` read the calls' files, and keep and read answers of queries."""
        # Athena lists a partition's files, and looks where the bucket is.
        allow(role, "s3:GetBucketLocation", "s3:ListBucket", on=self._bucket.bucket_arn)
        for prefix in (ENTRIES, JOINED, STATE):
            role.add_managed_policy(self._policy(f"Query{prefix.title()}", ["s3:GetObject"], prefix))
        role.add_managed_policy(self._policy("Answers", ["s3:GetObject", "s3:PutObject"], ANSWERS))

    def allow_join(self, role: iam.Role) -> None:
        """Let `role` read the calls' files, keep days of them as one, and know and tell which those are."""
        allow(role, "s3:ListBucket", "s3:ListBucketVersions", on=self._bucket.bucket_arn)
        for name, action, prefix in (
            ("JoinEntries", "s3:GetObject", ENTRIES),
            ("JoinJoined", "s3:PutObject", JOINED),
            ("JoinKnows", "s3:GetObject", STATE),
            ("JoinTells", "s3:PutObject", STATE),
            ("JoinStale", "s3:DeleteObjectVersion", STALE),
        ):
            role.add_managed_policy(self._policy(name, [action], prefix))

    def _policy(self, name: str, actions: list[str], prefix: str) -> iam.ManagedPolicy:
        """Return the policy for files of a prefix, in the bucket's own stack.

        There its wildcard can be told from others.
        """
        files = f"{self._bucket.bucket_arn}/{prefix}/*"
        policy = iam.ManagedPolicy(self, name, statements=[iam.PolicyStatement(actions=actions, resources=[files])])
        bucket = Stack.of(self).get_logical_id(cast("s3.CfnBucket", self._bucket.node.default_child))
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{prefix}/*]",
                reason="calls and queries get their ids while it runs, and files are named by them",
            )
        )
        return policy
