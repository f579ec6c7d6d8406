"""Who calls the local AWS, and where it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# An emulator on loopback answers or is gone; waiting and retrying would only hide which.
CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1}, max_pool_connections=32)
SESSION_S = 12 * 3600  # the longest that AWS gives


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials of one principal at one endpoint. The secret parts stay out of its text form."""

    url: str
    account: str
    region: str
    key_id: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        """Return a text without secrets."""
        return f"Access(url={self.url!r}, key_id={self.key_id!r})"

    def client(self, service: str, *, url: str | None = None) -> Any:
        """Return a boto3 client of `service`, at `url` if it has an endpoint of its own."""
        # A session of its own: boto3's default one isn't safe to share between threads while clients are made.
        session = boto3.Session(
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
            region_name=self.region,
        )
        return session.client(service, endpoint_url=url or self.url, config=CONFIG)  # type: ignore[call-overload]

    def assume(self, role_arn: str, *, session_name: str) -> Access:
        """Return the access of the role, for twelve hours."""
        sts: STSClient = self.client("sts")
        answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=session_name, DurationSeconds=SESSION_S)
        given = answer["Credentials"]
        return replace(self, key_id=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"])

    def environment(self) -> dict[str, str]:
        """Return the variables by which an AWS SDK acts as this principal, at this endpoint."""
        variables = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }
        return variables | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})
