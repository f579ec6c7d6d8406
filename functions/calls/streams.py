"""Media streams of a call that is on the line: asked of Twilio, and stopped."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from callscribe.call import Call, fold
from callscribe.entries import TWILIO, CallStarted, timestamp
from callscribe.errors import Refused
from callscribe.http_answers import StreamAnswer
from callscribe.log import Log
from callscribe.media_address import media_stream_url
from callscribe.settings import number_settings_in_force
from callscribe.twilio_rest import CallOver, Track
from functions.calls.problems import Problem, conflict, malformed, no_such_call
from functions.calls.questions import StreamQuestion
from functions.calls.service import Asked, Reply, Service, reply
from functions.found import DEFAULT, Found, find
from functions.kept import Missing
from functions.secrets import signing_keys

_OVER = "the call is not in progress"


def start_stream(service: Service, asked: Asked) -> Reply:
    """Begin to transcribe a call that is in progress, whether or not it came in through callscribe."""
    question: StreamQuestion = asked.question
    call = _known(service, asked) or _opened(service, asked, question.account)
    if call.ended is not None:
        raise conflict("call-over", _OVER)
    if _live(call):
        raise conflict("stream-live", "the call has a media stream already")
    started = service.ask(
        service.twilio().start_stream(
            _account(call),
            asked.call_id,
            url=media_stream_url(
                service.media_url(),
                tenant=asked.tenant,
                call_id=asked.call_id,
                key=signing_keys(service.signing_secret())[0],
                now_s=asked.now.timestamp(),
            ),
            track=question.tracks or _tracks(call),
            status_callback=service.stream_status_url,
        )
    )
    if isinstance(started, CallOver):
        raise conflict("call-over", _OVER)
    return reply(StreamAnswer(call_id=asked.call_id, media_stream=started.sid), HTTPStatus.ACCEPTED)


def stop_stream(service: Service, asked: Asked) -> Reply:
    """Stop transcribing: what was heard is still told; one that is over already is as good as stopped."""
    call = _known(service, asked)
    if call is None:
        raise no_such_call()
    media_stream = asked.path["media_stream"]
    if all(leg.started.media_stream != media_stream for leg in call.legs):
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-stream", "the call has no such media stream", field="media_stream")
    if media_stream in _live(call):
        service.ask(service.twilio().stop_stream(_account(call), asked.call_id, media_stream))
    return Reply(status=HTTPStatus.NO_CONTENT)


def _known(service: Service, asked: Asked) -> Call | None:
    """Return the call as its log tells; None if it has none. Raises Problem for another tenant's."""
    if not service.perform(Log(service.calls_table, asked.call_id).read(limit=1)):
        return None
    return fold(service.log(asked.call_id, asked.tenant))


def _opened(service: Service, asked: Asked, account: str | None) -> Call:
    """Open the log of a call that came in without us, as Twilio knows it, if its number is this tenant's."""
    if account is None:
        raise no_such_call()
    state = service.ask(service.twilio().fetch_call(account, asked.call_id))
    if isinstance(state, CallOver):
        raise no_such_call()
    own_number = state.to_number if state.direction == "inbound" else state.from_number
    found = _found(service, own_number)
    if found.settings.tenant != asked.tenant:
        raise no_such_call()
    if not state.in_progress:
        raise conflict("call-over", _OVER)
    if not found.transcribed:
        raise malformed(f"the number's {found.fault}")
    body = CallStarted(
        provider=TWILIO,
        direction=state.direction,
        account=account,
        from_number=state.from_number,
        to_number=state.to_number,
        settings=msgspec.to_builtins(found.settings),
    )
    log = Log(service.calls_table, asked.call_id)
    # Under the token of the voice webhook and of the bridge, should they hear of the call at this moment.
    steps = log.open(body, at=timestamp(asked.now), tenant=asked.tenant, token=asked.call_id)
    first = service.perform(steps)
    if first.tenant != asked.tenant:
        raise no_such_call()
    return fold([first])


def _found(service: Service, number: str) -> Found:
    try:
        return find(service.settings(), number)
    except Missing:
        return Found(DEFAULT)


def _live(call: Call) -> set[str]:
    return {leg.started.media_stream for leg in call.legs if leg.ended is None}


def _account(call: Call) -> str:
    if call.started is None or not call.started.account:
        raise Refused("the log does not tell whose call it is")
    if call.started.provider != TWILIO:
        raise conflict("not-of-twilio", "media streams of this call are opened and closed by who carries it")
    return call.started.account


def _tracks(call: Call) -> Track:
    if call.started is None or not call.started.settings:
        return "both_tracks"
    return number_settings_in_force(call.started.settings).tracks
