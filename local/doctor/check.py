"""A check, and what it is decided from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Outcome(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found and, unless it is right, what to do."""

    name: str
    outcome: Outcome
    found: str
    todo: str = ""


def ok(name: str, found: str) -> Check:
    """Return that it is right."""
    return Check(name, Outcome.OK, found)


def warning(name: str, found: str, todo: str) -> Check:
    """Return that calls may suffer from it, or that nobody can say."""
    return Check(name, Outcome.WARNING, found, todo)


def wrong(name: str, found: str, todo: str) -> Check:
    """Return that calls are lost by it."""
    return Check(name, Outcome.WRONG, found, todo)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request was answered; 101 is a WebSocket that opened."""

    status: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody answered; `why` is an error's name, as its text may hold the URL."""

    why: str


Reply: TypeAlias = Answer | NoAnswer


def told(reply: Reply) -> str:
    """Return what was answered, for people."""
    return f"answered {reply.status}" if isinstance(reply, Answer) else f"can't be reached ({reply.why})"
