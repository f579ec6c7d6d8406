"""The body of a recording session's INVITE: the offer, and who speaks on its lines. Sources: RFC 7865, 7866, 9806.

Field notes: names of elements come with and without prefixes, in two namespaces; some send no metadata at all.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from callscribe.errors import MalformedMessage

_SDP = "application/sdp"
_METADATA = ("application/rs-metadata+xml", "application/rs-metadata")


@dataclass(frozen=True, slots=True)
class Participant:
    """Who is recorded."""

    address: str  # of record: sip:+12025550188@example.net, tel:+12025550188
    name: str

    @property
    def number(self) -> str:
        """The number or name that was dialled: an address of record without its scheme, host and parameters."""
        rest = self.address.partition(":")[2] or self.address
        return rest.partition("@")[0].partition(";")[0]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the metadata says of the call that is recorded."""

    session: str = ""  # the session's id
    participants: Mapping[str, Participant] = field(default_factory=dict)  # who sends, by the label of the line

    @property
    def ids(self) -> dict[str, str]:
        """What the call's log says of it."""
        return {"session_id": self.session} if self.session else {}


def parts_of(content_type: str, body: bytes) -> tuple[str, Metadata]:
    """Return the session description and the metadata of a body; the former may be empty.

    Raises MalformedMessage of kind `shape`. Metadata that makes no sense is none: the audio is there all the same.
    """
    head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    sdp, metadata = "", Metadata()
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            continue
        if part.get_content_type() == _SDP:
            try:
                sdp = payload.decode()
            except UnicodeDecodeError as error:
                raise MalformedMessage("sip: a session description that is no text", kind="shape") from error
        elif part.get_content_type() in _METADATA:
            metadata = read_metadata(payload)
    return sdp, metadata


def read_metadata(text: bytes) -> Metadata:
    """Return what an `rs-metadata` document says; nothing if it makes no sense."""
    try:
        recording: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return Metadata()
    people = {each.get("participant_id", ""): _participant(each) for each in _named(recording, "participant")}
    labels = {each.get("stream_id", ""): _text(each, "label") for each in _named(recording, "stream")}
    senders: dict[str, Participant] = {}
    for association in _named(recording, "participantstreamassoc"):
        person = people.get(association.get("participant_id", ""))
        for sent in _named(association, "send"):
            label = labels.get((sent.text or "").strip(), "")
            if person is not None and label:
                senders[label] = person
    session = next((each.get("session_id", "") for each in _named(recording, "session")), "")
    return Metadata(session[:128], senders)


def _participant(element: Element) -> Participant:
    found = next(_named(element, "nameID"), None)
    if found is None:
        return Participant("", "")
    return Participant(found.get("aor", "")[:256], _text(found, "name")[:128])


def _text(element: Element, name: str) -> str:
    found = next(_named(element, name), None)
    return "" if found is None else (found.text or "").strip()


def _named(element: Element, name: str) -> Iterator[Element]:
    """Yield the elements of that name, whatever namespace they are in."""
    return (each for each in element.iter() if isinstance(each.tag, str) and each.tag.rpartition("}")[2] == name)
