"""What a CRM wants to know of a call, read from its log once `transcript.ready` is in it."""

from __future__ import annotations

from dataclasses import dataclass

from callscribe.after_call import Entities, Summary
from callscribe.client import Callscribe


@dataclass(frozen=True, slots=True)
class Report:
    """One call: `number` is the other side's, and `text` what is to stand in the activity."""

    call_id: str
    is_inbound: bool
    from_number: str
    to_number: str
    began_at: str  # such as 2026-11-22T09:15:02.417Z
    duration_ms: int
    text: str

    @property
    def number(self) -> str:
        """The customer's number, in E.164."""
        return self.from_number if self.is_inbound else self.to_number


async def report(callscribe: Callscribe, call_id: str, *, page_url: str) -> Report:
    """Return the report of a call; `page_url` is where people look at calls, the output `PageUrl`."""
    call = await callscribe.call(call_id)
    summaries: list[str] = []
    found: dict[tuple[str, str], None] = {}
    async for entry in callscribe.log(call_id):
        match entry.body:
            case Summary(text=text):
                summaries.append(text)
            case Entities(entities=entities):
                found |= dict.fromkeys((each.type, each.text) for each in entities)
    lines = [
        *(summaries or ["(no summary)"]),
        *(f"{kind.replace('_', ' ').lower()}: {text}" for kind, text in found),
        f"{page_url}#call={call_id}",
    ]
    return Report(
        call_id=call_id,
        is_inbound=call.direction == "inbound",
        from_number=call.from_number,
        to_number=call.to_number,
        began_at=call.started_at,
        duration_ms=call.duration_ms or 0,
        text="\n".join(lines),
    )
