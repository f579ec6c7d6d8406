"""Gladia's real-time speech API, version 2: what is asked and what comes back.

Source: Gladia's OpenAPI and AsyncAPI documents, `POST /v2/live` and the WebSocket it returns.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
from msgspec import Raw, Struct

from bridge import gladia_analysis
from bridge.gladia_analysis import AddOnFailed, Analysis
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.decoding import NO_MESSAGE
from callscribe.errors import MalformedMessage
from callscribe.gladia_transcript import Transcript

STOP_RECORDING = '{"type":"stop_recording"}'
# Its acknowledgement, if there is one, says how far the session's audio goes.
EMPTY_CHUNK = '{"type":"audio_chunk","data":{"chunk":""}}'

# Asked for in each session: a call centre's endpointing, and the enhancer that Gladia advises for telephone lines.
_DEFAULTS: dict[str, Any] = {
    "model": "solaria-1",
    "endpointing": 0.3,
    "maximum_duration_without_endpointing": 15,
    "pre_processing": {"audio_enhancer": True},
    "messages_config": {
        "receive_partial_transcripts": True,
        "receive_speech_events": False,
        "receive_pre_processing_events": False,
        "receive_realtime_processing_events": True,
        # The last of these repeats every word of the call in one message; the stored result has it all.
        "receive_post_processing_events": False,
        "receive_lifecycle_events": False,
        "receive_errors": True,
    },
}


def opening(
    *, channels: int, form: AudioFormat = MULAW_8K, options: dict[str, Any], metadata: dict[str, str]
) -> dict[str, Any]:
    """Return the body of `POST /v2/live` for audio of `form`, of `channels` interleaved channels.

    `options` are the number's own wishes in Gladia's terms and go over the defaults; the audio's form, finals and
    acknowledgements are the bridge's business and stay.
    """
    request = _merged(_DEFAULTS, options)
    request["messages_config"] |= {"receive_final_transcripts": True, "receive_acknowledgments": True}
    return request | {
        **form.for_gladia(),
        "channels": channels,
        "custom_metadata": metadata,
    }


class Opened(Struct, frozen=True):
    """The answer to `POST /v2/live`; `url` is a secret."""

    id: str
    url: str


class Acknowledged(Struct, frozen=True):
    """The session has the bytes from position `start` to `end`, and all before; which may or may not be the last."""

    start: int
    end: int

    @property
    def is_empty(self) -> bool:
        """Whether it answers a chunk without a byte."""
        return self.end <= self.start


class NotTaken(Struct, frozen=True):
    """The session left a chunk of audio out."""

    reason: str


class Stopping(Struct, frozen=True):
    """The session knows that no more audio comes."""


class Ignored(Struct, frozen=True):
    """A message that the bridge has no use for."""

    type: str


Message: TypeAlias = Acknowledged | NotTaken | Transcript | Analysis | AddOnFailed | Stopping | Ignored


class _Envelope(Struct, frozen=True):
    type: str
    data: Raw = Raw(b"null")
    acknowledged: bool | None = None
    error: Raw = Raw(b"null")


class _Chunk(Struct, frozen=True):
    byte_range: tuple[int, int]


class _Acknowledgement(Struct, frozen=True, tag="audio_chunk", tag_field="type"):
    acknowledged: bool
    data: _Chunk


class _Problem(Struct, frozen=True):
    message: str = ""


_CHUNK = b'{"type":"audio_chunk","'  # as nearly all of them begin, and that is Gladia's choice
_envelope = msgspec.json.Decoder(_Envelope)
_acknowledgement = msgspec.json.Decoder(_Acknowledgement)
_chunk = msgspec.json.Decoder(_Chunk)
_problem = msgspec.json.Decoder(_Problem | None)
_transcript = msgspec.json.Decoder(Transcript)
_opened = msgspec.json.Decoder(Opened)


def decode(text: str | bytes) -> Message:
    """Return the message in `text`; types that the bridge does not know come back as Ignored.

    Raises MalformedMessage if it isn't JSON of its type's shape.
    """
    if text[: len(_CHUNK)] == _CHUNK and (acknowledged := _acknowledged(text)) is not None:
        return acknowledged
    try:
        envelope = _envelope.decode(text)
        if envelope.type == "audio_chunk" and envelope.acknowledged:
            return Acknowledged(*_chunk.decode(envelope.data).byte_range)
        if envelope.type == "audio_chunk" and envelope.acknowledged is False:
            problem = _problem.decode(envelope.error)
            return NotTaken(problem.message if problem else "")
        if envelope.type == "transcript":
            return _transcript.decode(envelope.data)
        if envelope.type in gladia_analysis.TYPES:
            is_error = bytes(envelope.error) != b"null"
            return gladia_analysis.decode(envelope.type, envelope.data, is_error=is_error)
    except NO_MESSAGE as error:
        raise MalformedMessage(f"gladia: {error}", kind="gladia") from error
    if envelope.type == "stop_recording":
        return Stopping()
    return Ignored(envelope.type)


def _acknowledged(text: str | bytes) -> Acknowledged | None:
    """Return what `text` acknowledges; None if it is anything else, or nothing."""
    try:
        said = _acknowledgement.decode(text)
    except NO_MESSAGE:
        return None
    return Acknowledged(*said.data.byte_range) if said.acknowledged else None


def frame_bytes(request: dict[str, Any]) -> int:
    """Return the bytes of a sample of every channel, in the audio that `request` opens a session for."""
    return int(request["channels"] * request["bit_depth"] // 8)


def position(seconds: float, request: dict[str, Any]) -> int:
    """Return the position that a session has received which has heard up to `seconds`; `request` has opened it."""
    return int(round(seconds * request["sample_rate"]) * frame_bytes(request))


def decode_opened(text: bytes) -> Opened:
    """Return the session in the answer to `POST /v2/live`. Raises MalformedMessage."""
    try:
        return _opened.decode(text)
    except NO_MESSAGE as error:
        raise MalformedMessage(f"gladia: {error}", kind="gladia") from error


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for name, value in over.items():
        own = out.get(name)
        out[name] = _merged(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return {name: dict(value) if isinstance(value, dict) else value for name, value in out.items()}
