"""The voice function behind its HTTP API: Twilio's signed forms in, TwiML out, AWS as moto has it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from twilio.request_validator import RequestValidator

from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, CallStarted, LegStarted
from callscribe.log import Log
from callscribe.second_pass import RecordingEnded
from local.doctor.probes import NO_CALL, NOTHING

OURS = "+12025550188"
CALL = {
    "AccountSid": "AC1",
    "ApiVersion": "2010-04-01",
    "CallSid": "CA1",
    "CallStatus": "ringing",
    "CallerName": "",
    "Direction": "inbound",
    "From": "+12025550123",
    "To": OURS,
}
OVER = CALL | {
    "CallStatus": "completed",
    "CallDuration": "7",
    "SequenceNumber": "2",
    "CallbackSource": "call-progress-events",
}
STREAM = {"AccountSid": "AC1", "CallSid": "CA1", "StreamSid": "MZ1", "StreamName": "callscribe"}
SETTINGS = json.dumps({"default": {"then": {"redirect": "https://app.example.test/voice"}, "tenant": "acme"}})


@pytest.fixture
def voice(aws, start, context):
    aws.set_settings(SETTINGS)
    handler = start("voice", warm=True)
    return lambda event: handler(event, context)


@pytest.fixture
def voice_afresh(aws, start, context):
    aws.set_settings(SETTINGS)
    handler = start("voice")
    return lambda event: handler(event, context)


def verbs(answer) -> list[str]:
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/xml"
    return [each.tag for each in ET.fromstring(answer["body"])]


def kinds(aws) -> list[str]:
    return [each.kind for each in aws.log("CA1")]


def test_a_signed_call_is_opened_and_answered(aws, voice, webhook):
    answer = voice(webhook("/twilio/voice", CALL))

    assert verbs(answer) == ["Start", "Redirect"]
    (first,) = aws.log("CA1")
    assert isinstance(first.body, CallStarted)
    assert (first.tenant, first.body.to_number) == ("acme", OURS)


def test_a_request_that_twilios_own_library_signed_is_twilios(voice, webhook):
    request = webhook("/twilio/voice", CALL)
    url = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/twilio/voice"
    request["headers"]["x-twilio-signature"] = RequestValidator("example-token-not-a-secret").compute_signature(
        url, CALL
    )

    assert verbs(voice(request)) == ["Start", "Redirect"]


def test_the_life_of_a_call_is_in_its_log(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    statuses = [
        voice(webhook("/twilio/stream", STREAM | {"StreamEvent": "stream-started"})),
        voice(webhook("/twilio/status", CALL | {"CallStatus": "in-progress", "SequenceNumber": "1"})),
        voice(webhook("/twilio/stream", STREAM | {"StreamEvent": "stream-stopped"})),
        voice(webhook("/twilio/status", OVER)),
    ]

    assert [each["statusCode"] for each in statuses] == [204] * 4
    assert kinds(aws) == ["call.started", "call.ended"]
    assert aws.log("CA1")[1].body == CallEnded(reason="completed", duration_ms=7000)


@pytest.mark.parametrize("path", ["/twilio/voice", "/twilio/status", "/twilio/stream"])
@pytest.mark.parametrize("forgery", ["another token", "missing", "blank dropped", "another path", "query added"])
def test_what_twilio_has_not_signed_is_forbidden_and_changes_nothing(aws, voice, webhook, path, forgery):
    form = OVER | STREAM | {"StreamEvent": "stream-error"}
    request = webhook(path, form)
    match forgery:
        case "another token":
            request = webhook(path, form, token="another")
        case "missing":
            del request["headers"]["x-twilio-signature"]
        case "blank dropped":
            request["body"] = webhook(path, {name: value for name, value in form.items() if value})["body"]
        case "another path":
            request["headers"] = webhook("/twilio/else", form)["headers"]
        case "query added":
            request["rawQueryString"] = "CallSid=CA2"

    assert voice(request)["statusCode"] == 403
    assert aws.log("CA1") == []


def test_a_forgery_is_logged_by_its_kind_and_without_secrets(voice, webhook, logged, capsys):
    request = webhook("/twilio/voice", CALL, token="another")
    voice(request)

    assert json.loads(logged())["reason"] == "signature wrong"
    for secret in (request["headers"]["x-twilio-signature"], "example-token-not-a-secret", "+1202", "another"):
        assert secret not in logged()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["RequestsForbidden"] == [1.0]


def test_a_call_is_logged_when_it_opens_and_closes_without_numbers_and_tickets(voice, webhook, logged):
    answer = voice(webhook("/twilio/voice", CALL))
    voice(webhook("/twilio/status", OVER))
    url = ET.fromstring(answer["body"]).find("Start/Stream").get("url")

    lines = [json.loads(line) for line in logged().splitlines()]
    assert [(line["message"], line["call_id"]) for line in lines] == [("call opened", "CA1"), ("call closed", "CA1")]
    assert "+1202" not in logged()
    assert url.rpartition("/")[2] not in logged()


def test_a_token_that_is_being_replaced_is_accepted_beside_the_new_one(aws, voice_afresh, webhook):
    secret = {"auth_token": "a new token", "previous_auth_token": "example-token-not-a-secret"}
    aws.secrets.put_secret_value(SecretId="twilio", SecretString=json.dumps(secret))

    assert verbs(voice_afresh(webhook("/twilio/voice", CALL)))
    assert verbs(voice_afresh(webhook("/twilio/voice", CALL, token="a new token")))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"content-type": "application/json"}, 415),
        ({"content-type": ""}, 415),
    ],
)
def test_a_body_of_the_wrong_type_is_not_supported(voice, webhook, change, status):
    request = webhook("/twilio/voice", CALL)
    request["headers"] |= change

    assert voice(request)["statusCode"] == status


def test_a_form_without_its_call_is_a_bad_request(voice, webhook):
    form = {name: value for name, value in CALL.items() if name != "CallSid"}

    assert voice(webhook("/twilio/voice", form))["statusCode"] == 400
    assert voice(webhook("/twilio/voice", CALL) | {"body": "no base64!"})["statusCode"] == 400


def test_an_unknown_path_is_not_found(voice, webhook):
    assert voice(webhook("/twilio/else", CALL))["statusCode"] == 404
    assert voice(webhook("/", CALL))["statusCode"] == 404


def test_a_repeated_opening_is_answered_with_a_ticket_of_its_own_and_opens_nothing_twice(aws, voice, webhook):
    answers = [voice(webhook("/twilio/voice", CALL)) for _ in range(2)]

    assert [verbs(answer) for answer in answers] == [["Start", "Redirect"]] * 2
    assert kinds(aws) == ["call.started"]


def test_a_repeated_end_is_not_even_looked_up(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    voice(webhook("/twilio/status", OVER))
    aws.dynamodb.delete_table(TableName="Calls")

    assert voice(webhook("/twilio/status", OVER))["statusCode"] == 204


def test_another_request_about_the_same_end_is_known_by_the_log(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    voice(webhook("/twilio/status", OVER, i_twilio_idempotency_token="one"))
    voice(webhook("/twilio/status", OVER, i_twilio_idempotency_token="two"))
    voice(webhook("/twilio/status", OVER | {"SequenceNumber": "3"}))

    assert kinds(aws) == ["call.started", "call.ended"]


def test_an_end_is_written_even_without_the_idempotency_table(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    aws.dynamodb.delete_table(TableName="Idempotency")

    assert voice(webhook("/twilio/status", OVER))["statusCode"] == 204
    assert kinds(aws) == ["call.started", "call.ended"]


def test_a_lost_stream_is_told_in_the_log(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    lost = STREAM | {"StreamEvent": "stream-error", "StreamError": "31920 - Handshake Error", "Timestamp": "now"}

    assert voice(webhook("/twilio/stream", lost))["statusCode"] == 204
    assert aws.log("CA1")[1].body.reason == "Twilio: 31920 - Handshake Error"


def test_a_lost_stream_that_a_bridge_has_heard_is_left_to_the_bridges(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    heard = LegStarted(
        leg="MZ1/inbound", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1",
        channel=0, offset_ms=0,
    )  # fmt: skip
    perform(aws.dynamodb, Log("Calls", "CA1").append(heard, at="now", tenant="acme", token="MZ1"))
    lost = STREAM | {"StreamEvent": "stream-error", "StreamError": "31921 - Close Error", "Timestamp": "now"}

    assert voice(webhook("/twilio/stream", lost))["statusCode"] == 204
    assert kinds(aws) == ["call.started", "leg.started"]


def test_what_a_media_stream_is_said_to_do_that_none_does_is_let_in_and_changes_nothing(aws, voice, webhook, logged):
    """By this `callscribe doctor` proves the signature."""
    assert voice(webhook("/twilio/stream", NOTHING))["statusCode"] == 204
    assert (aws.log(NO_CALL), logged()) == ([], "")


def test_without_the_table_the_phone_call_goes_on_and_the_loss_is_counted(aws, voice, webhook, capsys):
    aws.dynamodb.delete_table(TableName="Calls")

    assert verbs(voice(webhook("/twilio/voice", CALL))) == ["Start", "Redirect"]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["LogsNotOpened"] == [1.0]


def test_without_the_bridges_address_the_phone_call_goes_on_and_the_loss_is_told(aws, voice_afresh, webhook, capsys):
    aws.parameters.delete_parameter(Name="/callscribe/dev/media-url")

    assert verbs(voice_afresh(webhook("/twilio/voice", CALL))) == ["Redirect"]
    assert kinds(aws) == ["call.started", "call.failed"]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["CallsNotTranscribed"] == [1.0]


def test_settings_that_are_no_settings_leave_the_call_to_the_fallback_url(aws, voice_afresh, webhook):
    aws.set_settings("no JSON")

    assert voice_afresh(webhook("/twilio/voice", CALL))["statusCode"] == 500


@pytest.fixture
def cut_off(environment):
    """Cut a service off, as when its endpoint can't be reached."""

    def cut(service: str) -> None:
        environment.setenv(f"AWS_ENDPOINT_URL_{service}", "http://127.0.0.1:9")

    return cut


def test_while_twilios_token_cannot_be_read_calls_go_on_without_a_stream(aws, start, cut_off, context, webhook):
    aws.set_settings(SETTINGS)
    cut_off("SECRETS_MANAGER")
    voice = start("voice")

    assert verbs(voice(webhook("/twilio/voice", CALL), context)) == ["Redirect"]
    assert voice(webhook("/twilio/status", OVER), context)["statusCode"] == 503
    assert aws.log("CA1") == []
    unsigned = webhook("/twilio/voice", CALL)
    del unsigned["headers"]["x-twilio-signature"]
    assert voice(unsigned, context)["statusCode"] == 403


@pytest.mark.parametrize("secret", ["no JSON", '{"auth_token":""}', "{}"])
def test_a_twilio_secret_that_is_wrong_is_an_error_and_opens_no_door(aws, voice_afresh, webhook, secret):
    aws.secrets.put_secret_value(SecretId="twilio", SecretString=secret)

    assert voice_afresh(webhook("/twilio/voice", CALL, token=""))["statusCode"] == 500


@pytest.mark.parametrize(
    "name",
    [
        "CALLS_TABLE",
        "IDEMPOTENCY_TABLE",
        "SETTINGS_PARAMETER",
        "MEDIA_URL_PARAMETER",
        "TWILIO_SECRET",
        "SIGNING_SECRET",
        "PUBLIC_URL",
    ],
)
def test_a_function_without_a_setting_says_its_name_and_does_not_start(environment, start, name):
    environment.delenv(name)

    with pytest.raises(Exception, match=f"{name} is not set"):
        start("voice")


RECORDED = {
    "AccountSid": "AC1", "CallSid": "CA1", "RecordingSid": "RE1", "RecordingStatus": "completed",
    "RecordingUrl": "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1", "RecordingDuration": "61",
    "RecordingChannels": "2", "RecordingStartTime": "Sun, 22 Nov 2026 09:15:02 +0000", "RecordingTrack": "both",
    "RecordingSource": "StartCallRecordingAPI", "ErrorCode": "0",
}  # fmt: skip


def test_a_recording_that_is_over_is_written_down_once(aws, voice, webhook, logged):
    voice(webhook("/twilio/voice", CALL))

    assert [voice(webhook("/twilio/recording", RECORDED))["statusCode"] for _ in range(2)] == [204, 204]

    assert kinds(aws) == ["call.started", "recording.ended"]
    assert aws.log("CA1")[-1].body == RecordingEnded(
        recording="RE1", status="completed", channels=2, duration_ms=61_000, started_at="2026-11-22T09:15:02.000Z"
    )
    assert "https://api.twilio.com" not in logged()


def test_one_that_there_is_nothing_of_is_too(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))
    voice(webhook("/twilio/recording", RECORDED | {"RecordingStatus": "absent", "RecordingDuration": "-1"}))

    assert aws.log("CA1")[-1].body == RecordingEnded(recording="RE1", status="absent")


@pytest.mark.parametrize(
    "change", [{"RecordingStatus": "in-progress"}, {"RecordingStatus": "what"}, {"CallSid": "CA2"}]
)
def test_what_is_not_over_or_of_no_call_of_ours_is_not(aws, voice, webhook, change):
    voice(webhook("/twilio/voice", CALL))

    assert voice(webhook("/twilio/recording", RECORDED | change))["statusCode"] == 204
    assert kinds(aws) == ["call.started"]
    assert aws.log("CA2") == []


def test_nobody_but_twilio_tells_of_recordings(aws, voice, webhook):
    voice(webhook("/twilio/voice", CALL))

    assert voice(webhook("/twilio/recording", RECORDED, token="another"))["statusCode"] == 403
    assert voice(webhook("/twilio/recording", {"CallSid": "CA1"}))["statusCode"] == 400
    assert kinds(aws) == ["call.started"]
