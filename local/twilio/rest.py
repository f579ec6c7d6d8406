"""Twilio's REST API for the calls of a switchboard: calls and their media streams, behind HTTP Basic.

Besides, for whoever checks how an account is set up: the account itself, and its numbers by `PhoneNumber`, in full.

What Twilio answers to a fifth forked track, or to a media stream of a name that is in use, isn't documented: it is a
400 here. Source: Twilio, Voice API, "Call resource", "Stream subresource".
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Self

from aiohttp import encode_basic_auth, web

from local.twilio.account import Account, Number
from local.twilio.problems import Problem
from local.twilio.resources import (
    CALL_IS_NOT_IN_PROGRESS,
    VERSION,
    account_resource,
    call_resource,
    changed_number,
    number_resource,
    numbers_page,
    refusal,
    requested_stream,
    stream_resource,
)
from local.twilio.rest_errors import Refused, form_of, not_found
from local.twilio.rest_recordings import RecordingRoutes
from local.twilio.switchboard import CallRecord, LiveCall, Switchboard

_ACCOUNT = f"/{VERSION}/Accounts/{{account}}"
_CALL = f"{_ACCOUNT}/Calls/{{call}}"


class RestServer:
    """Answers for `account` at `url`, from `async with` until its end.

    `refusals` are the statuses (429, 500, 503 …) with which the next requests are answered, whatever they ask.
    """

    def __init__(
        self, account: Account, switchboard: Switchboard, *, port: int = 0, numbers: Sequence[Number] = ()
    ) -> None:
        """`port` 0 takes a free one. Entering raises OSError if it is taken."""
        self.url = ""
        self.refusals: deque[int] = deque()
        self.requests: list[tuple[str, str]] = []  # method and path, in order, refused ones too
        self._port = port
        self._account = account
        self._switchboard = switchboard
        self.numbers = list(numbers)
        app = web.Application(middlewares=[self._check])
        app.add_routes(
            [
                web.get(f"{_ACCOUNT}.json", self._fetch_account),
                web.get(f"{_ACCOUNT}/IncomingPhoneNumbers.json", self._list_numbers),
                web.post(f"{_ACCOUNT}/IncomingPhoneNumbers/{{number}}.json", self._update_number),
                web.get(f"{_CALL}.json", self._fetch_call),
                web.post(f"{_CALL}.json", self._update_call),
                web.post(f"{_CALL}/Streams.json", self._create_stream),
                web.post(f"{_CALL}/Streams/{{stream}}.json", self._update_stream),
                *RecordingRoutes(account, switchboard).routes(),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    @web.middleware
    async def _check(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer errors as Twilio does: those on demand first, then who asks, then what is asked."""
        self.requests.append((request.method, request.path))
        try:
            self._refuse_on_demand()
            self._authenticate(request)
            return await handler(request)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        except web.HTTPNotFound:
            return web.json_response(not_found(request).body, status=HTTPStatus.NOT_FOUND)
        except web.HTTPMethodNotAllowed as error:
            return web.json_response(refusal(error.status, "Method not allowed"), status=error.status)

    def _refuse_on_demand(self) -> None:
        if self.refusals:
            status = HTTPStatus(self.refusals.popleft())
            raise Refused(status, status.phrase)

    def _authenticate(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != encode_basic_auth(self._account.sid, self._account.auth_token):
            raise Refused(HTTPStatus.UNAUTHORIZED, "Authenticate")
        if request.match_info.get("account", self._account.sid) != self._account.sid:
            raise not_found(request)

    async def _fetch_account(self, _request: web.Request) -> web.Response:
        return web.json_response(account_resource(self._account.sid))

    async def _list_numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber")
        found = [each for each in self.numbers if wanted in (None, each.phone_number)]
        return web.json_response(numbers_page(found, self._account.sid, asked=request.path_qs))

    async def _update_number(self, request: web.Request) -> web.Response:
        place = next((n for n, each in enumerate(self.numbers) if each.sid == request.match_info["number"]), None)
        if place is None:
            raise not_found(request)
        changed = changed_number(self.numbers[place], await form_of(request))
        if changed is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "an address of the number is no URL")
        self.numbers[place] = changed
        return web.json_response(number_resource(changed, self._account.sid))

    async def _fetch_call(self, request: web.Request) -> web.Response:
        return self._answer_call(self._record(request))

    async def _update_call(self, request: web.Request) -> web.Response:
        record = self._record(request)
        status = (await form_of(request)).get("Status")
        if status not in ("completed", "canceled"):
            raise Refused(HTTPStatus.BAD_REQUEST, f"Status {status!r} is not one that a call can be given here")
        if status == "canceled" and record.status == "in-progress":
            raise Refused(HTTPStatus.BAD_REQUEST, "Call is in-progress. Cannot cancel.", CALL_IS_NOT_IN_PROGRESS)
        self._live(record).hang_up()
        return self._answer_call(self._record(request))

    async def _create_stream(self, request: web.Request) -> web.Response:
        record = self._record(request)
        verb = requested_stream(await form_of(request))
        if not verb.url:
            raise Refused(HTTPStatus.BAD_REQUEST, "Url is required")
        call = self._live(record)
        if record.status != "in-progress":
            raise _not_in_progress()
        stream = call.attach(verb)
        if isinstance(stream, Problem):
            raise Refused(HTTPStatus.BAD_REQUEST, stream.text, stream.code)
        body = stream_resource(stream, call_sid=record.sid, account_sid=self._account.sid, now_s=time.time())
        return web.json_response(body, status=HTTPStatus.CREATED)

    async def _update_stream(self, request: web.Request) -> web.Response:
        record = self._record(request)
        status = (await form_of(request)).get("Status")
        if status != "stopped":
            raise Refused(HTTPStatus.BAD_REQUEST, f"Status {status!r} is not one that a media stream can be given")
        call = self._switchboard.live(record.sid)
        stream = None if call is None else call.detach(request.match_info["stream"])
        if stream is None:
            raise not_found(request)
        return web.json_response(
            stream_resource(stream, call_sid=record.sid, account_sid=self._account.sid, now_s=time.time())
        )

    def _record(self, request: web.Request) -> CallRecord:
        record = self._switchboard.record(request.match_info["call"])
        if record is None:
            raise not_found(request)
        return record

    def _live(self, record: CallRecord) -> LiveCall:
        call = self._switchboard.live(record.sid)
        if call is None or record.status == "completed":
            raise _not_in_progress()
        return call

    def _answer_call(self, record: CallRecord) -> web.Response:
        return web.json_response(call_resource(record, self._account.sid))


def _not_in_progress() -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "Call is not in-progress. Cannot redirect.", CALL_IS_NOT_IN_PROGRESS)
