"""Twilio's REST API: what is asked about a live call, and what the answers mean.

Source: Twilio, Voice API, "Call resource", "Stream subresource"; Twilio API, "Requests to Twilio", "Errors".
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.exchange import Exchange, HttpRequest, raise_if_temporary

VERSION = "2010-04-01"
SERVICE = "twilio"
CALL_IS_NOT_IN_PROGRESS = 21220

OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

Track = Literal["inbound_track", "outbound_track", "both_tracks"]

_Shape = TypeVar("_Shape", bound=Struct)


def carrying(tracks: Iterable[str]) -> Track:
    """Return what a media stream has to be asked for to carry `tracks` (inbound, outbound)."""
    match sorted(set(tracks)):
        case ["inbound"]:
            return "inbound_track"
        case ["outbound"]:
            return "outbound_track"
        case _:
            return "both_tracks"


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """A media stream was attached to the call; its socket opens at about this time."""

    sid: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """A media stream is over, by us or by itself."""


@dataclass(frozen=True, slots=True)
class CallState:
    """A call as Twilio knows it."""

    status: str  # queued, initiated, ringing, in-progress, or one of OVER
    duration_s: int | None = None  # known when it is over
    ended_at: datetime | None = None  # in whole seconds
    direction: str = ""  # inbound, outbound-api, outbound-dial
    from_number: str = ""
    to_number: str = ""

    @property
    def in_progress(self) -> bool:
        """Whether somebody is on the line, so that a media stream can be attached."""
        return self.status == "in-progress"

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self.status in OVER


@dataclass(frozen=True, slots=True)
class CallOver:
    """Nothing can be asked of this call: Twilio doesn't know it, or it isn't in progress (`known`)."""

    known: bool


@dataclass(frozen=True, slots=True)
class TwilioRest:
    """The API at `base_url`, without a slash at its end; an empty one means that there is none.

    Each method returns what to ask, and raises Unavailable where there is no API to ask. `account` is the `AC…` that
    the call belongs to, as its media stream's `start` has it, and `auth_token` is that account's.
    """

    base_url: str
    auth_token: str = field(repr=False)

    def start_stream(
        self,
        account: str,
        call_id: str,
        *,
        url: str,
        track: Track,
        name: str | None = None,
        status_callback: str | None = None,
    ) -> Exchange[StreamStarted | CallOver]:
        """Attach a media stream to a call in progress.

        `url` is wss and has no query. `name` must be free in the call: Twilio's answer to one that is taken, or to a
        fifth track, isn't documented; whatever 400 it is comes out as Refused.
        """
        form = {"Url": url, "Track": track, "Name": name, "StatusCallback": status_callback}
        return Exchange(SERVICE, self._request("POST", account, call_id, "/Streams", form), _started)

    def stop_stream(self, account: str, call_id: str, stream: str) -> Exchange[StreamStopped]:
        """Stop the media stream of that name or sid; one that nobody knows is over already."""
        path = f"/Streams/{quote(stream, safe='')}"
        return Exchange(SERVICE, self._request("POST", account, call_id, path, {"Status": "stopped"}), _stopped)

    def fetch_call(self, account: str, call_id: str) -> Exchange[CallState | CallOver]:
        """Ask how the call stands."""
        return Exchange(SERVICE, self._request("GET", account, call_id, "", None), _state)

    def _request(
        self, method: str, account: str, call_id: str, path: str, form: Mapping[str, str | None] | None
    ) -> HttpRequest:
        call = f"/Calls/{quote(call_id, safe='')}{path}.json"
        return self.request(method, account, call, form)

    def request(
        self, method: str, account: str, path: str, form: Mapping[str, str | None] | None = None
    ) -> HttpRequest:
        """Return a request for what stands at `path` of the account, with `form` as its body."""
        if not self.base_url:
            raise Unavailable("twilio: no address of its REST API is set")
        credentials = base64.b64encode(f"{account}:{self.auth_token}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode([(field, value) for field, value in form.items() if value is not None]).encode()
        url = f"{self.base_url}/{VERSION}/Accounts/{quote(account, safe='')}{path}"
        return HttpRequest(method, url, headers, body)


class _Stream(Struct, frozen=True):
    sid: str


class _Call(Struct, frozen=True):
    status: str
    duration: str | None = None  # a number in quotes
    end_time: str | None = None  # RFC 2822
    direction: str | None = None
    from_number: str | None = msgspec.field(name="from", default=None)
    to_number: str | None = msgspec.field(name="to", default=None)


class _Problem(Struct, frozen=True):
    code: int | None = None


def _started(status: int, body: bytes) -> StreamStarted | CallOver:
    over = refusal(status, body)
    return over or StreamStarted(decode_answer(body, _Stream).sid)


def _stopped(status: int, body: bytes) -> StreamStopped:
    refusal(status, body)
    return StreamStopped()


def _state(status: int, body: bytes) -> CallState | CallOver:
    if (over := refusal(status, body)) is not None:
        return over
    call = decode_answer(body, _Call)
    duration = call.duration or ""
    is_number = duration.isascii() and duration.isdigit() and len(duration) < 10
    return CallState(
        status=call.status,
        duration_s=int(duration) if is_number else None,
        ended_at=moment_of(call.end_time),
        direction=call.direction or "",
        from_number=call.from_number or "",
        to_number=call.to_number or "",
    )


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that Twilio writes as in RFC 2822; None if it is none."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def refusal(status: int, body: bytes) -> CallOver | None:
    """Return what an answer other than success says of the call. Raises Unavailable, Refused."""
    if 200 <= status < 300:
        return None
    raise_if_temporary(SERVICE, status)
    if status == HTTPStatus.NOT_FOUND:
        return CallOver(known=False)
    try:
        code = msgspec.json.decode(body, type=_Problem).code
    except NOT_DECODABLE:
        code = None
    if status == HTTPStatus.BAD_REQUEST and code == CALL_IS_NOT_IN_PROGRESS:
        return CallOver(known=True)
    # Not Twilio's words, which may quote the URL that was asked for, and with it a ticket.
    raise Refused(f"twilio answered {status}, error {code}")


def decode_answer(body: bytes, shape: type[_Shape]) -> _Shape:
    """Return what an answer says. Raises MalformedMessage if it isn't of that shape."""
    try:
        return msgspec.json.decode(body, type=shape)
    except NOT_DECODABLE as error:
        raise MalformedMessage(f"twilio: {error}", kind="twilio") from error
