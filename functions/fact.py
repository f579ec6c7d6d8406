"""An entry that a log lacks."""

from __future__ import annotations

from dataclasses import dataclass

from callscribe.entries import Body


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry that is due. `token` names it, so that of two who write it one does."""

    body: Body
    token: str
