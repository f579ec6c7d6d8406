"""The fields of Twilio's webhooks, blank ones included: they count in the signature.

Sources: Twilio, TwiML Voice, "Twilio's request to your application"; "Stream", status callback; Call resource,
"StatusCallback"; "Recordings resource", status callback.
"""

import json
import secrets
import time
from datetime import UTC, datetime
from email.utils import format_datetime

from local.twilio.placement import Placement
from local.twilio.recordings import SOURCE, Recording

Form = dict[str, str]

_PLACES = ("City", "Country", "State", "Zip")


def voice_form(call: Placement, *, account_sid: str, call_sid: str) -> Form:
    """Return what every webhook of the call carries, with the status of a call that rings."""
    form = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": "ringing",
        "CallToken": json.dumps({"parentCallInfoToken": secrets.token_urlsafe(48)}, separators=(",", ":")),
        "Called": call.to_number,
        "Caller": call.from_number,
        "CallerName": "",  # looked up at a price, and often without a result
        "Direction": call.direction,
        "ForwardedFrom": call.to_number,
        "From": call.from_number,
        "StirVerstat": "TN-Validation-Passed-A",
        "To": call.to_number,
    }
    for party, number in (
        ("Called", call.to_number),
        ("Caller", call.from_number),
        ("From", call.from_number),
        ("To", call.to_number),
    ):
        for place in _PLACES:
            form[party + place] = "US" if place == "Country" and number.startswith("+1") else ""
    return dict(sorted(form.items()))


def dial_form(*, duration_s: int, child_sid: str) -> Form:
    """Return what `<Dial action>` gets besides the voice fields."""
    return {"DialCallDuration": str(duration_s), "DialCallSid": child_sid, "DialCallStatus": "completed"}


def stream_form(
    *, account_sid: str, call_sid: str, stream_sid: str, name: str | None, event: str, error: str | None, now_ns: int
) -> Form:
    """Return a media stream's status callback; `now_ns` is in nanoseconds since 1970, as Twilio writes them out."""
    seconds, nanoseconds = divmod(now_ns, 1_000_000_000)
    form = {
        "AccountSid": account_sid,
        "CallSid": call_sid,
        "StreamEvent": event,
        "StreamName": name or stream_sid,
        "StreamSid": stream_sid,
        "Timestamp": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09d}Z",
    }
    return form if error is None else form | {"StreamError": error}


def completed_form(voice: Form, *, duration_s: int, now_s: float) -> Form:
    """Return the call status callback at the end of a call: `CallDuration` in seconds, `Duration` in minutes begun."""
    return voice | {
        "CallDuration": str(duration_s),
        "CallStatus": "completed",
        "CallbackSource": "call-progress-events",
        "Duration": str(-(-duration_s // 60)),
        "SequenceNumber": "0",
        "SipResponseCode": "200",
        "Timestamp": format_datetime(datetime.fromtimestamp(now_s, UTC).replace(microsecond=0)),
    }


def recording_form(recording: Recording, *, account_sid: str) -> Form:
    """Return a recording's status callback."""
    duration_s = recording.duration_s
    began = datetime.fromtimestamp(recording.started_at_s, UTC).replace(microsecond=0)
    path = f"/2010-04-01/Accounts/{account_sid}/Recordings/{recording.sid}"
    return {
        "AccountSid": account_sid,
        "CallSid": recording.call_sid,
        "ErrorCode": "0",
        "RecordingChannels": str(recording.request.channels),
        "RecordingDuration": "-1" if duration_s is None else str(duration_s),
        "RecordingSid": recording.sid,
        "RecordingSource": SOURCE,
        "RecordingStartTime": format_datetime(began),
        "RecordingStatus": recording.status,
        "RecordingTrack": recording.request.track,
        "RecordingUrl": f"https://api.twilio.com{path}",
    }
