"""Forks of FreeSWITCH, jambonz and Vonage, composed after their source and documents; none was run here."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from bridge.dialects.freeswitch import FreeswitchDialect
from bridge.dialects.jambonz import JambonzDialect
from bridge.dialects.parameters import LONGEST, MOST_PARAMETERS
from bridge.dialects.untimed import MOST_EARLY, Question
from bridge.dialects.vonage import VonageDialect
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

L16 = AudioFormat("l16", 8000)
MONO = b"\x11\x22" * 160  # 20 ms
STEREO = b"\x11\x22\x33\x44" * 160
JAMBONZ = {
    "sampleRate": 8000, "mixType": "stereo", "callSid": "5f3e0d5f-0001", "direction": "inbound", "from": "+4930111",
    "to": "+4930222", "callId": "274f72bb@sbc", "customerData": {"a": 1}, "tenant": "acme",
}  # fmt: skip
VONAGE = {"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "call": "t-42", "tenant": "acme"}


def made(kind, **query: str):
    return kind(Question.of(query), media_stream="MS1")


def say(dialect, message: Mapping | str | bytes, *, now_ms: float = 0.0) -> list[DialectEvent]:
    is_text = not isinstance(message, bytes)
    text = json.dumps(message) if isinstance(message, Mapping) else message
    return list(dialect.receive(text.encode() if isinstance(text, str) else text, is_text=is_text, now_ms=now_ms))


def test_freeswitch_begins_with_its_text_or_with_audio_whichever_comes_first():
    (started,) = say(made(FreeswitchDialect, call="uuid-1"), {"tenant": "acme", "deep": {"x": 1}})
    assert started == Started(
        "MS1", "uuid-1", "", ("caller",), L16, {"tenant": "acme"}, begins_now=True, is_lossless=True
    )

    dialect = made(FreeswitchDialect, call="uuid-1", party="agent", rate="16000")
    started, audio = say(dialect, MONO, now_ms=20)
    assert (started.tracks, started.form, started.parameters) == (("agent",), AudioFormat("l16", 16_000), {})
    assert audio == Audio("agent", 0, MONO)
    assert say(dialect, {"tenant": "acme"}, now_ms=30) == []
    assert say(made(FreeswitchDialect, call="uuid-1"), "whatever an operator writes")[0].parameters == {}


def test_freeswitch_in_stereo_has_its_own_leg_on_the_left_and_messages_of_any_length():
    dialect = made(FreeswitchDialect, call="uuid-1", party="caller,callee", channels="2")
    events = say(dialect, STEREO * 5, now_ms=100)

    assert [(each.track, each.media_ms, each.audio) for each in events[1:]] == [
        ("caller", 0, b"\x11\x22" * 800),
        ("callee", 0, b"\x33\x44" * 800),
    ]
    assert say(dialect, b"") == []  # graceful-shutdown
    assert list(dialect.ended(1000)) == [Stopped("stop")]


def test_freeswitch_without_a_call_is_refused_with_how_to_name_it():
    with pytest.raises(Refused, match=r"\?call=\$\{uuid\}"):
        made(FreeswitchDialect)


@pytest.mark.parametrize(
    ("change", "parties"),
    [
        ({}, ("caller", "callee")),
        ({"direction": "outbound"}, ("callee", "caller")),
        ({"mixType": "mono"}, ("caller",)),
        ({"mixType": "mono", "direction": "outbound"}, ("callee",)),
        ({"mixType": "mixed"}, ("mixed",)),
    ],
)
def test_jambonz_tells_the_call_and_who_is_on_which_channel(change, parties):
    (started,) = say(made(JambonzDialect), JAMBONZ | change)

    assert (started.call_id, started.tracks, started.form) == ("5f3e0d5f-0001", parties, L16)
    assert (started.parameters["tenant"], started.parameters["sampleRate"]) == ("acme", "8000")
    assert "customerData" not in started.parameters


def test_jambonz_is_overruled_by_the_address_and_tells_digits():
    dialect = made(JambonzDialect, call="order-17", party="customer,agent")
    (started,) = say(dialect, JAMBONZ)
    heard = say(dialect, STEREO, now_ms=20)

    assert (started.call_id, [each.track for each in heard]) == ("order-17", ["customer", "agent"])
    assert say(dialect, {"event": "dtmf", "dtmf": "5", "duration": "1600"}) == [Digit("customer", "5")]
    assert say(dialect, {"event": "dtmf", "dtmf": 5}) == []
    assert say(dialect, b"") == []
    assert list(dialect.ended(1001)) == [Stopped("stop")]


def test_vonage_tells_rate_and_headers_and_has_one_channel():
    dialect = made(VonageDialect, party="caller")
    (started,) = say(dialect, VONAGE)
    (heard,) = say(dialect, MONO * 2, now_ms=20)

    assert (started.call_id, started.tracks) == ("t-42", ("caller",))
    assert started.form == AudioFormat("l16", 16_000)
    assert started.parameters == {"call": "t-42", "tenant": "acme"}
    assert heard == Audio("caller", 0, MONO * 2)
    assert say(dialect, {"event": "websocket:dtmf", "digit": "5", "duration": 260}) == [Digit("caller", "5")]
    assert say(dialect, {"event": "websocket:cleared"}) == []


def test_vonage_takes_the_party_of_the_headers_where_the_address_has_none():
    assert say(made(VonageDialect), VONAGE | {"party": "agent"})[0].tracks == ("agent",)
    assert say(made(VonageDialect), VONAGE)[0].tracks == ("mixed",)


BEGUN = [
    (FreeswitchDialect, {"call": "uuid-1"}, {}),
    (JambonzDialect, {}, JAMBONZ | {"mixType": "mono"}),
    (VonageDialect, {}, VONAGE),
]


@pytest.mark.parametrize(("kind", "query", "first"), BEGUN)
def test_a_socket_that_is_cut_is_no_proper_end_and_one_that_never_began_has_none(kind, query, first):
    dialect = made(kind, **query)
    assert list(dialect.ended(1000)) == []
    say(dialect, first)
    (stopped,) = dialect.ended(None)
    assert not stopped.is_proper
    assert list(dialect.ended(1000)) == []
    with pytest.raises(MalformedMessage):
        say(dialect, MONO)


@pytest.mark.parametrize(("kind", "query", "first"), BEGUN[1:])
def test_audio_that_comes_first_is_kept_and_no_more_than_a_second_of_it(kind, query, first):
    dialect = made(kind, **query)
    for place in range(MOST_EARLY):
        assert say(dialect, MONO, now_ms=20 * place) == []
    with pytest.raises(MalformedMessage):
        say(dialect, MONO)

    started, *heard = say(dialect, first, now_ms=1000)
    assert isinstance(started, Started)
    assert len(heard) == MOST_EARLY


@pytest.mark.parametrize(
    ("kind", "first", "why"),
    [
        (JambonzDialect, JAMBONZ | {"sampleRate": 11_025}, "11025"),
        (JambonzDialect, JAMBONZ | {"callSid": "a/b"}, "call="),
        (VonageDialect, VONAGE | {"content-type": "audio/opus"}, "audio/l16"),
        (VonageDialect, VONAGE | {"content-type": "audio/l16;rate=24000"}, "24000"),
        (VonageDialect, {name: value for name, value in VONAGE.items() if name != "call"}, "headers"),
        (VonageDialect, VONAGE | {"party": "<b>"}, "party="),
    ],
)
def test_what_cannot_be_heard_is_refused_with_what_to_configure(kind, first, why):
    with pytest.raises(Refused, match=why):
        say(made(kind), first)


@pytest.mark.parametrize(
    ("kind", "message", "reason"),
    [
        (JambonzDialect, "{", "json"),
        (JambonzDialect, "[]", "shape"),
        (JambonzDialect, {"sampleRate": "8000"}, "shape"),
        (VonageDialect, "nothing", "json"),
    ],
)
def test_a_text_that_makes_no_sense_is_told_by_its_kind(kind, message, reason):
    with pytest.raises(MalformedMessage) as raised:
        say(made(kind), message)
    assert raised.value.kind == reason


def test_parties_and_channels_have_to_agree():
    with pytest.raises(Refused, match="mixType is mono"):
        say(made(JambonzDialect, party="caller,agent", channels="2"), JAMBONZ | {"mixType": "mono"})
    with pytest.raises(Refused, match="one channel"):
        made(VonageDialect, party="caller,agent")
    with pytest.raises(Refused, match="rate="):
        made(FreeswitchDialect, call="c", rate="44100")


def test_of_what_is_told_beside_the_audio_only_so_much_is_kept():
    told = {"long": "x" * (LONGEST + 1)} | {f"n{number}": number for number in range(2 * MOST_PARAMETERS)}

    (started,) = say(made(FreeswitchDialect, call="c"), told)
    assert len(started.parameters) == MOST_PARAMETERS
    assert "long" not in started.parameters


JSON = st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))


@pytest.mark.parametrize("kind", [JambonzDialect, VonageDialect])
@given(
    st.lists(st.binary(max_size=80) | JSON.map(lambda found: json.dumps(found).encode()), max_size=20), st.booleans()
)
def test_fuzz_no_message_breaks_anything(kind, messages, is_text):
    dialect = made(kind, call="c")
    for place, message in enumerate(messages):
        try:
            events = list(dialect.receive(message, is_text=is_text, now_ms=20 * place))
        except (MalformedMessage, Refused):
            continue
        assert all(isinstance(each, Started | Audio | Digit) for each in events)
