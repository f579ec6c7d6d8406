from local.twilio.forms import completed_form, stream_form, voice_form
from local.twilio.placement import Placement

CALL = Placement(
    voice_url="https://voice.test/voice",
    from_number="+12025550123",
    to_number="+447700900123",
    inbound_audio=b"",
    outbound_audio=b"",
)


def test_a_voice_webhook_has_twilios_fields_and_blank_ones_where_nothing_is_known():
    form = voice_form(CALL, account_sid="AC1", call_sid="CA1")

    assert {name: value for name, value in form.items() if value and name != "CallToken"} == {
        "AccountSid": "AC1",
        "ApiVersion": "2010-04-01",
        "CallSid": "CA1",
        "CallStatus": "ringing",
        "Called": "+447700900123",
        "Caller": "+12025550123",
        "CallerCountry": "US",
        "Direction": "inbound",
        "ForwardedFrom": "+447700900123",
        "From": "+12025550123",
        "FromCountry": "US",
        "StirVerstat": "TN-Validation-Passed-A",
        "To": "+447700900123",
    }
    assert sorted(name for name, value in form.items() if not value) == [
        "CalledCity",
        "CalledCountry",
        "CalledState",
        "CalledZip",
        "CallerCity",
        "CallerName",
        "CallerState",
        "CallerZip",
        "FromCity",
        "FromState",
        "FromZip",
        "ToCity",
        "ToCountry",
        "ToState",
        "ToZip",
    ]


def test_a_stream_callback_has_the_time_in_nanoseconds_and_the_identifier_for_a_name():
    assert stream_form(
        account_sid="AC1",
        call_sid="CA1",
        stream_sid="MZ1",
        name=None,
        event="stream-started",
        error=None,
        now_ns=1795342530_602648368,
    ) == {
        "AccountSid": "AC1",
        "CallSid": "CA1",
        "StreamEvent": "stream-started",
        "StreamName": "MZ1",
        "StreamSid": "MZ1",
        "Timestamp": "2026-11-22T10:15:30.602648368Z",
    }


def test_the_last_status_has_seconds_and_minutes_begun_and_the_time_of_rfc_2822():
    form = completed_form({"CallSid": "CA1", "CallStatus": "in-progress"}, duration_s=61, now_s=1795342530.6)
    assert form == {
        "CallSid": "CA1",
        "CallStatus": "completed",
        "CallDuration": "61",
        "Duration": "2",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": "0",
        "SipResponseCode": "200",
        "Timestamp": "Sun, 22 Nov 2026 10:15:30 +0000",
    }
