"""The function that tells customers' endpoints of calls, the events that it hears of them by, and its clock."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.bus_reader import BusReader
from infra.call_log import CallLog
from infra.clock import invoke_each
from infra.event_bus import EventBus
from infra.function import Function
from infra.webhooks import Webhooks

# What an endpoint may ask to be told of; `callscribe.webhooks` has it too, and a test holds them together.
KINDS = (
    "call.started", "call.ended", "call.failed", "summary", "chapters", "analytics", "transcript.ready",
    "batch.ready", "batch.failed",
)  # fmt: skip
# Posts at once. An endpoint that answers slowly takes fifteen seconds of one each time, and the account has a
# thousand for all functions, among them those that callers wait for.
AT_ONCE = 100


class Deliver(Construct):
    """Reads the bus and what it puts into its own queue; each minute it takes up what is due to be tried again."""

    def __init__(
        self, scope: Construct, construct_id: str, *, code: Path, calls: CallLog, webhooks: Webhooks, bus: EventBus
    ) -> None:
        super().__init__(scope, construct_id)
        timeout_s = 50  # an endpoint has 15; taking up the 500 that may be due in a minute takes as long
        self.function = function = Function(
            self,
            "Function",
            name="deliver",
            code=code,
            memory_mib=512,
            timeout_s=timeout_s,
            environment={
                "CALLS_TABLE": calls.table_name,
                "WEBHOOKS_TABLE": webhooks.table_name,
                "WEBHOOK_TARGETS": "public",
            },
        )
        calls.allow_read(function.role)
        webhooks.allow_deliver(function.role)
        reader = BusReader(
            self,
            "Reader",
            function=function,
            bus=bus,
            kinds=KINDS,
            again_after=Duration.seconds(timeout_s + 10),
            times=30,  # of DynamoDB's or SQS's failures: an endpoint's own are told in the table
            at_once=AT_ONCE,
        )
        reader.allow_send(function.role)
        function.resource.add_environment("DELIVER_QUEUE", reader.queue_url)
        self.failures = reader.failures
        invoke_each(self, "EachMinute", Duration.minutes(1), function, finds="the same deliveries")
