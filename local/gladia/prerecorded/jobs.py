"""Jobs on recordings: how many at once, how far each is, and what GET answers of it."""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from local.gladia import add_ons
from local.gladia.errors import RequestError
from local.gladia.intelligence.summary import summary
from local.gladia.messages import Utterance, timestamp
from local.gladia.prerecorded.files import File
from local.gladia.prerecorded.request import PreRecordedRequest
from local.gladia.request import SummarizationConfig
from local.gladia.results import transcription

MOST_S = 135 * 60.0  # Gladia, "Supported files & duration"
ADD_ONS = (
    "translation", "summarization", "named_entity_recognition", "sentiment_analysis", "audio_to_llm", "sentences",
)  # fmt: skip


@dataclass(slots=True)
class Job:
    """One recording to transcribe, for the key that asked for it."""

    key: str
    request: PreRecordedRequest
    created_at_s: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Literal["queued", "processing", "done", "error"] = "queued"
    file: File | None = None  # unknown until a file from elsewhere is here
    error_code: int | None = None
    completed_at_s: float | None = None
    result: dict[str, Any] | None = None

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """What the client gave with it."""
        return self.request.custom_metadata

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("done", "error")


class Jobs:
    """The jobs, by id in the order of their creation. One key never sees those of another."""

    def __init__(self, *, at_once: int | None, queue: int | None) -> None:
        """Of one key `at_once` run and `queue` wait, before one more is answered 429; None for any number."""
        self._at_once = at_once
        self._queue = queue
        self._jobs: dict[str, Job] = {}
        self._free = asyncio.Condition()

    def add(self, job: Job) -> None:
        """Take a job. Raises RequestError 429 beyond the key's limit."""
        if self._at_once is not None and self._queue is not None:
            open_jobs = sum(not each.over for each in self._jobs.values() if each.key == job.key)
            if open_jobs >= self._at_once + self._queue:
                raise RequestError(429, f"maximum number of queued transcriptions reached: {self._queue}")
        self._jobs[job.id] = job

    async def turn(self, job: Job) -> None:
        """Return when `job` may run, and mark it as running."""
        async with self._free:
            await self._free.wait_for(lambda: self._at_once is None or self._running(job.key) < self._at_once)
            job.status = "processing"

    async def over(self, job: Job, *, now: float) -> None:
        """Let the next one run."""
        job.completed_at_s = now
        async with self._free:
            self._free.notify_all()

    def of(self, key: str) -> list[Job]:
        """Return the jobs of a key, the oldest first."""
        return [each for each in self._jobs.values() if each.key == key]

    def get(self, key: str, job_id: str) -> Job:
        """Return the job of `key` with that id. Raises RequestError 404."""
        job = self._jobs.get(job_id)
        if job is None or job.key != key:
            raise RequestError(404, "Not found")
        return job

    def delete(self, key: str, job_id: str) -> None:
        """Forget a job that is over. Raises RequestError 403 while it is not, 404 if there is none."""
        if not self.get(key, job_id).over:
            raise RequestError(403, "the job is not in a state in which it can be deleted")
        del self._jobs[job_id]

    def _running(self, key: str) -> int:
        return sum(each.status == "processing" for each in self._jobs.values() if each.key == key)


def result(
    job: Job,
    said: Sequence[Utterance],
    speakers: Sequence[int] | None,
    *,
    took_s: float,
    failing: Collection[str] = (),
    sentiments_as_list: bool = False,
) -> dict[str, Any]:
    """Return what was made of the recording; the add-ons of `failing` have failed, and those that have no model."""
    file = job.file
    duration_s, channels = (file.duration_s, file.channels) if file else (0.0, 1)
    words = transcription(said)
    if speakers is not None:
        words["utterances"] = [
            msgspec.to_builtins(each) | {"speaker": speaker} for each, speaker in zip(said, speakers, strict=True)
        ]
    body: dict[str, Any] = {
        "metadata": {
            "audio_duration": round(duration_s, 3),
            "number_of_distinct_channels": channels,
            "billing_time": round(duration_s * channels, 3),
            "transcription_time": round(took_s, 3),
        },
        "transcription": words,
    }
    for name in ADD_ONS:
        if not getattr(job.request, name):
            continue
        if name in add_ons.WITHOUT_A_MODEL or name in failing:
            body[name] = add_ons.failed(name, add_ons.ON_DEMAND if name in failing else add_ons.NO_MODEL)
        else:
            found = _found(name, job.request, said, speakers)
            body[name] = add_ons.succeeded(name, found, sentiments_as_list=sentiments_as_list)
    return body


def _found(name: str, request: PreRecordedRequest, said: Sequence[Utterance], speakers: Sequence[int] | None) -> Any:
    """Return what an add-on makes of what was said."""
    if name == "summarization":
        return summary(said, (request.summarization_config or SummarizationConfig()).type)
    who = [None] * len(said) if speakers is None else speakers
    return [
        each
        for utterance, speaker in zip(said, who, strict=True)
        for each in add_ons.of_utterance(name, utterance, speaker)
    ]


def shown(job: Job) -> dict[str, Any]:
    """Return what GET answers of a job."""
    params = {name: value for name, value in msgspec.to_builtins(job.request).items() if value is not None}
    params.pop("custom_metadata", None)
    return {
        "id": job.id,
        "request_id": f"G-{job.id[:8]}",
        "version": 2,
        "kind": "pre-recorded",
        "status": job.status,
        "created_at": timestamp(job.created_at_s),
        "completed_at": None if job.completed_at_s is None else timestamp(job.completed_at_s),
        "custom_metadata": job.custom_metadata,
        "error_code": job.error_code,
        "post_session_metadata": {},
        "file": None if job.file is None else _file(job.file),
        "request_params": params,
        "result": job.result,
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "filename": file.filename,
        "source": file.source,
        "audio_duration": round(file.duration_s, 3),
        "number_of_channels": file.channels,
    }


def told(job: Job) -> dict[str, Any]:
    """Return what a callback says of a job that is over."""
    body: dict[str, Any] = {"id": job.id, "custom_metadata": job.custom_metadata}
    if job.status == "done":
        return body | {"event": "transcription.success", "payload": job.result}
    error = {"code": job.error_code, "message": "the recording could not be transcribed"}
    return body | {"event": "transcription.error", "error": error}
