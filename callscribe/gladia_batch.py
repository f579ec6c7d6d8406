"""Gladia's pre-recorded API: what is asked of a recording, and what the answers mean.

Source: Gladia's OpenAPI document, `POST /v2/upload`, `POST /v2/pre-recorded`, `GET /v2/pre-recorded/{id}`; limits:
its documentation, "Supported files & duration".
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.exchange import Exchange, HttpRequest, raise_if_temporary
from callscribe.gladia_job import Status, decode_job
from callscribe.gladia_transcript import Seconds, Word

T = TypeVar("T")

# A replaced key, or credits that ran out, say nothing of the recording: it is still there when that is mended.
_UNTIL_SOMEBODY_ACTS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}

SERVICE = "gladia"
MOST_BYTES: Final = 1000 * 1000 * 1000
MOST_S: Final = 135 * 60  # on any plan


class Spoken(Struct, frozen=True):
    """What was said in the recording; `speaker` is only known of a recording that was to be told apart by voices."""

    text: str
    start: Seconds
    end: Seconds
    confidence: float = 0.0
    channel: int = 0
    language: str = ""
    words: tuple[Word, ...] = ()
    speaker: int | None = None


class Recorded(Struct, frozen=True):
    """What Gladia has made of a recording so far; `utterances` are in the order of speech."""

    status: Status
    utterances: tuple[Spoken, ...] = ()
    malformed: int = 0  # utterances that made no sense
    audio_s: float | None = None
    channels: int = 1
    summary: str = ""
    error_code: int | None = None

    @property
    def settled(self) -> bool:
        """Whether asking again would bring nothing new."""
        return self.status in {"done", "error"}


class Uploaded(Struct, frozen=True):
    """A recording that Gladia has, and what it found in it."""

    audio_url: str
    channels: int
    audio_s: float | None


class Multipart:
    """An upload as a form: `head`, then the audio as it comes, then `tail`."""

    def __init__(self, filename: str, *, boundary: str) -> None:
        """`filename` has no quotation mark; `boundary` is nowhere in the audio."""
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="{filename}"\r\n'
            "Content-Type: audio/wav\r\n\r\n"
        ).encode()
        self.tail = f"\r\n--{boundary}--\r\n".encode()


def upload(base_url: str, api_key: str, form: Multipart, *, size_bytes: int) -> Exchange[Uploaded]:
    """Give Gladia a recording of `size_bytes`. The body is `form` with it."""
    headers = {
        "x-gladia-key": api_key,
        "Content-Type": form.content_type,
        "Content-Length": str(len(form.head) + size_bytes + len(form.tail)),
    }
    return Exchange(SERVICE, HttpRequest("POST", f"{base_url}/v2/upload", headers), _uploaded)


def start(
    base_url: str,
    api_key: str,
    audio_url: str,
    *,
    languages: Sequence[str],
    is_mono: bool,
    callback_url: str,
    call_id: str,
) -> Exchange[str]:
    """Have a recording transcribed, which the job's id is answered for. `callback_url` hears of its end."""
    request = {
        "audio_url": audio_url,
        "diarization": is_mono,  # else the channel tells who speaks
        "language_config": {"languages": list(languages), "code_switching": len(languages) > 1},
        "summarization": True,
        "callback": bool(callback_url),
        "custom_metadata": {"call_id": call_id},
    }
    if callback_url:
        request["callback_config"] = {"url": callback_url, "method": "POST"}
    headers = {"x-gladia-key": api_key, "Content-Type": "application/json"}
    body = msgspec.json.encode(request)
    return Exchange(SERVICE, HttpRequest("POST", f"{base_url}/v2/pre-recorded", headers, body), _started)


def fetch(base_url: str, api_key: str, job: str) -> Exchange[Recorded]:
    """Ask for what there is of a job."""
    url = f"{base_url}/v2/pre-recorded/{quote(job, safe='')}"
    return Exchange(SERVICE, HttpRequest("GET", url, {"x-gladia-key": api_key}), _fetched)


def decode(body: bytes) -> Recorded:
    """Return the result in the answer `body`. Raises MalformedMessage if it isn't JSON of its shape.

    A single utterance in it that makes no sense is counted and left out.
    """
    job = decode_job(body)
    utterances: list[Spoken] = []
    malformed = 0
    for raw in job.utterances:
        try:
            utterances.append(_spoken.decode(raw))
        except NOT_DECODABLE:
            malformed += 1
    utterances.sort(key=lambda each: (each.start, each.channel))
    return Recorded(
        status=job.status,
        utterances=tuple(utterances),
        malformed=malformed,
        audio_s=job.audio_s,
        channels=job.channels,
        summary=job.summary,
        error_code=job.error_code,
    )


class _Metadata(Struct, frozen=True):
    audio_duration: Seconds | None = None
    number_of_channels: int = 1


class _Uploaded(Struct, frozen=True):
    audio_url: str
    audio_metadata: _Metadata = _Metadata()


class _Started(Struct, frozen=True):
    id: str


_spoken = msgspec.json.Decoder(Spoken)


def _uploaded(status: int, body: bytes) -> Uploaded:
    found = _read(status, body, _Uploaded)
    if urlsplit(found.audio_url).scheme not in ("http", "https"):
        raise MalformedMessage("gladia: no address", kind="gladia")
    return Uploaded(found.audio_url, found.audio_metadata.number_of_channels, found.audio_metadata.audio_duration)


def _started(status: int, body: bytes) -> str:
    return _read(status, body, _Started).id


def _fetched(status: int, body: bytes) -> Recorded:
    if status == HTTPStatus.NOT_FOUND:
        return Recorded("error", error_code=status)  # deleted, or never was: there is nothing to wait for
    _check(status)
    return decode(body)


def _read(status: int, body: bytes, shape: type[T]) -> T:
    _check(status)
    try:
        return msgspec.json.decode(body, type=shape)
    except NOT_DECODABLE as error:
        raise MalformedMessage(f"gladia: {error}", kind="gladia") from error


def _check(status: int) -> None:
    raise_if_temporary(SERVICE, status)
    if status in _UNTIL_SOMEBODY_ACTS:
        raise Unavailable(f"gladia answered {status}")
    if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        raise Refused(f"gladia answered {status}")
