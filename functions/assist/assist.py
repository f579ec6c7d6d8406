"""A hook is asked about what was just said, and has until its deadline to answer with a card.

What comes late, fails, or makes no sense is told and counted, and costs the call nothing: nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TypeAlias

import msgspec

from callscribe.after_call import Card
from callscribe.entries import CallEnded, timestamp
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.hooks import Hook, Hooks, Said, card
from callscribe.log import Log
from callscribe.webhook_signature import sign
from functions.ports import Perform

# Post to an address with headers, and invoke a function, each with a body and so many seconds for the whole answer.
# Raise Unavailable and Refused.
Post: TypeAlias = Callable[[str, dict[str, str], bytes, float], tuple[int, bytes]]
Invoke: TypeAlias = Callable[[str, bytes, float], bytes]

# Entries from the end of a log that are looked at: whether the call is over, and whether the card is there already.
RECENT = 50


class Outcome(StrEnum):
    """What came of asking, and what is counted."""

    CARD = "card"
    NOTHING = "nothing"  # it has nothing to say
    LATE = "late"
    FAILED = "failed"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"  # the settings name a hook that the tenant does not have
    OVER = "over"  # the call has ended meanwhile
    TOLD = "told"  # the same card was given before


@dataclass(frozen=True, slots=True)
class Assist:
    """The services that hooks are asked with."""

    calls_table: str
    hooks: Hooks
    perform: Perform
    post: Post
    invoke: Invoke

    def ask(self, said: Said, *, now: Callable[[], datetime]) -> tuple[Outcome, str]:
        """Ask a hook about what was said; return what came of it, and what is told of that.

        Raises Unavailable if a table is away.
        """
        hook = self.perform(self.hooks.find(said.tenant, said.hook))
        if hook is None:
            return Outcome.UNKNOWN, "the tenant has no hook of that name"
        left_s = (said.at_ms + hook.deadline_ms) / 1000 - now().timestamp()
        if left_s <= 0:
            return Outcome.LATE, "it was not asked, as its time was over"
        try:
            answer = self._answer(hook, said, left_s, now())
            given = card(said, answer)
        except (Unavailable, Refused) as error:
            is_late = now().timestamp() >= (said.at_ms + hook.deadline_ms) / 1000
            return (Outcome.LATE if is_late else Outcome.FAILED), str(error)
        except MalformedMessage as error:
            return Outcome.MALFORMED, str(error)
        if given is None:
            return Outcome.NOTHING, ""
        return self._write(given, said, timestamp(now())), ""

    def _answer(self, hook: Hook, said: Said, left_s: float, now: datetime) -> bytes:
        body = msgspec.json.encode(said)
        if hook.is_function:
            return self.invoke(hook.target, body, left_s)
        message_id = f"{said.call_id}.{said.id}.{said.at_ms}"
        headers = sign(message_id, body, [hook.secret], now_s=int(now.timestamp()))
        status, answer = self.post(hook.target, {**HEADERS, **headers}, body, left_s)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise Unavailable(f"answered {status}")
        return answer

    def _write(self, given: Card, said: Said, at: str) -> Outcome:
        log = Log(self.calls_table, said.call_id)
        tail = self.perform(log.tail())
        recent = self.perform(log.read(after=max(0, tail - RECENT)))
        if any(isinstance(entry.body, CallEnded) for entry in recent) or not recent or recent[-1].tenant != said.tenant:
            return Outcome.OVER
        if any(entry.body == given for entry in recent):  # of another partial, say
            return Outcome.TOLD
        token = f"card/{said.hook}/{said.id}/{said.at_ms}"
        self.perform(log.append(given, at=at, tenant=said.tenant, token=token, tail=recent[-1].seq))
        return Outcome.CARD


HEADERS = {"content-type": "application/json", "user-agent": "callscribe"}
