"""Whom a program calls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A trunk of the recording server on this machine, and what the call is to be named."""

    port: int
    trunk: str
    call: str
