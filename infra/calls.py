"""The function that answers products, and its ways in: with API keys, and with tokens if an issuer is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from constructs import Construct

from infra.archive import SECOND_PASSES
from infra.calls_api import CallsApi, Issuer
from infra.data_stack import DataStack
from infra.function import Function
from infra.parameters import Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may ask from elsewhere: pages of these `origins`, and holders of tokens of `issuer`.

    `tenant_claim` is the claim of a token that tells whose calls it is for.
    """

    origins: Sequence[str]
    issuer: Issuer | None
    tenant_claim: str


class Calls(Construct):
    """The HTTP API for products."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        data: DataStack,
        media_url: Parameter,
        push_url: str,
        voice_url: str,
        access: Access,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = function = Function(
            self,
            "Function",
            name="calls",
            code=code,
            memory_mib=1024,  # a transcript of three hours is some megabytes, and somebody waits for it
            timeout_s=29,  # API Gateway's own limit
            environment={
                "CALLS_TABLE": data.calls.table_name,
                "KEYS_TABLE": data.keys.table_name,
                "SETTINGS_PARAMETER": data.settings.name,
                "MEDIA_URL_PARAMETER": media_url.name,
                "TWILIO_SECRET": data.secrets.twilio.arn,
                "SIGNING_SECRET": data.secrets.signing.arn,
                "TWILIO_URL": "https://api.twilio.com",
                "ARCHIVE_BUCKET": data.archive.name,
                "SEARCH_WORKGROUP": data.archive_table.workgroup,
                "SEARCH_DATABASE": data.archive_table.database,
                "PUSH_URL": push_url,
                "PUBLIC_URL": voice_url,
                "TENANT_CLAIM": access.tenant_claim,
            },
        )
        data.calls.allow_append(function.role)  # it opens the logs of calls that came in elsewhere
        data.calls.allow_list(function.role)
        data.keys.allow_check(function.role)
        data.settings.allow_read(function.role)
        media_url.allow_read(function.role)
        data.secrets.twilio.allow_read(function.role)
        data.secrets.signing.allow_read(function.role)
        data.archive_table.allow_query(function.role)
        data.archive.allow_get(function.role, SECOND_PASSES)
        self.api = CallsApi(self, "Api", function=function, origins=access.origins)
        self.tokens_api = None
        if access.issuer is not None:
            self.tokens_api = CallsApi(
                self, "TokensApi", function=function, origins=access.origins, issuer=access.issuer
            )
