"""Where simulated senders are let in."""

from __future__ import annotations

from dataclasses import dataclass, field

SIMULATOR = "simulator"  # the laptop's own trunk, for simulated calls


@dataclass(frozen=True, slots=True)
class Door:
    """Where media comes in, and what opens it."""

    url: str  # of media sockets wss://HOST, of a recording server sip:HOST:PORT, of AudioSocket tcp://HOST:PORT
    trunk: str
    secret: str = field(repr=False)
