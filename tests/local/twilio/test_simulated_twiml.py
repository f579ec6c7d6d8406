import pytest

from local.twilio.problems import Code
from local.twilio.twiml import Dial, Hangup, InvalidTwiml, Pause, Redirect, Say, StartStream, StopStream, parse


def verbs(inner: str):
    document = parse(f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'.encode())
    assert document.warnings == ()
    return document.verbs


def warnings(inner: str) -> list[str]:
    return [str(warning) for warning in parse(f"<Response>{inner}</Response>".encode()).warnings]


def test_a_stream_has_its_attributes_and_parameters():
    assert verbs(
        '<Start><Stream name="live" url="wss://h.test/ws" track="both_tracks" '
        'statusCallback="https://h.test/s" statusCallbackMethod="GET">'
        '<Parameter name="tenant" value="t-42"/><Parameter name="empty" value=""/></Stream></Start>'
    ) == (
        StartStream(
            url="wss://h.test/ws",
            name="live",
            track="both_tracks",
            status_callback="https://h.test/s",
            status_callback_method="GET",
            parameters=(("tenant", "t-42"), ("empty", "")),
        ),
    )


def test_a_stream_listens_to_the_inbound_track_unless_told_otherwise():
    (start,) = verbs('<Start><Stream url="wss://h.test/ws"/></Start>')
    assert (start.track, start.name, start.status_callback_method) == ("inbound_track", None, "POST")


def test_verbs_keep_their_order():
    assert verbs(
        '<Say>Hello\n  there</Say><Pause/><Pause length="3"/><Stop><Stream name="live"/></Stop>'
        '<Redirect method="get"> /next?a=1&amp;b=2 </Redirect><Hangup/>'
    ) == (
        Say(text="Hello there"),
        Pause(length_s=1),
        Pause(length_s=3),
        StopStream(name="live"),
        Redirect(url="/next?a=1&b=2", method="GET"),
        Hangup(),
    )


def test_a_dial_names_its_number_as_text_or_as_a_noun():
    assert verbs('<Dial answerOnBridge="true" timeout="9" action="/after" method="GET"><Number>+1</Number></Dial>') == (
        Dial(destinations=("+1",), answer_on_bridge=True, timeout_s=9, action="/after", method="GET"),
    )
    assert verbs("<Dial>+12025550188</Dial>") == (
        Dial(destinations=("+12025550188",), answer_on_bridge=False, timeout_s=30, action=None, method="POST"),
    )


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ('<Connect><Stream url="wss://h.test"/></Connect>', "<Connect> is ignored"),
        ("<Start><Transcription/></Start>", "<Start><Transcription> is ignored"),
        ('<Start><Stream url="wss://h" statuscallback="x"/></Start>', "the attribute statuscallback of <Stream>"),
        ('<Start><Stream url="wss://h"><Parameter name="a"/></Stream></Start>', "<Parameter> in <Stream>"),
        ("<Stop><Stream/></Stop>", "<Stop><Stream> without a name"),
        ("<Dial/>", "<Dial> without anybody to dial"),
        ('<Pause length="long"/>', "length='long' of <Pause>"),
    ],
)
def test_what_twilio_would_not_do_is_ignored_with_its_warning(inner, says):
    (warning,) = warnings(inner)
    assert warning.startswith(f"12200: {says}")


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"{}", Code.DOCUMENT_PARSE_FAILURE, "not XML"),
        (b"", Code.DOCUMENT_PARSE_FAILURE, "not XML"),
        (b"<Response><Say></Response>", Code.DOCUMENT_PARSE_FAILURE, "mismatched tag"),
        (b"<html/>", Code.ROOT_IS_NOT_RESPONSE, "<html>"),
    ],
)
def test_what_is_no_twiml_is_refused_with_twilios_number(body, code, says):
    with pytest.raises(InvalidTwiml, match=says) as refused:
        parse(body)
    assert refused.value.problem.code is code


def test_an_empty_response_has_no_verbs():
    assert verbs("") == ()
