"""Gladia's stored result of a session: what it heard, whether or not anybody was there to be told.

Source: Gladia's OpenAPI document, `GET /v2/live/{id}`, `StreamingResponse`.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import Refused
from callscribe.exchange import Exchange, HttpRequest, raise_if_temporary
from callscribe.gladia_job import Job, Status, decode_job
from callscribe.gladia_transcript import Speech, Transcript
from callscribe.spoken import Spoken

SERVICE = "gladia"

_MADE = "stored:"


class Stored(Struct, frozen=True):
    """What Gladia has kept of a session so far.

    `transcripts` are finals, in the order of speech and none twice, each under the id that the socket gave it or
    would have given it. A result without its list of messages tells no ids; then they are made (see `is_made`).
    """

    status: Status
    transcripts: tuple[Transcript, ...] = ()
    malformed: int = 0  # utterances and messages in it that made no sense
    audio_s: float | None = None  # how much audio the session got; None if the result doesn't tell
    summary: str = ""  # of what was said, where it was asked for

    @property
    def settled(self) -> bool:
        """Whether asking again would bring nothing new."""
        return self.status in {"done", "error"}


def fetch(base_url: str, api_key: str, session_id: str) -> Exchange[Stored]:
    """Ask for the stored result of a session."""
    url = f"{base_url}/v2/live/{quote(session_id, safe='')}"
    return Exchange(SERVICE, HttpRequest("GET", url, {"x-gladia-key": api_key}), _outcome)


def is_made(transcript_id: str) -> bool:
    """Return whether this id was made here, of channel and start: Gladia's own have no colon."""
    return transcript_id.startswith(_MADE)


def decode_stored(body: bytes) -> Stored:
    """Return the result in the answer `body`. Raises MalformedMessage if it isn't JSON of its shape.

    A single utterance or message in it that makes no sense is counted and left out.
    """
    job = decode_job(body)
    found: dict[str, Transcript] = {}
    spoken = Spoken()
    malformed = 0
    for transcript in _finals(job):
        if transcript is None:
            malformed += 1
        elif transcript.id not in found:
            found[transcript.id] = transcript
            spoken.add(transcript.utterance)
    for speech in _utterances(job):
        if speech is None:
            malformed += 1
        elif speech not in spoken:
            spoken.add(speech)
            made = f"{_MADE}{speech.channel}:{round(speech.start * 1000)}"
            found.setdefault(made, Transcript(made, is_final=True, utterance=speech))
    in_order = sorted(found.values(), key=lambda each: (each.utterance.start, each.utterance.channel))
    return Stored(job.status, tuple(in_order), malformed, job.audio_s, job.summary)


class _Envelope(Struct, frozen=True):
    type: str
    data: Raw = Raw(b"null")


_envelope = msgspec.json.Decoder(_Envelope)
_transcript = msgspec.json.Decoder(Transcript)
_speech = msgspec.json.Decoder(Speech)


def _finals(job: Job) -> Iterator[Transcript | None]:
    """Yield the final transcripts among the messages, and None for each message that makes no sense."""
    for text in job.messages:
        try:
            envelope = _envelope.decode(text if isinstance(text, str) else b"")
            if envelope.type == "transcript":
                transcript = _transcript.decode(envelope.data)
                if transcript.is_final:
                    yield transcript
        except NOT_DECODABLE:
            yield None


def _utterances(job: Job) -> Iterator[Speech | None]:
    """Yield the utterances of the transcription, and None for each that makes no sense."""
    for raw in job.utterances:
        try:
            yield _speech.decode(raw)
        except NOT_DECODABLE:
            yield None


def _outcome(status: int, body: bytes) -> Stored:
    if status == HTTPStatus.OK:
        return decode_stored(body)
    raise_if_temporary(SERVICE, status)
    if status == HTTPStatus.NOT_FOUND:
        return Stored("error")  # deleted, or never was: there is nothing to wait for
    raise Refused(f"gladia answered {status}")
