"""What webhooks do to a call's log, and that the phone call goes on whatever fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError

from callscribe.call import fold
from callscribe.entries import CallEnded, CallFailed, CallStarted, Entry, Utterance
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.media_address import TICKET_S
from callscribe.requests import Conflict, Request
from callscribe.settings import settings_in_force
from callscribe.tickets import verify
from functions.kept import Missing
from functions.voice.reception import Reception
from functions.voice.webhook import CallForm, StatusForm, StreamForm

NOW = datetime(2026, 11, 22, 9, 15, 2, 417000, UTC)
OURS = "+12025550188"
KEY = "example-key-not-a-secret"
CALL = CallForm(call_id="CA1", account="AC1", from_number="+12025550123", to_number=OURS)
REDIRECT = {"then": {"redirect": "https://app.example.test/voice"}, "tenant": "acme"}
DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem")


class Calls:
    """The table of logs; fails as it is told, from the request of that number on."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict] = {}
        self.failure: Exception | None = None

    def perform(self, steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            if self.failure is not None:
                raise self.failure
            answer = self.answer(request)

    def answer(self, request: Request):
        arguments = request.arguments
        if request.method == "put_item":
            key = (arguments["Item"]["pk"]["S"], arguments["Item"]["sk"]["S"])
            if key in self.items:
                return Conflict(self.items[key])
            self.items[key] = arguments["Item"]
        if request.method == "query":
            values = arguments["ExpressionAttributeValues"]
            found = [
                item
                for (pk, sk), item in sorted(self.items.items())
                if pk == values[":pk"]["S"] and values[":first"]["S"] <= sk <= values[":last"]["S"]
            ]
            return {"Items": found[: arguments["Limit"]]}
        return {}

    def log(self, call_id: str = "CA1") -> list[Entry]:
        return self.perform(Log("Calls", call_id).read())


class Deployment:
    """A reception and all that it depends on; what is an exception is raised instead."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.settings: object = json.dumps({"default": REDIRECT})
        self.media_url: object = "wss://d111111abcdef8.cloudfront.net"
        self.signing: object = json.dumps({"current": KEY})
        self.reception = Reception(
            calls_table="Calls",
            public_url="https://voice.example.test",
            perform=self.calls.perform,
            settings=lambda: self.text(self.settings),
            media_url=lambda: self.text(self.media_url),
            signing_secret=lambda: self.text(self.signing),
        )

    @staticmethod
    def text(value: object) -> str:
        if isinstance(value, Exception):
            raise value
        return str(value)

    def open(self, form: CallForm = CALL, **metadata: str):
        return self.reception.open(form, metadata, now=NOW)

    def close(self, status: str = "completed", *, duration_s: str = "7", form: CallForm = CALL) -> bool:
        ended = StatusForm(
            call_id=form.call_id,
            account=form.account,
            from_number=form.from_number,
            to_number=form.to_number,
            direction=form.direction,
            status=status,
            duration_s=duration_s,
        )
        return self.reception.close(ended, {}, now=NOW)


def verbs(twiml: str) -> list[str]:
    return [each.tag for each in ET.fromstring(twiml)]


def kinds(deployment: Deployment) -> list[str]:
    return [each.kind for each in deployment.calls.log()]


def ticket_of(twiml: str, *, now_s: float = NOW.timestamp()):
    url = ET.fromstring(twiml).find("Start/Stream").get("url")
    return verify(url.rpartition("/")[2], [KEY], use="media", now_s=now_s)


def test_a_call_opens_its_log_with_its_parties_and_the_settings_in_force():
    deployment = Deployment()
    opened = deployment.open(ForwardedFrom="+1")

    (first,) = deployment.calls.log()
    assert first.seq == 1
    assert (first.tenant, first.at) == ("acme", "2026-11-22T09:15:02.417Z")
    assert isinstance(first.body, CallStarted)
    assert (first.body.provider, first.body.direction, first.body.account) == ("twilio", "inbound", "AC1")
    assert (first.body.from_number, first.body.to_number) == ("+12025550123", OURS)
    assert first.body.metadata == {"ForwardedFrom": "+1"}
    assert settings_in_force(first.body.settings).then.redirect == "https://app.example.test/voice"
    assert opened.losses == ()


def test_the_answer_starts_the_stream_and_goes_on_with_what_the_settings_say():
    twiml = Deployment().open().twiml
    stream = ET.fromstring(twiml).find("Start/Stream")

    assert verbs(twiml) == ["Start", "Redirect"]
    assert stream.get("url").startswith("wss://d111111abcdef8.cloudfront.net/twilio/")
    assert "?" not in stream.get("url")
    assert (stream.get("name"), stream.get("track")) == ("callscribe", "both_tracks")
    assert stream.get("statusCallback") == "https://voice.example.test/twilio/stream"


def test_the_streams_ticket_is_for_this_call_and_tenant_and_a_short_time():
    ticket = ticket_of(Deployment().open().twiml)

    assert (ticket.use, ticket.tenant, ticket.calls) == ("media", "acme", ("CA1",))
    assert ticket.expires_at == int(NOW.timestamp()) + TICKET_S
    assert 30 <= TICKET_S <= 300


def test_a_repeated_request_opens_nothing_twice_and_is_answered_by_the_settings_in_force():
    deployment = Deployment()
    deployment.open()
    deployment.settings = json.dumps({"default": {"then": {"say": "changed"}, "tracks": "inbound_track"}})

    again = deployment.open()

    assert kinds(deployment) == ["call.started"]
    assert verbs(again.twiml) == ["Start", "Redirect"]
    assert ticket_of(again.twiml).tenant == "acme"


@pytest.mark.parametrize(
    ("direction", "from_number", "to_number"),
    [("inbound", "+12025550123", OURS), ("outbound-api", OURS, "+12025550123")],
)
def test_a_call_has_the_settings_of_our_own_number(direction, from_number, to_number):
    deployment = Deployment()
    deployment.settings = json.dumps({"default": REDIRECT, "numbers": {OURS: {"then": {"dial": "+1"}, "tenant": "b"}}})
    form = CallForm(call_id="CA1", account="AC1", direction=direction, from_number=from_number, to_number=to_number)

    assert verbs(deployment.open(form).twiml) == ["Start", "Dial"]
    assert deployment.calls.log()[0].tenant == "b"


@pytest.mark.parametrize("settings", [Missing("ParameterNotFound"), "{}"])
def test_without_settings_a_call_is_transcribed_and_told_so(settings):
    deployment = Deployment()
    deployment.settings = settings
    opened = deployment.open()

    assert verbs(opened.twiml) == ["Start", "Say"]
    assert opened.losses == ()


def test_a_bridge_that_opens_the_log_at_the_same_moment_finds_it_open():
    deployment = Deployment()
    deployment.open()
    opening = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="", to_number="")

    steps = Log("Calls", "CA1").append(opening, at="", tenant="acme", token="CA1", tail=0)
    assert deployment.calls.perform(steps) == deployment.calls.log()[0]
    assert kinds(deployment) == ["call.started"]


def test_settings_with_a_mistake_cost_the_transcript_and_not_the_call():
    deployment = Deployment()
    deployment.settings = json.dumps({"default": {**REDIRECT, "trakcs": "both_tracks"}})
    opened = deployment.open()

    assert verbs(opened.twiml) == ["Redirect"]
    assert [each.what for each in opened.losses] == ["settings", "transcript"]
    failed = fold(deployment.calls.log()).failed
    assert failed is not None
    assert "trakcs" in failed.reason
    assert failed.kept == "the phone call"


@pytest.mark.parametrize("settings", ["no JSON", Unavailable("ssm"), Refused("not allowed"), '{"default":{"then":{}}}'])
def test_a_call_of_which_nobody_knows_what_it_does_is_left_to_the_fallback_url(settings):
    deployment = Deployment()
    deployment.settings = settings

    with pytest.raises((Refused, Unavailable)):
        deployment.open()
    assert deployment.calls.log() == []


@pytest.mark.parametrize("failure", [Unavailable("dynamodb: ThrottlingException"), DENIED])
def test_a_table_that_cannot_be_written_costs_neither_the_call_nor_the_stream(failure):
    deployment = Deployment()
    deployment.calls.failure = failure
    opened = deployment.open()

    assert verbs(opened.twiml) == ["Start", "Redirect"]
    assert ticket_of(opened.twiml).tenant == "acme"
    assert [each.what for each in opened.losses] == ["log"]


@pytest.mark.parametrize("part", ["media_url", "signing"])
@pytest.mark.parametrize(
    "failure", [Missing("arn: ParameterNotFound"), Unavailable("arn: ReadTimeoutError"), Refused("arn")]
)
def test_a_stream_that_cannot_be_set_up_costs_the_transcript_and_the_log_says_so(part, failure):
    deployment = Deployment()
    setattr(deployment, part, failure)
    opened = deployment.open()

    assert verbs(opened.twiml) == ["Redirect"]
    assert [each.what for each in opened.losses] == ["transcript"]
    assert kinds(deployment) == ["call.started", "call.failed"]
    failed = deployment.calls.log()[1].body
    assert isinstance(failed, CallFailed)
    assert "arn" not in failed.reason


def test_a_failed_opening_is_told_once_however_often_it_is_tried():
    deployment = Deployment()
    deployment.media_url = Missing("ParameterNotFound")
    deployment.open()
    deployment.open()

    assert kinds(deployment) == ["call.started", "call.failed"]


def test_when_everything_fails_the_call_still_goes_on():
    deployment = Deployment()
    deployment.media_url = deployment.signing = Unavailable("aws")
    deployment.calls.failure = Unavailable("dynamodb")
    opened = deployment.open()

    assert verbs(opened.twiml) == ["Redirect"]
    assert [each.what for each in opened.losses] == ["log", "transcript"]


def test_a_call_that_nobody_can_vouch_for_is_told_what_it_does_and_nothing_else():
    deployment = Deployment()

    assert verbs(deployment.reception.pass_on(CALL)) == ["Redirect"]
    assert deployment.calls.items == {}


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
def test_a_call_that_is_over_is_closed_with_its_reason_and_length(status):
    deployment = Deployment()
    deployment.open()

    assert deployment.close(status)

    last = deployment.calls.log()[-1]
    assert (last.tenant, last.body) == ("acme", CallEnded(reason=status, duration_ms=7000))


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "something-new"])
def test_a_call_that_goes_on_is_not_closed(status):
    deployment = Deployment()
    deployment.open()

    assert not deployment.close(status)
    assert kinds(deployment) == ["call.started"]


def test_a_repeated_end_adds_nothing_even_after_the_last_words():
    deployment = Deployment()
    deployment.open()
    deployment.close()
    said = Utterance(leg="a", id="1", text="bye", start_ms=0, end_ms=1, language="en", confidence=1, words=())
    log = Log("Calls", "CA1")
    deployment.calls.perform(log.append(said, at="", tenant="acme", token="1"))

    deployment.close()
    deployment.close("failed")

    assert kinds(deployment) == ["call.started", "call.ended", "utterance"]


@pytest.mark.parametrize("duration_s", ["", "-1", "7.5", "a", "9" * 5000, "٣"])
def test_a_length_that_is_no_number_of_seconds_is_none(duration_s):
    deployment = Deployment()
    deployment.open()
    deployment.close("busy", duration_s=duration_s)

    assert deployment.calls.log()[-1].body == CallEnded(reason="busy", duration_ms=0)


def test_a_call_that_was_never_answered_is_opened_by_its_end():
    deployment = Deployment()
    deployment.close("no-answer", duration_s="0")

    assert kinds(deployment) == ["call.started", "call.ended"]
    assert {each.tenant for each in deployment.calls.log()} == {"acme"}


def test_an_end_that_overtakes_the_opening_leaves_the_log_in_order():
    deployment = Deployment()
    deployment.close()
    opened = deployment.open()

    assert kinds(deployment) == ["call.started", "call.ended"]
    assert verbs(opened.twiml) == ["Start", "Redirect"]


def test_an_end_is_written_without_the_settings_if_the_call_is_known():
    deployment = Deployment()
    deployment.open()
    deployment.settings = Unavailable("ssm")
    deployment.close()

    assert kinds(deployment) == ["call.started", "call.ended"]


def failed(error: str = "31920 - Handshake Error", at: str = "2026-11-22T10:15:30.602648368Z") -> StreamForm:
    return StreamForm(call_id="CA1", media_stream="MZ1", event="stream-error", error=error, at=at)


def test_a_lost_media_stream_is_told_in_twilios_words_without_our_secrets():
    deployment = Deployment()
    opened = deployment.open()
    url = ET.fromstring(opened.twiml).find("Start/Stream").get("url")

    assert deployment.reception.fail(failed(f"31920 - Handshake Error: {url} said 403"), now=NOW)

    last = deployment.calls.log()[-1]
    assert (last.tenant, last.kind) == ("acme", "call.failed")
    assert last.body.reason == "Twilio: 31920 - Handshake Error: (URL) said 403"


def test_each_loss_of_a_stream_is_told_once():
    deployment = Deployment()
    deployment.open()
    for form in (failed(), failed(), failed(at="later")):
        deployment.reception.fail(form, now=NOW)

    assert kinds(deployment) == ["call.started", "call.failed", "call.failed"]


def test_a_lost_stream_of_an_unknown_call_has_no_log_to_be_told_in():
    deployment = Deployment()

    assert not deployment.reception.fail(failed(), now=NOW)
    assert deployment.calls.log() == []
