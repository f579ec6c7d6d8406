"""Deals the faults of a plan out to the sessions as they come, and keeps the list of what struck."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.gladia.faults import (
    Fault,
    HandshakeFault,
    HandshakeHangs,
    HandshakeRefused,
    OpeningFault,
    OpeningHangs,
    OpeningRefused,
    OpeningSlow,
    kind,
)
from local.gladia.plan import Faults

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that struck session `number`, from 1; `who` is its name to chance. No id: not yet opened."""

    number: int
    who: str
    session_id: str | None
    fault: Fault


class Victim:
    """One session, from its first POST on, and the faults that it is to meet."""

    def __init__(self, number: int, who: str, faults: tuple[Fault, ...], injected: list[Injected]) -> None:
        self.session_id: str | None = None
        """Set once it is opened."""
        self.faults = faults
        self._number = number
        self._who = who
        self._injected = injected
        self._openings = 0
        self._handshakes = 0

    def opening(self) -> OpeningFault | None:
        """Return what happens to its next POST."""
        self._openings += 1
        for fault in self.faults:
            if isinstance(fault, OpeningRefused | OpeningHangs | OpeningSlow) and fault.strikes(self._openings):
                self.struck(fault)
                return fault
        return None

    def handshake(self) -> HandshakeFault | None:
        """Return what happens to its next handshake."""
        self._handshakes += 1
        for fault in self.faults:
            if isinstance(fault, HandshakeRefused | HandshakeHangs) and fault.strikes(self._handshakes):
                self.struck(fault)
                return fault
        return None

    def struck(self, fault: Fault) -> None:
        """Take down that `fault` struck."""
        self._injected.append(Injected(self._number, self._who, self.session_id, fault))
        logger.info("fault injected", extra={"session_id": self.session_id, "fault": kind(fault)})


class Injector:
    """One server's plan, and how far it is carried out."""

    def __init__(self, plan: Faults) -> None:
        self.injected: list[Injected] = []
        self._plan = plan
        self._count = 0
        self._seen: Counter[str] = Counter()
        self._waiting: dict[str, list[Victim]] = {}

    def opening(self, metadata: Mapping[str, Any]) -> tuple[Victim, OpeningFault | None]:
        """Return whose POST this is, by its metadata, and what happens to it.

        One whose POST came to nothing is expected again, and met again with what is left of its faults.
        """
        victim = self._next(metadata)
        fault = victim.opening()
        if isinstance(fault, OpeningRefused | OpeningHangs):
            self.put_back(victim, metadata)
        return victim, fault

    def put_back(self, victim: Victim, metadata: Mapping[str, Any]) -> None:
        """Expect another POST for `victim`, whose session was not opened."""
        self._waiting.setdefault(self._identity(metadata), []).append(victim)

    def _next(self, metadata: Mapping[str, Any]) -> Victim:
        identity = self._identity(metadata)
        if waiting := self._waiting.get(identity):
            return waiting.pop(0)
        self._count += 1
        self._seen[identity] += 1
        who = f"{identity}/{self._seen[identity]}" if identity else str(self._count)
        return Victim(self._count, who, self._plan.of(self._count, who, metadata), self.injected)

    def _identity(self, metadata: Mapping[str, Any]) -> str:
        return str(metadata.get(self._plan.identity, ""))
