"""What a deployment to the local AWS offers to those who use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.aws.access import Access
from local.aws.event_source_mapping import EventSourceMapping


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a function reads the stream of Calls, and the role that it does so, and tells of failures, with."""

    mapping: EventSourceMapping
    access: Access


@dataclass(frozen=True, slots=True)
class LocalStack:
    """The deployed app: addresses that work on this machine, names, and the roles of its processes.

    `root` may do everything. `outputs` are those of all stacks, by name. `functions` maps the folder of a function
    (`voice`) to its name in Lambda. `keys_table` is the table of API keys. `bridge` holds the environment of the
    bridge's task definition and `bridge_access` the credentials of its task role, for twelve hours. `mappings` are what
    the stream of Calls is to be brought to functions by, by their folders. `queues` are the ARNs of those that the
    local AWS itself brings messages of, by the folders of the functions that get them.
    """

    root: Access
    outputs: Mapping[str, str]
    functions: Mapping[str, str]
    keys_table: str
    bridge: Mapping[str, str]
    bridge_access: Access
    mappings: Mapping[str, Mapped]
    queues: Mapping[str, str]

    @property
    def voice_url(self) -> str:
        """Where Twilio asks what to do with a call."""
        return self.outputs["VoiceUrl"]

    @property
    def status_url(self) -> str:
        """Where Twilio tells how a call goes on."""
        return self.outputs["StatusUrl"]

    @property
    def push_url(self) -> str:
        """The WebSocket where clients follow calls."""
        return self.outputs["PushUrl"]

    @property
    def api_url(self) -> str:
        """The HTTP API for products."""
        return self.outputs["ApiUrl"]

    @property
    def calls_table(self) -> str:
        """The table of the calls' logs."""
        return self.bridge["CALLS_TABLE"]

    @property
    def subscriptions_table(self) -> str:
        """The table of who follows which call."""
        return self.bridge["SUBSCRIPTIONS_TABLE"]

    def bridge_environment(self, **replaced: str) -> dict[str, str]:
        """Return the bridge's whole environment beside PATH: its task's, its role's, and what is `replaced`."""
        return {**self.bridge, **self.bridge_access.environment(), **replaced}
