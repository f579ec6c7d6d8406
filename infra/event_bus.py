"""The bus that entries of calls' logs are put on: ours and a customer's rules hang off it."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow

SOURCE = (
    "callscribe"  # what events say where they are from; `callscribe.bus` has it too, and a test holds them together
)


class EventBus(Construct):
    """A bus of the stage's own, so that rules on the account's default bus see nothing of calls."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: str) -> None:
        super().__init__(scope, construct_id)
        self._bus = events.EventBus(
            self,
            "Resource",
            event_bus_name=f"callscribe-{stage}",
            description=f"{Stack.of(self).stack_name}: what happens in calls (docs/events.md)",
        )

    @property
    def name(self) -> str:
        """The name that a process finds in EVENT_BUS."""
        return self._bus.event_bus_name

    def allow_put(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` put events on the bus."""
        allow(grantee, "events:PutEvents", on=self._bus.event_bus_arn)

    def route(self, scope: Construct, construct_id: str, *, kinds: Sequence[str], target: events.IRuleTarget) -> None:
        """Bring entries of `kinds`, such as `call.ended`, to `target`."""
        events.Rule(
            scope,
            construct_id,
            event_bus=self._bus,
            event_pattern=events.EventPattern(source=[SOURCE], detail_type=list(kinds)),
            targets=[target],
        )
