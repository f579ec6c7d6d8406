"""Events as AWS hands them to functions, each for the work that a function is there for, and none like another."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from bench.lambdas.aws import API_KEY, CALL, CROWDED, OVER, SECRETS, TENANT
from callscribe.bus import event as bus_event
from callscribe.entries import CallEnded, Entry
from callscribe.tickets import push_ticket
from callscribe.tickets import sign as sign_ticket
from callscribe.twilio_signature import sign
from infra.packages import ROOT
from local.aws.warm import EVENTS as NOTHING_TO_DO

PUBLIC_URL: Final = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
_DATA: Final = ROOT / "tests" / "data"

Event = Mapping[str, Any]


@cache
def _recorded(name: str) -> str:
    return (_DATA / name).read_text(encoding="utf-8")


def _copy(name: str) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads(_recorded(name))
    return recorded


def _voice(number: int) -> Event:
    """Twilio tells of a call that begins."""
    form = {
        "AccountSid": "AC1", "ApiVersion": "2010-04-01", "CallSid": f"CAnew{number}", "CallStatus": "ringing",
        "CallerName": "", "Direction": "inbound", "From": "+12025550123", "To": "+12025550188",
    }  # fmt: skip
    request = _copy("http_api_webhook.json")
    request["body"] = base64.b64encode(urlencode(form).encode()).decode()
    token = SECRETS["twilio"]["auth_token"]
    request["headers"]["x-twilio-signature"] = sign(f"{PUBLIC_URL}/twilio/voice", list(form.items()), token)
    return request


def _authorize(_number: int) -> Event:
    """A client connects with a ticket."""
    ticket = push_ticket(TENANT, [CALL], expires_at=int(time.time()) + 60)
    text = sign_ticket(ticket, SECRETS["signing"]["current"])
    return _copy("websocket_authorizer.json") | {"queryStringParameters": {"ticket": text}}


def _subscribe(_number: int) -> Event:
    """A client follows a call of 22 entries from its beginning."""
    return _copy("websocket_message.json")


def _written(call_id: str, number: int) -> Event:
    """One utterance was written."""
    texts = [f" word{at}" for at in range(10)]
    words = [[text, 200 * at, 200 * at + 180, 0.9] for at, text in enumerate(texts)]
    body = {
        "leg": "MZ1/inbound", "id": f"G1/{number}", "text": "".join(texts).strip(), "start_ms": 0,
        "end_ms": 2000, "language": "en", "confidence": 0.9, "words": words,
    }  # fmt: skip
    record = _copy("stream_of_calls.json")["Records"][0]
    image, keys = record["dynamodb"]["NewImage"], record["dynamodb"]["Keys"]
    for item in (image, keys):
        item["pk"] = {"S": f"CALL#{call_id}"}
        item["sk"] = {"S": f"LOG#{100 + number:010}"}
    image["kind"], image["body"] = {"S": "utterance"}, {"S": json.dumps(body)}
    return {"Records": [record]}


def _finish(number: int) -> Event:
    """The bus tells of a call that is over."""
    over = Entry(
        f"{OVER}{number}", 24, "2026-11-22T09:15:02.417Z", TENANT, CallEnded(reason="completed", duration_ms=60_000)
    )
    given = bus_event(over, "bus")
    body = {"source": given["Source"], "detail-type": given["DetailType"], "detail": json.loads(given["Detail"])}
    record = {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    return {"Records": [record]}


def _calls(_number: int) -> Event:
    """Somebody with a key reads a call's transcript."""
    request = _copy("http_api_webhook.json")
    route, path = "GET /v1/calls/{call_id}/transcript", f"/v1/calls/{CALL}/transcript"
    request["routeKey"] = request["requestContext"]["routeKey"] = route
    request["rawPath"] = request["requestContext"]["http"]["path"] = path
    request["requestContext"]["http"]["method"] = "GET"
    request["pathParameters"] = {"call_id": CALL}
    request["headers"] = {"authorization": f"Bearer {API_KEY}"}
    return request | {"body": None, "isBase64Encoded": False}


def _page(_number: int) -> Event:
    """Somebody opens the page."""
    return {"rawPath": "/", "headers": {}}


_EVENTS: Final[Mapping[str, Callable[[int], Event]]] = {
    "voice": _voice,
    "authorize": _authorize,
    "subscribe": _subscribe,
    "push": lambda number: _written(CALL, number),
    "publish": lambda number: _written(CALL, number),
    "finish": _finish,
    "calls": _calls,
    "page": _page,
    "sweep": lambda _number: NOTHING_TO_DO["sweep"],
}
# Functions whose events need more than stands here in for AWS: they are started, and asked nothing.
STARTED_ONLY: Final = tuple(sorted(NOTHING_TO_DO.keys() - _EVENTS.keys()))


def event(function: str, number: int) -> Event:
    """Return an event for `function`; one with another number is for another call where one call is served once."""
    return _EVENTS[function](number) if function in _EVENTS else NOTHING_TO_DO[function]


def fan_out(number: int) -> Event:
    """Return an event for `push` whose one utterance is for 500 subscribers."""
    return _written(CROWDED, number)


def served(function: str, answer: Any) -> bool:
    """Return whether `answer` is that of a function that did what its event asks for."""
    match function:
        case "voice" | "calls" | "page" | "subscribe":
            return bool(answer["statusCode"] == 200)
        case "authorize":
            return bool(answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")
        case "push" | "publish" | "finish":
            return bool(answer == {"batchItemFailures": []})
        case _:
            return True
