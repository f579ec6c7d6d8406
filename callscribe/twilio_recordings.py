"""Recordings of calls in Twilio's REST API: having a call recorded, what became of it, and where its audio is.

Source: Twilio, Voice API, "Recordings resource"; TwiML, "Recording status callbacks".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from msgspec import Struct

from callscribe.entries import timestamp
from callscribe.exchange import Exchange, HttpRequest
from callscribe.second_pass import RecordingEnded
from callscribe.twilio_rest import SERVICE, CallOver, TwilioRest, decode_answer, moment_of, refusal

# What Twilio calls the recordings that its REST API was asked for.
ASKED_FOR = "StartCallRecordingAPI"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as Twilio knows it."""

    sid: str
    status: str  # in-progress, paused, processing, completed, absent …
    channels: int
    duration_s: int
    started_at: datetime | None
    source: str

    @property
    def ended(self) -> RecordingEnded | None:
        """What the call's log says of it; None while that may change."""
        return recording_ended(self.sid, self.status, str(self.channels), str(self.duration_s), self.started_at)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings at `rest`; each method returns what to ask, and raises Unavailable where there is no API."""

    rest: TwilioRest

    def start(self, account: str, call_id: str, *, status_callback: str) -> Exchange[Recording | CallOver]:
        """Have a call in progress recorded, each party on a channel, from now on to its end."""
        form = {
            "RecordingChannels": "dual",
            "RecordingTrack": "both",
            "Trim": "do-not-trim",  # times would not be the call's any more
            "RecordingStatusCallback": status_callback,
            "RecordingStatusCallbackEvent": "completed absent",
        }
        return Exchange(SERVICE, self.rest.request("POST", account, _of_call(call_id), form), _recording)

    def of_call(self, account: str, call_id: str) -> Exchange[Sequence[Recording]]:
        """Ask for the recordings of a call, the newest first."""
        return Exchange(SERVICE, self.rest.request("GET", account, _of_call(call_id)), _recordings)

    def fetch(self, account: str, recording: str) -> Exchange[Recording | CallOver]:
        """Ask how a recording stands."""
        return Exchange(SERVICE, self.rest.request("GET", account, f"{_named(recording)}.json"), _recording)

    def audio(self, account: str, recording: str, *, channels: int) -> HttpRequest:
        """Return the request for the recording's WAV; of a mono one, two channels can't be had."""
        query = "?RequestedChannels=2" if channels == 2 else ""
        return self.rest.request("GET", account, f"{_named(recording)}.wav{query}")


def asked_for(recordings: Sequence[Recording]) -> Recording | None:
    """Return the one that was asked for over the REST API, the first if there are several."""
    return next((each for each in reversed(recordings) if each.source == ASKED_FOR), None)


def recording_ended(
    sid: str, status: str, channels: str, duration_s: str, started_at: datetime | None
) -> RecordingEnded | None:
    """Return what a log says of a recording that Twilio tells this of, in its own words; None while it may change."""
    match status:
        case "completed":
            return RecordingEnded(
                recording=sid,
                status="completed",
                channels=2 if channels == "2" else 1,
                duration_ms=1000 * int(duration_s) if _is_number(duration_s) else 0,
                started_at="" if started_at is None else timestamp(started_at),
            )
        case "absent" | "failed" | "deleted":
            return RecordingEnded(recording=sid, status="absent")
        case _:
            return None


def recording_token(ended: RecordingEnded) -> str:
    """Return what names the fact that a recording ended, whoever learns of it first."""
    return f"recording.ended/{ended.recording}"


def _of_call(call_id: str) -> str:
    return f"/Calls/{quote(call_id, safe='')}/Recordings.json"


def _named(recording: str) -> str:
    return f"/Recordings/{quote(recording, safe='')}"


class _Recording(Struct, frozen=True):
    sid: str
    status: str
    channels: int = 1
    duration: str | None = None  # a number in quotes; unknown until it is over
    start_time: str | None = None  # RFC 2822
    source: str = ""


class _Page(Struct, frozen=True):
    recordings: list[_Recording]


def _recording(status: int, body: bytes) -> Recording | CallOver:
    if (over := refusal(status, body)) is not None:
        return over
    return _read(decode_answer(body, _Recording))


def _recordings(status: int, body: bytes) -> Sequence[Recording]:
    if status == HTTPStatus.NOT_FOUND:
        return ()
    refusal(status, body)
    return tuple(_read(each) for each in decode_answer(body, _Page).recordings)


def _read(found: _Recording) -> Recording:
    duration = found.duration or ""
    return Recording(
        sid=found.sid,
        status=found.status,
        channels=found.channels,
        duration_s=int(duration) if _is_number(duration) else 0,
        started_at=moment_of(found.start_time),
        source=found.source,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
