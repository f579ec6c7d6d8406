"""What all media streams of a process share."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp

from bridge.assistant import Assistant
from bridge.audience import Shares
from bridge.connections import Connections
from bridge.dynamodb import Dynamodb
from bridge.environment import Environment
from bridge.governor import Governor
from bridge.keys import KeyRing
from bridge.meter import Meter
from bridge.recall import Recall
from bridge.spill import Spill
from bridge.trace import Traces
from callscribe.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services, and this process's place among its like: `task` is its name in the table Sessions."""

    environment: Environment
    task: str
    dynamodb: Dynamodb
    connections: Connections
    http: aiohttp.ClientSession
    keys: KeyRing
    sessions: Sessions
    governor: Governor
    recall: Recall | None  # None: the carrier can't be asked for anything
    spill: Spill
    assistant: Assistant | None = None  # None: no hooks are asked
    meter: Meter = field(default_factory=Meter)
    shares: Shares = field(default_factory=Shares)
    traces: Traces = field(default_factory=lambda: Traces(None))
