"""The calls of one account that can be reached by REST while they are on, and what is known of them afterwards."""

from dataclasses import dataclass
from typing import Literal, Protocol

from local.twilio.problems import Problem
from local.twilio.recordings import Recording, Recordings
from local.twilio.twiml import StartStream

CallStatus = Literal["ringing", "in-progress", "completed"]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call as its resource shows it. Times are seconds since 1970."""

    sid: str
    from_number: str
    to_number: str
    direction: str
    status: CallStatus
    began_at_s: float
    ended_at_s: float | None
    duration_s: int | None  # None before the end


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A media stream as its resource shows it."""

    sid: str
    name: str | None
    status: Literal["in-progress", "stopped"]


class LiveCall(Protocol):
    """A call that is on."""

    def record(self) -> CallRecord:
        """Return the call as it is now."""
        ...

    def attach(self, verb: StartStream) -> StreamRecord | Problem:
        """Start another media stream, or tell why not; it opens in the background, with its callbacks."""
        ...

    def detach(self, name: str) -> StreamRecord | None:
        """Stop the media stream of that name or identifier; None if none goes on under it."""
        ...

    def record_from_now(self, recording: Recording) -> None:
        """Let `recording` hear the call from now on."""
        ...

    def hang_up(self) -> None:
        """End the call."""
        ...


class Switchboard:
    """Knows the calls that were placed through it."""

    def __init__(self) -> None:
        self._live: dict[str, LiveCall] = {}
        self._records: dict[str, CallRecord] = {}
        self.recordings = Recordings()

    def connect(self, call: LiveCall) -> None:
        """Let `call` be found while it is on."""
        self._live[call.record().sid] = call

    def disconnect(self, call: LiveCall) -> None:
        """Keep the record of `call`, which is over."""
        record = call.record()
        self._live.pop(record.sid, None)
        self._records[record.sid] = record

    def live(self, call_sid: str) -> LiveCall | None:
        """Return a call that is on."""
        return self._live.get(call_sid)

    def record(self, call_sid: str) -> CallRecord | None:
        """Return what is known of a call, on or over; None if it was never placed here."""
        call = self._live.get(call_sid)
        return self._records.get(call_sid) if call is None else call.record()
