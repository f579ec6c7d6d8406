"""The function that brings a call that is over to its end, and the events that it hears of calls by."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.archive import ENTRIES, STALE, Archive
from infra.bus_reader import BusReader
from infra.call_log import CallLog
from infra.event_bus import EventBus
from infra.function import Function
from infra.secrets import Secrets

# Each may be the last that a log needs to be final, or change what has been made of it.
KINDS = ("call.ended", "call.failed", "leg.ended", "batch.wanted", "batch.ready", "batch.failed")


class Finish(Construct):
    """Reads the bus; a call for which Gladia has no result yet comes again each minute, for a quarter of an hour."""

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
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self,
            "Function",
            name="finish",
            code=code,
            memory_mib=1024,  # for its CPU: a call of three hours takes seconds of a core (docs/performance.md)
            timeout_s=50,
            environment={
                "CALLS_TABLE": calls.table_name,
                "ARCHIVE_BUCKET": archive.name,
                "GLADIA_SECRET": secrets.gladia.arn,
                "GLADIA_URL": "https://api.gladia.io",
            },
        )
        calls.allow_supplement(self.function.role)
        archive.allow_put(self.function.role, ENTRIES)
        archive.allow_put(self.function.role, STALE)
        secrets.gladia.allow_read(self.function.role)
        reader = BusReader(
            self,
            "Reader",
            function=self.function,
            bus=bus,
            kinds=KINDS,
            again_after=Duration.minutes(1),
            times=30,  # Gladia's quarter of an hour, and as long for what is not Gladia's
        )
        self.failures = reader.failures
