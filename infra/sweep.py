"""The function that looks after the calls that no bridge attends to, and the clock that invokes it."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.call_log import CallLog
from infra.clock import invoke_each
from infra.function import Function
from infra.parameters import Parameter
from infra.secrets import Secrets
from infra.sessions import Sessions


class Sweep(Construct):
    """Runs each minute, which is as often as EventBridge does anything; a run is over before the next."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        calls: CallLog,
        sessions: Sessions,
        secrets: Secrets,
        media_url: Parameter,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = function = Function(
            self,
            "Function",
            name="sweep",
            code=code,
            memory_mib=512,  # the stored result of a call of hours is some ten megabytes
            timeout_s=50,
            environment={
                "CALLS_TABLE": calls.table_name,
                "SESSIONS_TABLE": sessions.table_name,
                "TWILIO_SECRET": secrets.twilio.arn,
                "GLADIA_SECRET": secrets.gladia.arn,
                "SIGNING_SECRET": secrets.signing.arn,
                "MEDIA_URL_PARAMETER": media_url.name,
                "TWILIO_URL": "https://api.twilio.com",
                "GLADIA_URL": "https://api.gladia.io",
            },
        )
        calls.allow_append(function.role)
        calls.allow_find_in_progress(function.role)
        sessions.allow_tidy(function.role)
        media_url.allow_read(function.role)
        for secret in (secrets.twilio, secrets.gladia, secrets.signing):
            secret.allow_read(function.role)
        invoke_each(self, "EachMinute", Duration.minutes(1), function, finds="the same calls")
