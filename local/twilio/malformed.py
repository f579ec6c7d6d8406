"""Messages that mean nothing, as a media stream with a fault in it sends them."""

import json
from base64 import b64encode
from typing import cast

from local.twilio.admission import Track
from local.twilio.faults import Malformation
from local.twilio.mediastream import MediaStream

_NOISE = b"\x11\x91" * 80  # loud, so that it would be heard if it were taken for audio


def malformed(kind: Malformation, messages: MediaStream, track: Track, media_ms: int) -> str:
    """Return a message that is wrong in just that way; its number, if it has one, is the next in `messages`."""
    match kind:
        case "no_json":
            return '{"event":"media","sequenceNumber":'
        case "no_object":
            return '["media"]'
        case "unknown_event":
            return messages.numbered("weather", {"sky": "blue"})
        case "missing_media":
            return messages.numbered("media", None)
        case "empty_payload":
            return messages.media(track, media_ms, b"")
        case "odd_length":
            return messages.media(track, media_ms, _NOISE[:-1])
        case "unknown_track":
            return messages.media(cast("Track", "sideways"), media_ms, _NOISE)
        case "bad_base64":
            spelled = messages.media(track, media_ms, _NOISE)
            return spelled.replace(b64encode(_NOISE).decode("ascii"), "EZE*RkZG")
        case "old_sequence":
            message = json.loads(messages.media(track, media_ms, _NOISE))
            return json.dumps(message | {"sequenceNumber": "1"}, separators=(",", ":"))
