"""The function that makes second passes over recordings, the events that call it, and Gladia's way to it."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.archive import SECOND_PASSES, Archive
from infra.bus_reader import BusReader
from infra.call_log import CallLog
from infra.event_bus import EventBus
from infra.function import Function
from infra.secrets import Secrets
from infra.voice_api import VoiceApi

# The first that tells that somebody is on the line has the call recorded; what is ready may have to be mended.
KINDS = ("leg.started", "session.waiting", "batch.wanted", "transcript.ready")
CALLBACK = "/gladia/batch/{ticket}"


class Batch(Construct):
    """Reads the bus; what waits for Twilio or Gladia comes again when the function says so, for two hours."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        calls: CallLog,
        secrets: Secrets,
        archive: Archive,
        bus: EventBus,
        voice_api: VoiceApi,
    ) -> None:
        super().__init__(scope, construct_id)
        timeout_s = 900  # what carrying a gigabyte may take, and Lambda's own limit
        self.function = Function(
            self,
            "Function",
            name="batch",
            code=code,
            memory_mib=1024,  # for its CPU: it carries recordings over TLS, and compares calls of hours
            timeout_s=timeout_s,
            environment={
                "CALLS_TABLE": calls.table_name,
                "ARCHIVE_BUCKET": archive.name,
                "GLADIA_SECRET": secrets.gladia.arn,
                "TWILIO_SECRET": secrets.twilio.arn,
                "SIGNING_SECRET": secrets.signing.arn,
                "GLADIA_URL": "https://api.gladia.io",
                "TWILIO_URL": "https://api.twilio.com",
                "PUBLIC_URL": voice_api.url,
            },
        )
        calls.allow_append(self.function.role)
        archive.allow_put(self.function.role, SECOND_PASSES)
        for secret in (secrets.gladia, secrets.twilio, secrets.signing):
            secret.allow_read(self.function.role)
        reader = BusReader(
            self,
            "Reader",
            function=self.function,
            bus=bus,
            kinds=KINDS,
            # After a run that died; a run that waits says itself when (functions/batch/handler.py).
            again_after=Duration.seconds(timeout_s + 60),
            times=60,
        )
        reader.allow_postpone(self.function.role)
        reader.allow_send(self.function.role)
        self.function.resource.add_environment("BATCH_QUEUE", reader.queue_url)
        self.failures = reader.failures
        voice_api.route(
            "Gladia", self.function, CALLBACK, because="the ticket in the path is signed; the function checks"
        )
