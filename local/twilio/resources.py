"""Twilio's REST resources as JSON, and the requests that make a media stream.

Source: Twilio, Voice API, "Call resource", "Stream subresource", "Recordings resource"; Phone Numbers,
"IncomingPhoneNumber resource"; Twilio API, "Account resource", "Errors".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from local.twilio.account import Number
from local.twilio.recordings import SOURCE, Recording
from local.twilio.switchboard import CallRecord, StreamRecord
from local.twilio.twiml import StartStream

VERSION = "2010-04-01"
_PARAMETER = re.compile(r"Parameter([1-9][0-9]?)\.Name")

# Twilio's numbers for what is wrong with a request, where a status has just one of use here.
CODES = {400: 20001, 401: 20003, 404: 20404, 405: 20004, 429: 20429, 500: 20500, 503: 20503}
CALL_IS_NOT_IN_PROGRESS = 21220


def call_resource(call: CallRecord, account_sid: str) -> dict[str, Any]:
    """Return a call as it is answered; what is known only at its end is null before."""
    uri = f"/{VERSION}/Accounts/{account_sid}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "account_sid": account_sid,
        "parent_call_sid": None,
        "api_version": VERSION,
        "from": call.from_number,
        "to": call.to_number,
        "direction": call.direction,
        "status": call.status,
        "date_created": _rfc2822(call.began_at_s),
        "date_updated": _rfc2822(call.ended_at_s or call.began_at_s),
        "start_time": _rfc2822(call.began_at_s),
        "end_time": None if call.ended_at_s is None else _rfc2822(call.ended_at_s),
        "duration": None if call.duration_s is None else str(call.duration_s),
        "uri": f"{uri}.json",
        "subresource_uris": {"streams": f"{uri}/Streams.json"},
    }


def stream_resource(stream: StreamRecord, *, call_sid: str, account_sid: str, now_s: float) -> dict[str, Any]:
    """Return a media stream as it is answered."""
    return {
        "sid": stream.sid,
        "account_sid": account_sid,
        "call_sid": call_sid,
        "name": stream.name,
        "status": stream.status,
        "date_updated": _rfc2822(now_s),
        "uri": f"/{VERSION}/Accounts/{account_sid}/Calls/{call_sid}/Streams/{stream.sid}.json",
    }


def recording_resource(recording: Recording, account_sid: str) -> dict[str, Any]:
    """Return a recording as it is answered; its length is null while it goes on."""
    uri = f"/{VERSION}/Accounts/{account_sid}/Recordings/{recording.sid}"
    duration_s = recording.duration_s
    return {
        "sid": recording.sid,
        "account_sid": account_sid,
        "call_sid": recording.call_sid,
        "conference_sid": None,
        "api_version": VERSION,
        "status": recording.status,
        "channels": recording.request.channels,
        "source": SOURCE,
        "track": recording.request.track,
        "start_time": _rfc2822(recording.started_at_s),
        "date_created": _rfc2822(recording.started_at_s),
        "date_updated": _rfc2822(recording.started_at_s),
        "duration": None if duration_s is None else str(duration_s),
        "error_code": None,
        "price": None,
        "price_unit": "USD",
        "encryption_details": None,
        "uri": f"{uri}.json",
        "media_url": f"https://api.twilio.com{uri}",
    }


def recordings_page(recordings: Sequence[Recording], account_sid: str, *, asked: str) -> dict[str, Any]:
    """Return the only page of a list of `recordings`; `asked` is the path and query that asked for it."""
    return _page("recordings", [recording_resource(each, account_sid) for each in recordings], asked)


_OF_NUMBERS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}


def account_resource(account_sid: str) -> dict[str, Any]:
    """Return an account as it is answered."""
    return {"sid": account_sid, "status": "active", "type": "Full", "uri": f"/{VERSION}/Accounts/{account_sid}.json"}


def numbers_page(numbers: Sequence[Number], account_sid: str, *, asked: str) -> dict[str, Any]:
    """Return the only page of a list of `numbers`; `asked` is the path and query that asked for it."""
    return _page("incoming_phone_numbers", [number_resource(each, account_sid) for each in numbers], asked)


def _page(name: str, items: Sequence[dict[str, Any]], asked: str) -> dict[str, Any]:
    return {
        name: items,
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(0, len(items) - 1),
        "uri": asked,
        "first_page_uri": asked,
        "previous_page_uri": None,
        "next_page_uri": None,
    }


def changed_number(number: Number, form: Mapping[str, str]) -> Number | None:
    """Return `number` as a form updates it; None if an address in it is none. What the form leaves out stays."""
    urls = [form.get(name, "") for name in ("VoiceUrl", "StatusCallback")]
    if any(url and not re.fullmatch(r"https?://[^\s]+", url) for url in urls):
        return None
    named = {field: form[name] for name, field in _OF_NUMBERS.items() if name in form}
    return replace(number, **named)  # type: ignore[arg-type]  # methods are as they come


def number_resource(number: Number, account_sid: str) -> dict[str, Any]:
    """Return a number as it is answered."""
    return {
        "sid": number.sid,
        "account_sid": account_sid,
        "phone_number": number.phone_number,
        "friendly_name": number.phone_number,
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "voice_url": number.voice_url,
        "voice_method": number.voice_method,
        "voice_application_sid": number.voice_application_sid,
        "trunk_sid": number.trunk_sid,
        "status_callback": number.status_callback,
        "status_callback_method": number.status_callback_method,
        "api_version": VERSION,
        "uri": f"/{VERSION}/Accounts/{account_sid}/IncomingPhoneNumbers/{number.sid}.json",
    }


def refusal(status: int, message: str, code: int | None = None) -> dict[str, Any]:
    """Return the body of an answer that is none."""
    number = CODES.get(status, 20000 + status) if code is None else code
    return {
        "code": number,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{number}",
        "status": status,
    }


def requested_stream(form: Mapping[str, str]) -> StartStream:
    """Return the media stream that `form` asks for; an absent Url is empty."""
    numbers = sorted(int(match[1]) for match in map(_PARAMETER.fullmatch, form) if match)
    return StartStream(
        url=form.get("Url", "").strip(),
        name=form.get("Name") or None,
        track=form.get("Track") or "inbound_track",
        status_callback=form.get("StatusCallback") or None,
        status_callback_method="GET" if form.get("StatusCallbackMethod", "").upper() == "GET" else "POST",
        parameters=tuple((form[f"Parameter{n}.Name"], form.get(f"Parameter{n}.Value", "")) for n in numbers),
    )


def _rfc2822(at_s: float) -> str:
    return format_datetime(datetime.fromtimestamp(at_s, UTC).replace(microsecond=0))
