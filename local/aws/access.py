"""Who calls the local AWS, and where it is."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

# An emulator on loopback answers or is gone; waiting and retrying would only hide which.
CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"total_max_attempts": 1},
    max_pool_connections=32,
    proxies={},  # whatever the environment says
)
SESSION_S: Final = 12 * 3600  # the longest that AWS gives


def _session() -> boto3.Session:
    """Return a session that knows nothing of the user's profiles and files."""
    # Name in the configuration file, variables of the environment, default, conversion.
    nothing = (None, None, os.devnull, None)
    names = {"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing}
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=names))


# One for all, since each takes 0.15 s to find its feet; only one thread at a time may make a client with it.
_SESSION: Final = _session()
_LOCK: Final = threading.Lock()


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
        with _LOCK:
            return _SESSION.client(  # type: ignore[call-overload]
                service,
                endpoint_url=url or self.url,
                region_name=self.region,
                aws_access_key_id=self.key_id,
                aws_secret_access_key=self.secret,
                aws_session_token=self.token,
                config=CONFIG,
            )

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
