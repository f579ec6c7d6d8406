"""The function that puts what is appended to calls' logs on the event bus."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.call_log import CallLog
from infra.event_bus import EventBus
from infra.function import Function
from infra.stream_reader import StreamReader


class Publish(Construct):
    """A reader of the stream of Calls that tells whoever has a rule."""

    def __init__(self, scope: Construct, construct_id: str, *, code: Path, calls: CallLog, bus: EventBus) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self,
            "Function",
            name="publish",
            code=code,
            memory_mib=256,
            timeout_s=30,
            environment={"EVENT_BUS": bus.name},
        )
        bus.allow_put(self.function.role)
        # Nobody replays what never came to the bus, so it is tried for as long as the stream has it.
        reader = StreamReader(self, "Reader", function=self.function, calls=calls, max_record_age=Duration.hours(24))
        self.failures = reader.failures
