"""Whether Twilio would start a media stream: its rules for `<Start><Stream>`.

Source: Twilio, TwiML Voice, "Stream"; Media Streams, "Overview"; error pages 31920, 31922, 31923, 31941.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

from local.twilio.loopback import is_loopback
from local.twilio.problems import Code, Problem
from local.twilio.twiml import StartStream

Track = Literal["inbound", "outbound"]

FORKED_TRACKS_PER_CALL = 4
PARAMETER_CHARACTERS = 500

_TRACKS: dict[str, tuple[Track, ...]] = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """A media stream that may start."""

    url: str  # absolute; what the upgrade's signature covers
    name: str | None
    tracks: tuple[Track, ...]
    parameters: tuple[tuple[str, str], ...]
    warnings: tuple[Problem, ...]


def admit(
    verb: StartStream,
    *,
    document_url: str,
    forked_tracks: int,
    names: Collection[str],
    allow_insecure: bool,
    query: Literal["strip", "refuse"],
) -> StreamPlan | Problem:
    """Return the media stream that `verb` asks for, or why Twilio doesn't start it.

    `forked_tracks` and `names` are of the streams that the call has already. A query in the URL is dropped, which is
    what was seen, or is a failed handshake, which is what is documented.
    """
    tracks = _TRACKS.get(verb.track)
    if tracks is None:
        return Problem(Code.STREAM_TRACK, f"a media stream has no track {verb.track!r}")
    url = _absolute(verb.url, document_url)
    if problem := _check_address(url, allow_insecure=allow_insecure):
        return problem
    warnings: list[Problem] = []
    if query_of := urlsplit(url).query:
        text = "the media stream's address has a query, which Twilio doesn't carry: use <Parameter>"
        if query == "refuse":
            return Problem(Code.STREAM_HANDSHAKE, text)
        warnings.append(Problem(Code.STREAM_HANDSHAKE, f"{text}; dropped"))
        url = url.replace(f"?{query_of}", "", 1)
    if verb.name is not None and verb.name in names:
        return Problem(None, f"the call has a media stream named {verb.name!r} already")
    if forked_tracks + len(tracks) > FORKED_TRACKS_PER_CALL:
        return Problem(None, f"a call has {FORKED_TRACKS_PER_CALL} forked tracks at most, {forked_tracks} are in use")
    parameters: list[tuple[str, str]] = []
    for name, value in verb.parameters:
        if len(name) + len(value) < PARAMETER_CHARACTERS:
            parameters.append((name, value))
        else:
            warnings.append(
                Problem(None, f"the parameter {name[:40]!r} has {PARAMETER_CHARACTERS} characters; dropped")
            )
    return StreamPlan(
        url=url,
        name=verb.name,
        tracks=tracks,
        parameters=tuple(parameters),
        warnings=tuple(warnings),
    )


def _check_address(url: str, *, allow_insecure: bool) -> Problem | None:
    """Return what is wrong with a media stream's address, if anything."""
    parts = urlsplit(url)
    if parts.scheme == "ws" and parts.hostname:
        if not (allow_insecure and is_loopback(parts.hostname)):
            return Problem(Code.STREAM_SCHEME, "a media stream needs a wss:// address; Twilio doesn't take ws://")
    elif parts.scheme != "wss":
        return Problem(Code.STREAM_SCHEME, f"a media stream needs a wss:// address; this begins with {parts.scheme!r}")
    if not parts.hostname or not _has_valid_port(parts.netloc):
        return Problem(Code.STREAM_URL, "the media stream's address has no host, or a port that is no number")
    return None


def _absolute(url: str, document_url: str) -> str:
    """Return `url`; a relative one against the document's, as a WebSocket address. Twilio's rule is unconfirmed."""
    if urlsplit(url).scheme or not url:
        return url
    parts = urlsplit(urljoin(document_url, url))
    return urlunsplit(parts._replace(scheme="wss" if parts.scheme == "https" else "ws"))


def _has_valid_port(netloc: str) -> bool:
    port = netloc.rpartition("]")[2].rpartition("@")[2].partition(":")[2]
    return not port or (port.isascii() and port.isdigit() and 0 < int(port) < 65536)
