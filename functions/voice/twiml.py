"""The TwiML that answers a call: start the media stream, then what the number's settings say.

Source: Twilio, "TwiML Voice": Start, Stream, Redirect, Dial, Say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from callscribe.settings import Then

STREAM_NAME = "callscribe"  # unique in the call; by it a stream is stopped

# XML can't hold these, not even escaped (XML 1.0, 2.2), and one of them would make all of the answer unreadable.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Stream:
    """The media stream to start; Twilio drops a query of `url`, so whatever it carries is in its path."""

    url: str  # wss
    track: str  # both_tracks, inbound_track, outbound_track
    status_callback: str


def answer(then: Then, stream: Stream | None) -> str:
    """Return the document that starts `stream`, if any, and goes on with `then`."""
    response = ET.Element("Response")
    if stream is not None:
        ET.SubElement(
            ET.SubElement(response, "Start"),
            "Stream",
            {
                "url": stream.url,
                "name": STREAM_NAME,
                "track": stream.track,
                "statusCallback": stream.status_callback,
            },
        )
    # Starting a stream doesn't hold the call: without a verb after it the call would end.
    if then.redirect is not None:
        _text(ET.SubElement(response, "Redirect", {"method": "POST"}), then.redirect)
    elif then.dial is not None:
        _text(ET.SubElement(ET.SubElement(response, "Dial"), "Number"), then.dial)
    elif then.say is not None:
        _text(ET.SubElement(response, "Say"), then.say)
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")


def _text(element: ET.Element, text: str) -> None:
    element.text = _NOT_XML.sub("", text)
