import pytest

from local.twilio.admission import StreamPlan, admit
from local.twilio.problems import Code, Problem
from local.twilio.twiml import StartStream


def ask(url: str = "wss://h.test/ws", *, track="both_tracks", name=None, parameters=(), **changes):
    verb = StartStream(
        url=url,
        name=name,
        track=track,
        status_callback=None,
        status_callback_method="POST",
        parameters=parameters,
    )
    defaults = {
        "document_url": "https://voice.test/prod/voice",
        "forked_tracks": 0,
        "names": (),
        "allow_insecure": False,
        "query": "strip",
    }
    return admit(verb, **defaults | changes)


def test_a_wss_address_is_taken_as_written():
    plan = ask("wss://H.test/ws/")
    assert isinstance(plan, StreamPlan)
    assert (plan.url, plan.tracks, plan.warnings) == ("wss://H.test/ws/", ("inbound", "outbound"), ())


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://h.test/ws", Code.STREAM_SCHEME),
        ("https://h.test/ws", Code.STREAM_SCHEME),
        ("", Code.STREAM_SCHEME),
        ("wss:///ws", Code.STREAM_URL),
        ("wss://h.test:port/ws", Code.STREAM_URL),
        ("wss://h.test:70000/ws", Code.STREAM_URL),
    ],
)
def test_other_addresses_are_refused_with_twilios_number(url, code):
    assert ask(url).code is code


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:80", "bridge.localhost"])
def test_ws_is_taken_on_loopback_when_allowed(host):
    assert ask(f"ws://{host}/ws", allow_insecure=True).url == f"ws://{host}/ws"
    assert ask(f"ws://{host}/ws").code is Code.STREAM_SCHEME


def test_ws_is_never_taken_elsewhere():
    assert ask("ws://10.0.0.1/ws", allow_insecure=True).code is Code.STREAM_SCHEME


def test_a_relative_address_is_the_documents_with_a_websocket_scheme():
    assert ask("/ws").url == "wss://voice.test/ws"


def test_a_query_is_dropped_with_a_warning_or_refused():
    plan = ask("wss://h.test/ws?token=1")
    assert plan.url == "wss://h.test/ws"
    assert [warning.code for warning in plan.warnings] == [Code.STREAM_HANDSHAKE]
    assert "token" not in str(plan.warnings)
    assert ask("wss://h.test/ws?token=1", query="refuse").code is Code.STREAM_HANDSHAKE


def test_an_unknown_track_is_refused():
    assert ask(track="mixed_track") == Problem(Code.STREAM_TRACK, "a media stream has no track 'mixed_track'")


def test_a_fifth_forked_track_is_refused():
    assert isinstance(ask(track="inbound_track", forked_tracks=3), StreamPlan)
    assert "4 forked tracks at most" in ask(track="both_tracks", forked_tracks=3).text


def test_a_name_is_unique_in_a_call():
    assert "already" in ask(name="live", names={"live"}).text


def test_a_parameter_of_500_characters_is_dropped():
    plan = ask(parameters=(("a", "x" * 498), ("b", "x" * 499)))
    assert [name for name, _ in plan.parameters] == ["a"]
    assert "'b'" in plan.warnings[0].text
