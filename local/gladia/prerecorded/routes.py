"""The routes of the pre-recorded API, and the tasks that jobs run in."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp import web

from local.gladia.errors import RequestError, decode_json, invalid
from local.gladia.listing import page
from local.gladia.prerecorded.faults import PreRecordedFaults
from local.gladia.prerecorded.files import File, Files
from local.gladia.prerecorded.hearing import hear
from local.gladia.prerecorded.jobs import MOST_S, Job, Jobs, result, shown, told
from local.gladia.prerecorded.request import is_address, parse
from local.gladia.prerecorded.speakers import speakers
from local.gladia.recogniser import Recogniser
from local.gladia.settings import Settings

logger = logging.getLogger(__name__)

PIECE_BYTES = 1 << 18
TIMEOUT = aiohttp.ClientTimeout(sock_connect=5, sock_read=10)


class PreRecorded:
    """Serves recordings while its tasks run: from `start` to `stop`."""

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        settings: Settings,
        folder: Path,
        admit: Callable[[str | None], str],
        clock: Callable[[], float],
    ) -> None:
        """`admit` returns a key that may come in, `clock` POSIX seconds; files are kept in `folder`."""
        self.faults: PreRecordedFaults = settings.faults.prerecorded
        self._recogniser = recogniser
        self._settings = settings
        self._admit = admit
        self._clock = clock
        self._refusals = deque(self.faults.refusals)
        self._files = Files(folder, limit_bytes=settings.upload_limit_bytes)
        self._jobs = Jobs(at_once=settings.recordings_per_key, queue=settings.recordings_queued_per_key)
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return what is served, and by what."""
        return [
            web.post("/v2/upload", self._upload),
            web.post("/v2/pre-recorded", self._create),
            web.get("/v2/pre-recorded", self._list),
            web.get("/v2/pre-recorded/{id}", self._get),
            web.delete("/v2/pre-recorded/{id}", self._delete),
            web.get("/v2/pre-recorded/{id}/file", self._file),
        ]

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _upload(self, http: web.Request) -> web.Response:
        self._admit(http.headers.get("x-gladia-key"))
        self._refuse_on_demand()
        if http.content_type == "application/json":
            asked = decode_json(await http.read())
            if not isinstance(asked, dict) or not is_address(str(asked.get("audio_url", ""))):
                raise invalid("audio_url must be a URL address")
            file = await self._fetched(str(asked["audio_url"]))
        elif http.content_type == "multipart/form-data":
            file = await self._sent(http)
        else:
            raise invalid("the body is neither JSON nor a form")
        metadata = {
            "id": file.id,
            "filename": file.filename,
            "extension": Path(file.filename).suffix.lstrip("."),
            "size": file.size_bytes,
            "audio_duration": round(file.duration_s, 3),
            "number_of_channels": file.channels,
        }
        if file.source is not None:
            metadata["source"] = file.source
        url = http.url.with_path(f"/file/{file.id}").with_query(None)
        return _json({"audio_url": str(url), "audio_metadata": metadata})

    async def _sent(self, http: web.Request) -> File:
        async for part in await http.multipart():
            if isinstance(part, aiohttp.BodyPartReader) and part.name == "audio":
                return await self._files.save(_pieces(part), filename=part.filename or "audio")
        raise invalid("audio should not be null or undefined")

    async def _fetched(self, url: str) -> File:
        """Fetch a file from elsewhere. Raises RequestError 400 if there is none."""
        filename = urlsplit(url).path.rpartition("/")[2] or "audio"
        try:
            async with aiohttp.ClientSession(timeout=TIMEOUT) as session, session.get(url) as answer:
                answer.raise_for_status()
                return await self._files.save(answer.content.iter_chunked(PIECE_BYTES), filename=filename, source=url)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise invalid(f"audio_url can't be fetched: {type(error).__name__}") from error

    async def _create(self, http: web.Request) -> web.Response:
        key = self._admit(http.headers.get("x-gladia-key"))
        self._refuse_on_demand()
        request = parse(await http.read(), nested_unknowns_refused=self._settings.nested_unknowns_refused)
        url = urlsplit(request.audio_url)
        job = Job(key, request, self._clock())
        if url.netloc == http.host and (found := re.fullmatch(r"/file/([0-9a-f-]+)", url.path)):
            job.file = self._files.get(found[1])
            if job.file is None:
                raise invalid("audio_url is not a file of yours")
        self._jobs.add(job)
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        logger.info("job created", extra={"job_id": job.id})
        result_url = http.url.with_path(f"/v2/pre-recorded/{job.id}").with_query(None)
        return _json({"id": job.id, "result_url": str(result_url)}, status=201)

    async def _run(self, job: Job) -> None:
        """Transcribe a recording, and tell whoever wants to know of it."""
        await self._jobs.turn(job)
        if self.faults.fate == "never":
            return
        if self.faults.fate == "error":
            job.status, job.error_code = "error", self.faults.error_code
        else:
            try:
                await self._transcribe(job, self._clock())
            except RequestError as error:
                job.status, job.error_code = "error", error.status
        await self._jobs.over(job, now=self._clock())
        for _ in range(self.faults.callbacks if job.request.told else 0):
            await self._tell(job)

    async def _transcribe(self, job: Job, began: float) -> None:
        if job.file is None:
            job.file = await self._fetched(job.request.audio_url)
        if not job.file.duration_s:
            raise invalid("the file holds no audio that is understood")
        if job.file.duration_s > MOST_S:
            raise invalid(f"the file is longer than {MOST_S / 60:.0f} minutes")
        said = await hear(job.file, self._recogniser, languages=job.request.language_config.languages)
        who = None
        if job.request.diarization:
            # As long as a spectrum of every 10 ms takes.
            who = await asyncio.to_thread(speakers, job.file, said, job.request.diarization_config)
        job.result = result(
            job,
            said,
            who,
            took_s=self._clock() - began,
            failing=self.faults.failing_add_ons,
            sentiments_as_list=self._settings.sentiments_as_list,
        )
        job.status = "done"

    async def _tell(self, job: Job) -> None:
        callback = job.request.told
        if callback is None:
            return
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.request(callback.method, callback.url, data=msgspec.json.encode(told(job)),
                                headers={"Content-Type": "application/json"}) as answer,
            ):  # fmt: skip
                logger.info("callback", extra={"job_id": job.id, "status": answer.status})
        except (aiohttp.ClientError, TimeoutError) as error:
            # Whether Gladia tries again isn't known; it is polled for a reason.
            logger.warning("callback lost", extra={"job_id": job.id, "why": type(error).__name__})

    async def _list(self, http: web.Request) -> web.Response:
        key = self._admit(http.headers.get("x-gladia-key"))
        return _json(page(self._jobs.of(key), shown, query=http.query_string, url=str(http.url.with_query(None))))

    async def _get(self, http: web.Request) -> web.Response:
        return _json(shown(self._job(http)))

    async def _delete(self, http: web.Request) -> web.Response:
        job = self._job(http)
        self._jobs.delete(job.key, job.id)
        return web.Response(status=202)

    async def _file(self, http: web.Request) -> web.StreamResponse:
        job = self._job(http)
        if job.file is None:
            raise RequestError(404, "no audio was received")
        return web.FileResponse(job.file.path, headers={"Content-Type": "application/octet-stream"})

    def _job(self, http: web.Request) -> Job:
        key = self._admit(http.headers.get("x-gladia-key"))
        return self._jobs.get(key, http.match_info["id"])

    def _refuse_on_demand(self) -> None:
        if self._refusals:
            raise RequestError(self._refusals.popleft(), "refused, on demand")


async def _pieces(part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE_BYTES):
        yield piece


def _json(body: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
