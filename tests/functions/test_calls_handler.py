"""The HTTP API as API Gateway hands it requests: calls, logs, transcripts, tickets, media streams."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import parse_qs, urlsplit

import boto3
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from callscribe.api_keys import ApiKeys, new_key
from callscribe.difference import Change
from callscribe.entries import CallEnded, CallStarted, Dtmf, Ledger, LegEnded, LegGap, LegStarted, Utterance, Word
from callscribe.errors import Unavailable
from callscribe.second_pass import BatchReady
from callscribe.second_transcript import RecordedLine, SecondTranscript, encode
from callscribe.tickets import verify
from local.twilio.account import Account
from local.twilio.rest import RestServer
from local.twilio.switchboard import CallRecord, StreamRecord, Switchboard
from tests.routes import matched

AT = "2026-11-22T09:15:02.417Z"
ACCOUNT = "AC" + "0123456789abcdef" * 2
SETTINGS = {"then": {"dial": "+12025550199"}, "tenant": "acme", "tracks": "inbound_track"}


def started(**changed) -> CallStarted:
    about = {"provider": "twilio", "direction": "inbound", "account": ACCOUNT, "settings": SETTINGS,
             "from_number": "+12025550101", "to_number": "+12025550188", "metadata": {"queue": "sales"}}  # fmt: skip
    return CallStarted(**(about | changed))


def leg(name: str = "MZ1/inbound", party: str = "caller") -> LegStarted:
    return LegStarted(
        leg=name, party=party, track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0,
    )  # fmt: skip


def said(text: str, *, start_ms: int = 0) -> Utterance:
    return Utterance(
        leg="MZ1/inbound", id=f"G1/{start_ms}", text=text, start_ms=start_ms, end_ms=start_ms + 900, language="en",
        confidence=0.9, words=(),
    )  # fmt: skip


ENDED = LegEnded(leg="MZ1/inbound", ledger=Ledger(heard=8000, sent=8000, acknowledged=8000), sessions=1, reconnects=0)


class Api:
    """A client of the API with one key."""

    def __init__(self, handler, context, event, key: str) -> None:
        self.handler, self.context, self.event, self.key = handler, context, event, key

    def ask(self, method: str, path: str, *, body=None, headers=None, authorizer=None, **query):
        request = self.event("http_api_webhook.json")
        request["rawPath"] = request["requestContext"]["http"]["path"] = path
        request["requestContext"]["http"]["method"] = method
        route, request["pathParameters"] = matched(method, path)
        request["routeKey"] = request["requestContext"]["routeKey"] = route
        request["headers"] = {"authorization": f"Bearer {self.key}"} if headers is None else headers
        if query:
            request["queryStringParameters"] = {name: str(value) for name, value in query.items()}
        request["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        request["isBase64Encoded"] = False
        if authorizer is not None:
            request["requestContext"]["authorizer"] = authorizer
        return Answer(self.handler(request, self.context))

    def get(self, path: str, **query):
        return self.ask("GET", path, **query)


class Answer:
    def __init__(self, response: dict) -> None:
        self.status = response["statusCode"]
        self.headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
        for name, values in response.get("multiValueHeaders", {}).items():
            self.headers[name.lower()] = values[0]
        self.text = response["body"] or ""
        assert not response.get("isBase64Encoded")

    @property
    def json(self):
        return json.loads(self.text)


@pytest.fixture
def key(aws) -> str:
    new = new_key("acme", "CRM", at=AT)
    aws.table(ApiKeys("Keys").add(new))
    return new.text


@pytest.fixture
def api(aws, start, event, context, key) -> Api:
    return Api(start("calls"), context, event, key)


# Who asks


def test_nobody_is_served_without_a_key(api):
    for headers in ({}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer"}, {"authorization": "Bearer cs_x"}):
        answer = api.ask("GET", "/v1/calls", headers=headers)

        assert (answer.status, answer.json["code"]) == (401, "unauthorized")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_is_turned_away_at_once(api, aws):
    assert api.get("/v1/calls").status == 200

    aws.table(ApiKeys("Keys").revoke(api.key.split("_")[1], at=AT))

    assert api.get("/v1/calls").status == 401


def test_a_token_that_api_gateway_has_checked_tells_the_tenant(api, aws):
    aws.append("CA1", started(), tenant="acme")
    checked = {"jwt": {"claims": {"iss": "https://issuer.example.test", "tenant": "acme"}, "scopes": None}}

    assert api.ask("GET", "/v1/calls/CA1", headers={}, authorizer=checked).status == 200
    checked["jwt"]["claims"]["tenant"] = "other"
    assert api.ask("GET", "/v1/calls/CA1", headers={}, authorizer=checked).status == 404
    del checked["jwt"]["claims"]["tenant"]
    assert api.ask("GET", "/v1/calls/CA1", authorizer=checked).status == 401


# Reading


def test_calls_are_listed_in_pages(api, aws):
    for number in range(3):
        aws.append(f"CA{number}", started())
    aws.append("CA8", started(), tenant="other")

    first = api.get("/v1/calls", limit=2).json
    second = api.get("/v1/calls", limit=2, next=first["next"]).json

    listed = [call["call_id"] for page in (first, second) for call in page["calls"]]
    assert sorted(listed) == ["CA0", "CA1", "CA2"]
    assert second["next"] is None
    assert (first["calls"][0]["from"], first["calls"][0]["status"]) == ("+12025550101", "in-progress")


def test_calls_are_listed_by_what_is_asked_for(api, aws):
    aws.append("CA1", started())
    aws.append("CA2", started(from_number="+12025550150"), CallEnded(reason="completed", duration_ms=7000))

    assert [call["call_id"] for call in api.get("/v1/calls", status="ended").json["calls"]] == ["CA2"]
    assert [call["call_id"] for call in api.get("/v1/calls", number="+12025550101").json["calls"]] == ["CA1"]
    assert api.get("/v1/calls", since="2026-11-23T00:00:00+02:00").json["calls"] == []


def test_a_call_tells_how_it_stands(api, aws):
    gap = LegGap(leg="MZ1/inbound", start_ms=20, end_ms=60, cause="not delivered by the carrier")
    aws.append("CA1", started(), leg(), said("Good morning."), gap)

    call = api.get("/v1/calls/CA1").json

    assert (call["status"], call["seq"], call["utterances"], call["complete"]) == ("in-progress", 4, 1, False)
    assert call["metadata"] == {"queue": "sales"}
    assert [(leg["party"], leg["gap_ms"], leg["ledger"]) for leg in call["legs"]] == [("caller", 40, None)]


def test_a_log_is_read_from_a_number_on(api, aws):
    aws.append("CA1", started(), leg(), *(said(f"{place}", start_ms=1000 * place) for place in range(3)))

    page = api.get("/v1/calls/CA1/log", after=2, limit=2).json
    last = api.get("/v1/calls/CA1/log", after=page["next"]).json

    assert [(entry["seq"], entry["body"]["text"]) for entry in page["entries"]] == [(3, "0"), (4, "1")]
    assert [entry["seq"] for entry in last["entries"]] == [5]
    assert last["next"] is None
    assert api.get("/v1/calls/CA1/log", after=99).json["entries"] == []


@pytest.mark.parametrize(
    ("form", "media_type", "text"),
    [
        ("json", "application/json", '"text":"Good morning."'),
        ("vtt", "text/vtt; charset=utf-8", "<v caller>Good morning.</v>"),
        ("srt", "application/x-subrip; charset=utf-8", "caller: Good morning."),
        ("text", "text/plain; charset=utf-8", "[00:00:00.000] caller: Good morning."),
        ("csv", "text/csv; charset=utf-8; header=present", "caller,Good morning.,en"),
    ],
)
def test_a_transcript_comes_in_the_format_that_is_asked_for(api, aws, form, media_type, text):
    aws.append("CA1", started(), leg(), said("Good morning."), Dtmf(leg="MZ1/inbound", digit="1", at_ms=5), ENDED)

    answer = api.get("/v1/calls/CA1/transcript", format=form)

    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert text in answer.text
    assert answer.headers["content-disposition"].startswith('inline; filename="CA1.')


def test_a_second_pass_is_read_without_the_times_of_its_words(api, aws):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    word = Word(text="card", start_ms=0, end_ms=9, confidence=0.9)
    line = RecordedLine(party="caller", utterance=msgspec.structs.replace(said("my card"), words=(word,)))
    change = Change(party="caller", start_ms=0, end_ms=9, live="car", recorded="card")
    file = SecondTranscript(
        call_id="CA1", job="j1", recording="RE1", offset_ms=40, lines=(line,), differences=(), changes=(change,)
    )
    ready = BatchReady(job="j1", recording="RE1", transcript="batch/CA1.json", differences=())
    aws.append("CA1", started(), ready)

    missing = api.ask("GET", "/v1/calls/CA1/second-pass")
    assert (missing.status, missing.json["code"]) == (404, "no-second-pass")
    s3.put_object(Bucket="archive", Key=ready.transcript, Body=encode(file))
    found = api.ask("GET", "/v1/calls/CA1/second-pass").json
    assert found["changes"] == [{"party": "caller", "start_ms": 0, "end_ms": 9, "live": "car", "recorded": "card"}]
    assert [(each["utterance"]["text"], each["utterance"]["words"]) for each in found["lines"]] == [("my card", [])]
    aws.append("CA2", started())
    assert api.ask("GET", "/v1/calls/CA2/second-pass").json["code"] == "no-second-pass"
    aws.append("CA3", started(), ready, tenant="other")
    assert api.ask("GET", "/v1/calls/CA3/second-pass").json["code"] == "no-such-call"


def test_a_call_of_another_tenant_is_not_there(api, aws):
    aws.append("CA1", started(), leg(), tenant="other")

    for method, path in (
        ("GET", "/v1/calls/CA1"),
        ("GET", "/v1/calls/CA1/log"),
        ("GET", "/v1/calls/CA1/transcript"),
        ("POST", "/v1/calls/CA1/streams"),
        ("DELETE", "/v1/calls/CA1/streams/MZ1"),
    ):
        answer, absent = api.ask(method, path), api.ask(method, path.replace("CA1", "CA2"))
        assert (answer.status, answer.text) == (404, absent.text)


# Tickets


def test_a_ticket_is_for_the_calls_that_were_named_and_for_no_longer_than_asked(api):
    answer = api.ask("POST", "/v1/tickets", body={"calls": ["CA1", "CA2"], "seconds": 90})

    assert answer.status == 201
    found = verify(answer.json["ticket"], ["example-key-not-a-secret"], use="push", now_s=time.time())
    assert (found.tenant, found.calls) == ("acme", ("CA1", "CA2"))
    assert 80 < found.expires_at - time.time() <= 90
    url = urlsplit(answer.json["url"])
    assert (url.scheme, url.path) == ("wss", "/live")
    assert parse_qs(url.query) == {"ticket": [answer.json["ticket"]]}


def test_without_calls_a_ticket_is_for_all_of_the_tenant(api):
    ticket = api.ask("POST", "/v1/tickets", body="").json["ticket"]

    found = verify(ticket, ["example-key-not-a-secret"], use="push", now_s=time.time())
    assert (found.tenant, found.calls) == ("acme", None)


# Media streams


class Line:
    """A call at the simulated Twilio."""

    sid = "CA1"

    def __init__(self) -> None:
        self.status = "in-progress"
        self.asked: list = []
        self.stopped: list[str] = []

    def record(self) -> CallRecord:
        return CallRecord("CA1", "+12025550101", "+12025550188", "inbound", self.status, time.time() - 60, None, None)

    def attach(self, verb) -> StreamRecord:
        self.asked.append(verb)
        return StreamRecord("MZ2", verb.name, "in-progress")

    def detach(self, name) -> StreamRecord:
        self.stopped.append(name)
        return StreamRecord("MZ1", None, "stopped")

    def hang_up(self) -> None:
        self.status = "completed"


@pytest.fixture
async def line(aws, environment):
    line, switchboard = Line(), Switchboard()
    switchboard.connect(line)
    async with RestServer(Account(ACCOUNT, "example-token-not-a-secret"), switchboard) as server:
        environment.setenv("TWILIO_URL", server.url)
        yield line


@pytest.fixture
def ask(line, start, event, context, key):
    """Ask the API in a thread, while the simulated Twilio answers in this one."""
    api = Api(start("calls"), context, event, key)
    return lambda *arguments, **options: asyncio.to_thread(api.ask, *arguments, **options)


async def test_a_stream_is_asked_for_with_the_settings_in_force(ask, line, aws):
    aws.append("CA1", started())

    answer = await ask("POST", "/v1/calls/CA1/streams")

    assert (answer.status, answer.json) == (202, {"call_id": "CA1", "media_stream": "MZ2"})
    (verb,) = line.asked
    assert verb.track == "inbound_track"
    ticket = verb.url.rpartition("/")[2]
    assert verify(ticket, ["example-key-not-a-secret"], use="media", now_s=time.time()).calls == ("CA1",)


async def test_a_call_that_came_in_elsewhere_gets_its_log_from_what_twilio_knows(ask, line, aws):
    aws.set_settings(json.dumps({"default": {"then": {"say": "no"}, "tenant": "other"},
                                 "numbers": {"+12025550188": SETTINGS}}))  # fmt: skip

    answer = await ask("POST", "/v1/calls/CA1/streams", body={"account": ACCOUNT, "tracks": "both_tracks"})

    assert answer.status == 202
    (entry,) = aws.log("CA1")
    assert (entry.tenant, entry.body.from_number, entry.body.to_number) == ("acme", "+12025550101", "+12025550188")
    assert line.asked[0].track == "both_tracks"


async def test_a_call_on_a_number_of_another_tenant_is_left_alone(ask, line, aws):
    aws.set_settings(json.dumps({"default": {"then": {"say": "no"}, "tenant": "other"}}))

    answer = await ask("POST", "/v1/calls/CA1/streams", body={"account": ACCOUNT})

    assert (answer.status, answer.json["code"]) == (404, "no-such-call")
    assert aws.log("CA1") == []
    assert line.asked == []


async def test_a_call_that_twilio_does_not_carry_is_not_asked_for_there(ask, line, aws):
    aws.append("pbx.1", started(provider="asterisk", account="pbx"))

    answer = await ask("POST", "/v1/calls/pbx.1/streams")

    assert (answer.status, answer.json["code"]) == (409, "not-of-twilio")
    assert line.asked == []


async def test_a_call_that_is_over_or_has_a_stream_gets_none(ask, line, aws):
    aws.append("CA1", started(), leg())
    assert (await ask("POST", "/v1/calls/CA1/streams")).json["code"] == "stream-live"

    aws.append("CA1", ENDED)
    line.hang_up()
    assert (await ask("POST", "/v1/calls/CA1/streams")).json["code"] == "call-over"

    aws.append("CA1", CallEnded(reason="completed", duration_ms=1))
    answer = await ask("POST", "/v1/calls/CA1/streams")
    assert (answer.status, answer.json["code"]) == (409, "call-over")


async def test_a_stream_is_stopped_once_and_a_strange_one_is_not_there(ask, line, aws):
    aws.append("CA1", started(), leg())

    assert (await ask("DELETE", "/v1/calls/CA1/streams/MZ9")).json["code"] == "no-such-stream"
    assert (await ask("DELETE", "/v1/calls/CA1/streams/MZ1")).status == 204
    aws.append("CA1", ENDED)
    assert (await ask("DELETE", "/v1/calls/CA1/streams/MZ1")).status == 204
    assert line.stopped == ["MZ1"]


# What goes wrong


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/calls", {"limit": "0"}, "limit"),
        ("/v1/calls", {"limit": "many"}, "limit"),
        ("/v1/calls", {"colour": "red"}, "colour"),
        ("/v1/calls", {"status": "gone"}, "status"),
        ("/v1/calls", {"since": "yesterday"}, "since"),
        ("/v1/calls", {"next": "nowhere"}, "next"),
        ("/v1/calls/CA1/log", {"after": "-1"}, "after"),
        ("/v1/calls/CA1/transcript", {"format": "docx"}, "format"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_by_its_field(api, aws, path, query, field):
    aws.append("CA1", started())

    answer = api.get(path, **query)

    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "malformed", field)
    assert answer.json["type"] == "about:blank"
    assert (answer.json["title"], answer.json["status"]) == ("Bad Request", 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("{", None),
        ("[]", None),
        ('{"calls":[]}', "calls"),
        ('{"calls":["CA1"],"seconds":1}', "seconds"),
        ('{"call":"CA1"}', "call"),
        ("[" * 5000, None),
    ],
)
def test_a_body_that_makes_no_sense_is_told_by_its_field(api, body, field):
    answer = api.ask("POST", "/v1/tickets", body=body)

    assert (answer.status, answer.json["code"], answer.json["field"]) == (400, "malformed", field)


def test_an_operation_that_is_not_there_is_a_problem_too(api):
    for method, path in (("GET", "/"), ("GET", "/v2/calls"), ("PUT", "/v1/calls"), ("GET", "/v1/calls/CA1/x/y")):
        answer = api.ask(method, path)
        assert (answer.status, answer.json["code"]) == (404, "no-such-operation")


def test_while_the_log_cannot_be_read_the_client_is_told_when_to_ask_again(api, monkeypatch):
    def throttled(_client, _steps):
        raise Unavailable("dynamodb: ThrottlingException")

    monkeypatch.setattr(sys.modules["functions.calls.handler"], "perform", throttled)

    answer = api.get("/v1/calls")

    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")


def test_no_log_line_holds_a_key_a_number_a_ticket_or_what_was_said(api, aws, logged):
    aws.append("CA1", started(), leg(), said("A secret word."))

    api.get("/v1/calls/CA1/transcript")
    api.get("/v1/calls", number="+12025550101")
    ticket = api.ask("POST", "/v1/tickets").json["ticket"]
    api.get("/v1/calls", status="+12025550101")

    text = logged()
    assert "key " in text
    for secret in (api.key, ticket, "+12025550101", "secret word"):
        assert secret not in text


# The API's own description


def test_the_description_is_openapi_and_names_every_operation(api):
    document = api.ask("GET", "/v1/openapi.json", headers={}).json

    OpenAPIV31SpecValidator(document).validate()
    routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert routes == {
        ("GET", "/v1/calls"),
        ("GET", "/v1/calls/{call_id}"),
        ("GET", "/v1/calls/{call_id}/log"),
        ("GET", "/v1/calls/{call_id}/transcript"),
        ("POST", "/v1/calls/{call_id}/streams"),
        ("DELETE", "/v1/calls/{call_id}/streams/{media_stream}"),
        ("GET", "/v1/calls/{call_id}/second-pass"),
        ("GET", "/v1/search"),
        ("POST", "/v1/tickets"),
    }
