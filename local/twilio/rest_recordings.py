"""The recordings of a switchboard's calls in Twilio's REST API: begun, listed, fetched, and heard.

Source: Twilio, Voice API, "Recordings resource".
"""

import time
from http import HTTPStatus

from aiohttp import web

from local.twilio.account import Account
from local.twilio.recordings import Recording, requested_recording
from local.twilio.resources import CALL_IS_NOT_IN_PROGRESS, VERSION, recording_resource, recordings_page
from local.twilio.rest_errors import Refused, form_of, not_found
from local.twilio.switchboard import Switchboard

_ACCOUNT = f"/{VERSION}/Accounts/{{account}}"
_CALL = f"{_ACCOUNT}/Calls/{{call}}/Recordings.json"


class RecordingRoutes:
    """Answers for the recordings of `account`."""

    def __init__(self, account: Account, switchboard: Switchboard) -> None:
        self._account = account
        self._switchboard = switchboard
        self._recordings = switchboard.recordings

    def routes(self) -> list[web.RouteDef]:
        """Return what is served, and by what."""
        return [
            web.post(_CALL, self._start),
            web.get(_CALL, self._list),
            web.get(f"{_ACCOUNT}/Recordings.json", self._list),
            web.get(f"{_ACCOUNT}/Recordings/{{recording}}.json", self._fetch),
            web.delete(f"{_ACCOUNT}/Recordings/{{recording}}.json", self._delete),
            web.get(f"{_ACCOUNT}/Recordings/{{recording}}.wav", self._audio),
        ]

    async def _start(self, request: web.Request) -> web.Response:
        record = self._switchboard.record(request.match_info["call"])
        if record is None:
            raise not_found(request)
        asked = requested_recording(await form_of(request))
        if asked is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "a value is not one that a recording can be given")
        call = self._switchboard.live(record.sid)
        if call is None or record.status != "in-progress":
            raise Refused(
                HTTPStatus.BAD_REQUEST, "Requested resource is not eligible for recording", CALL_IS_NOT_IN_PROGRESS
            )
        recording = self._recordings.start(record.sid, asked, now_s=time.time())
        call.record_from_now(recording)
        return web.json_response(recording_resource(recording, self._account.sid), status=HTTPStatus.CREATED)

    async def _list(self, request: web.Request) -> web.Response:
        call_sid = request.match_info.get("call") or request.query.get("CallSid")
        if "call" in request.match_info and self._switchboard.record(request.match_info["call"]) is None:
            raise not_found(request)
        found = self._recordings.of(call_sid)
        return web.json_response(recordings_page(found, self._account.sid, asked=request.path_qs))

    async def _fetch(self, request: web.Request) -> web.Response:
        return web.json_response(recording_resource(self._recording(request), self._account.sid))

    async def _delete(self, request: web.Request) -> web.Response:
        if not self._recordings.delete(request.match_info["recording"]):
            raise not_found(request)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _audio(self, request: web.Request) -> web.StreamResponse:
        recording = self._recording(request)
        recording.fetched += 1
        if recording.status != "completed" or recording.fetched <= recording.faults.not_found_first:
            raise not_found(request)
        channels = request.query.get("RequestedChannels", str(recording.request.channels))
        if channels not in ("1", "2") or int(channels) > recording.request.channels:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the recording has no {channels} channels")
        size, pieces = recording.wav(2 if channels == "2" else 1)
        answer = web.StreamResponse(headers={"Content-Type": "audio/x-wav", "Content-Length": str(size)})
        await answer.prepare(request)
        for piece in pieces:
            await answer.write(piece)
        await answer.write_eof()
        return answer

    def _recording(self, request: web.Request) -> Recording:
        recording = self._recordings.get(request.match_info["recording"])
        if recording is None:
            raise not_found(request)
        return recording
