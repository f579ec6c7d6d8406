"""Twilio's webhooks as an HTTP API hands them over, and the shapes of their forms.

Sources: Twilio, "TwiML Voice", "Call resource", "TwiML Stream", "Recordings resource" (status callbacks), "Webhooks
security"; API Gateway, "Create AWS Lambda proxy integrations for HTTP APIs", payload format 2.0.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, field

from callscribe.errors import MalformedMessage
from callscribe.messages import CallId
from callscribe.twilio_signature import is_valid, spellings

T = TypeVar("T", bound="CallForm | StatusForm | StreamForm | RecordingForm")

_FORM = "application/x-www-form-urlencoded"
# What Twilio knows of a call beyond its parties; SIP headers of one's own carry whatever a PBX wants to tell.
_METADATA = {"CallerName", "ForwardedFrom", "ParentCallSid", "StirVerstat"}
_METADATA_PREFIX = "SipHeader_X-"


class CallForm(Struct, frozen=True, kw_only=True):
    """The request for TwiML; a status callback begins the same."""

    call_id: CallId = field(name="CallSid")
    account: str = field(name="AccountSid")
    from_number: str = field(name="From", default="")  # +1…, client:…, sip:…, anonymous
    to_number: str = field(name="To", default="")
    direction: str = field(name="Direction", default="inbound")  # inbound, outbound-api, outbound-dial

    @property
    def own_number(self) -> str:
        """The number of ours that this call goes through, by which it has its settings."""
        return self.from_number if self.direction.startswith("outbound") else self.to_number


class StatusForm(CallForm, frozen=True, kw_only=True):
    """A change of a call's status; they come in any order, and again when the answer was lost."""

    status: str = field(name="CallStatus")
    duration_s: str = field(name="CallDuration", default="")  # blank or missing for a call that nobody took
    sequence: str = field(name="SequenceNumber", default="")


class StreamForm(Struct, frozen=True, kw_only=True):
    """What became of a media stream."""

    call_id: CallId = field(name="CallSid")
    media_stream: str = field(name="StreamSid", default="")
    event: str = field(name="StreamEvent")  # stream-started, stream-stopped, stream-error
    error: str = field(name="StreamError", default="")
    at: str = field(name="Timestamp", default="")


class RecordingForm(Struct, frozen=True, kw_only=True):
    """What became of a recording, ours or that of whoever told Twilio to tell us."""

    call_id: CallId = field(name="CallSid")
    recording: str = field(name="RecordingSid")
    status: str = field(name="RecordingStatus")  # in-progress, completed, absent
    channels: str = field(name="RecordingChannels", default="1")
    duration_s: str = field(name="RecordingDuration", default="")
    started_at: str = field(name="RecordingStartTime", default="")  # RFC 2822


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request, not yet known to be Twilio's."""

    url: str  # that Twilio was given, with the query as it came
    pairs: tuple[tuple[str, str], ...]
    signature: str  # blank if there is none
    retry: str  # equal for a request and its repetitions, or blank

    def is_signed(self, auth_tokens: Iterable[str]) -> bool:
        """Return whether Twilio has signed it for an account with one of `auth_tokens`."""
        return is_valid(self.signature, spellings(self.url), self.pairs, auth_tokens)

    def read(self, shape: type[T]) -> T:
        """Return the form as `shape`. Raises MalformedMessage, naming the field."""
        try:
            return msgspec.convert(dict(self.pairs), shape)
        except msgspec.ValidationError as error:
            raise MalformedMessage(f"form: {error}", kind="form") from error

    @property
    def metadata(self) -> dict[str, str]:
        """What else the form tells of the call, under Twilio's names."""
        return {
            name: value
            for name, value in self.pairs
            if value and (name in _METADATA or name.startswith(_METADATA_PREFIX))
        }


def receive(event: Mapping[str, Any], *, public_url: str, path: str) -> Webhook:
    """Return the request in `event`, an HTTP API's, payload format 2.0.

    `public_url` and `path` are ours: what a request says of its own host proves nothing. Raises MalformedMessage, of
    kind `content type` for what is no form and `form` for a body that can't be read.
    """
    headers: Mapping[str, str] = event.get("headers") or {}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise MalformedMessage("not a form", kind="content type")
    body = event.get("body") or ""
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
        # Blank values count in the signature.
        pairs = parse_qsl(text, keep_blank_values=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedMessage("the body can't be read", kind="form") from error
    query = event.get("rawQueryString") or ""
    return Webhook(
        url=f"{public_url}{path}?{query}" if query else f"{public_url}{path}",
        pairs=tuple(pairs),
        signature=headers.get("x-twilio-signature", ""),
        retry=headers.get("i-twilio-idempotency-token", ""),
    )
