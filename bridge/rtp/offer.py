"""An offer of audio by RTP, and what it is answered: that we listen. Sources: RFC 8866, 3264, 3551, 4733, 7866."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiosipua.sdp import Codec, MediaDescription, SdpMessage, parse_sdp

from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

_FORMATS: Final[Mapping[tuple[str, int], AudioFormat]] = {
    ("pcmu", 8000): AudioFormat("mulaw", 8000),
    ("pcma", 8000): AudioFormat("alaw", 8000),
    ("l16", 8000): AudioFormat("l16", 8000),
    ("l16", 16_000): AudioFormat("l16", 16_000),
    ("l16", 48_000): AudioFormat("l16", 48_000),
}
_PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
# A recorded call has two parties, a conference some more.
MOST_LINES = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One party's audio, as it was offered and will be heard."""

    place: int  # of its `m=` line among all of the offer's
    label: str  # of RFC 4574; empty if it has none
    form: AudioFormat
    payload_type: int
    event_type: int | None  # of telephone-event
    is_sent: bool  # not on hold, nor one that only we could speak on
    address: str  # where the sender says it is; behind another address it may still come from
    has_mux: bool  # RTCP comes to the same port


@dataclass(frozen=True, slots=True)
class Offer:
    """What of an offer can be heard: all lines in one format."""

    lines: tuple[Line, ...]
    described: SdpMessage


def read_offer(text: str, *, former: AudioFormat | None = None) -> Offer:
    """Return what can be heard of a session description, in the `former` format if it is offered again.

    Raises MalformedMessage of kind `shape` for what is none; Refused, saying what to offer, if nothing can be heard.
    """
    try:
        described = parse_sdp(text)
    except (ValueError, IndexError) as error:
        raise MalformedMessage("sdp: not a session description", kind="shape") from error
    audio = [(place, media) for place, media in enumerate(described.media) if media.media == "audio" and media.port]
    if not audio:
        raise Refused("the offer has no audio")
    if len(audio) > MOST_LINES:
        raise Refused(f"the offer has more than {MOST_LINES} lines of audio")
    if any(media.proto not in _PROTOCOLS for _, media in audio):
        raise Refused(f"the offer is for {audio[0][1].proto[:20]!r}: offer RTP/AVP")
    form = _common([media for _, media in audio], former)
    return Offer(tuple(_line(described, place, media, form) for place, media in audio), described)


def answer_of(offer: Offer, ports: Mapping[int, int], *, address: str, session: int, version: int) -> str:
    """Return the answer to `offer`: we listen at `address`, on `ports` by the lines' places, and to no other line.

    `session` is the same for all answers of one dialog, `version` grows by one.
    """
    family = "IP6" if ":" in address else "IP4"
    heard = {line.place: line for line in offer.lines if line.place in ports}
    lines = [
        "v=0",
        f"o=callscribe {session} {version} IN {family} {address}",
        "s=callscribe",
        f"c=IN {family} {address}",
        "t=0 0",
    ]
    for place, media in enumerate(offer.described.media):
        if place in heard:
            lines += _accepted(media, heard[place], ports[place])
        else:
            lines.append(f"m={media.media} 0 {media.proto} {' '.join(media.formats)}")
    return "\r\n".join([*lines, ""])


def _accepted(media: MediaDescription, line: Line, port: int) -> Iterator[str]:
    name = next(name for (name, rate), form in _FORMATS.items() if form == line.form)
    kinds = [str(line.payload_type)] if line.event_type is None else [str(line.payload_type), str(line.event_type)]
    yield f"m=audio {port} {media.proto} {' '.join(kinds)}"
    yield f"a=rtpmap:{line.payload_type} {name.upper()}/{line.form.rate_hz}"
    if line.event_type is not None:
        yield f"a=rtpmap:{line.event_type} telephone-event/8000"
        yield f"a=fmtp:{line.event_type} 0-15"
    if line.label:
        yield f"a=label:{line.label}"
    if line.has_mux:
        yield "a=rtcp-mux"
    yield "a=recvonly" if line.is_sent else "a=inactive"


def _common(lines: list[MediaDescription], former: AudioFormat | None) -> AudioFormat:
    """Return the first format of the first line that all others have, too: they share a session."""
    offered = [[form for codec in media.codecs if (form := _form(codec)) is not None] for media in lines]
    for form in sorted(offered[0], key=lambda form: form != former):
        if all(form in others for others in offered):
            return form
    raise Refused("the offer has no format that all its lines share: offer PCMU or PCMA")


def _form(codec: Codec) -> AudioFormat | None:
    mono = codec.channels in (None, 1)
    return _FORMATS.get((codec.encoding_name.lower(), codec.clock_rate)) if mono else None


def _line(described: SdpMessage, place: int, media: MediaDescription, form: AudioFormat) -> Line:
    connection = media.connection or described.connection
    return Line(
        place=place,
        label=next(iter(media.attributes.get("label", ())), "").strip(),
        form=form,
        payload_type=next(codec.payload_type for codec in media.codecs if _form(codec) == form),
        event_type=next((each.payload_type for each in media.codecs if _is_event(each)), None),
        is_sent=_direction(described, media) in ("sendrecv", "sendonly"),
        address="" if connection is None else connection.address,
        has_mux="rtcp-mux" in media.attributes,
    )


def _is_event(codec: Codec) -> bool:
    return codec.encoding_name.lower() == "telephone-event" and codec.clock_rate == 8000


def _direction(described: SdpMessage, media: MediaDescription) -> str:
    """Return which way the audio of a line goes: the session's own attribute holds where the line has none."""
    told = (
        each for attributes in (media.attributes, described.attributes) for each in _DIRECTIONS if each in attributes
    )
    return next(told, "sendrecv")
