"""Carriers whose audio comes as base64 in JSON, composed after their documents; none was called here."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.bandwidth import BandwidthDialect
from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from bridge.dialects.exotel import ExotelDialect
from bridge.dialects.plivo import PlivoDialect
from bridge.dialects.signalwire import SignalwireDialect
from bridge.dialects.telnyx import TelnyxDialect
from bridge.dialects.untimed import Question
from callscribe.audio_format import MULAW_8K, AudioFormat
from callscribe.errors import MalformedMessage, Refused

MULAW = b"\x7f" * 160  # 20 ms
LINEAR = b"\x11\x22" * 800  # 100 ms
SIGNALWIRE_START: dict[str, Any] = {
    "event": "start", "sequenceNumber": "1",
    "start": {
        "streamSid": "29ad9ba9-0001", "accountSid": "ae19d4ea-0001", "callSid": "19b8c7e4-0001",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
}  # fmt: skip
TELNYX_START: dict[str, Any] = {
    "event": "start", "sequence_number": "1", "stream_id": "32de0dea-0001",
    "start": {
        "call_control_id": "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ", "from": "+4930111",
        "to": "+4930222", "custom_parameters": {"tenant": "acme"},
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    },
}  # fmt: skip
PLIVO_START: dict[str, Any] = {
    "event": "start", "sequenceNumber": 1,
    "start": {
        "callId": "c1a5e0c8-0001", "streamId": "b77e037d-0001", "accountId": "MAXXXX",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    },
    "extra_headers": '{"tenant": "acme"}',
}  # fmt: skip
EXOTEL_START: dict[str, Any] = {
    "event": "start", "sequence_number": "1", "stream_sid": "es-1",
    "start": {
        "stream_sid": "es-1", "call_sid": "ec-1", "account_sid": "ea-1", "from": "0111", "to": "0222",
        "custom_parameters": {"tenant": "acme"},
        "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "128kbps"},
    },
}  # fmt: skip
_PCMU = {"encoding": "audio/PCMU", "sampleRate": 8000}
BANDWIDTH_START: dict[str, Any] = {
    "eventType": "start",
    "metadata": {
        "accountId": "5555", "callId": "c-95ac8d6e-0001", "streamId": "s-fe8bc9c4-0001", "streamName": "live",
        "tracks": [{"name": "inbound", "mediaFormat": _PCMU}, {"name": "outbound", "mediaFormat": _PCMU}],
    },
    "streamParams": {"tenant": "acme"},
}  # fmt: skip


def signalwire(**_query: str) -> SignalwireDialect:
    return SignalwireDialect()


def of(kind):
    return lambda **query: kind(Question.of(query))


telnyx, plivo, exotel, bandwidth = map(of, (TelnyxDialect, PlivoDialect, ExotelDialect, BandwidthDialect))
STARTS = [
    pytest.param(signalwire, SIGNALWIRE_START, id="signalwire"),
    pytest.param(telnyx, TELNYX_START, id="telnyx"),
    pytest.param(plivo, PLIVO_START, id="plivo"),
    pytest.param(exotel, EXOTEL_START, id="exotel"),
    pytest.param(bandwidth, BANDWIDTH_START, id="bandwidth"),
]


def say(dialect, message: Mapping[str, Any] | bytes, *, now_ms: float = 0.0) -> list[DialectEvent]:
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return list(dialect.receive(text, is_text=True, now_ms=now_ms))


def but(message: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return `message` with another value at `path`."""
    changed = copy.deepcopy(message)
    *way, last = path.split(".")
    place = changed
    for name in way:
        place = place[name]
    place[last] = value
    return changed


def media(start: Mapping[str, Any], number: int, audio: bytes, track: str, ms: int) -> dict[str, Any]:
    """Return a message of audio in the dialect that `start` is of."""
    payload = base64.b64encode(audio).decode()
    if "eventType" in start:
        return {"eventType": "media", "track": track, "payload": payload}
    name = "sequenceNumber" if "sequenceNumber" in start else "sequence_number"
    told = {"timestamp": str(ms), "payload": payload, "chunk": str(number)}
    if start is not EXOTEL_START:
        told["track"] = track
    return {"event": "media", name: str(number), "media": told}


def test_signalwire_speaks_twilios_messages_with_names_of_its_own():
    dialect = signalwire()

    assert say(dialect, {"event": "connected", "protocol": "Call", "version": "0.2.0"}) == []
    (started,) = say(dialect, SIGNALWIRE_START)
    assert started == Started(
        "29ad9ba9-0001", "19b8c7e4-0001", "ae19d4ea-0001", ("inbound", "outbound"), keeps_time=True
    )
    assert say(dialect, media(SIGNALWIRE_START, 2, MULAW, "outbound", 40)) == [Audio("outbound", 40, MULAW)]
    digit = {"event": "dtmf", "sequenceNumber": "3", "dtmf": {"track": "inbound", "digit": "5", "duration": "100"}}
    assert say(dialect, digit) == [Digit("inbound", "5")]
    assert say(dialect, {"event": "stop", "sequenceNumber": "4"}) == [Stopped("stop")]


def test_telnyx_hears_inbound_alone_or_both_as_the_address_names_them():
    dialect = telnyx()
    assert say(dialect, {"event": "connected", "version": "1.0.0"}) == []
    (started,) = say(dialect, TELNYX_START)
    assert started == Started(
        media_stream="32de0dea-0001",
        call_id=TELNYX_START["start"]["call_control_id"],
        account="",
        tracks=("inbound",),
        parameters={"from": "+4930111", "to": "+4930222", "tenant": "acme"},
    )

    dialect = telnyx(party="caller,agent", call="t-1")
    (started,) = say(dialect, TELNYX_START)
    assert (started.call_id, started.tracks) == ("t-1", ("caller", "agent"))
    assert say(dialect, media(TELNYX_START, 3, MULAW, "outbound", 20)) == [Audio("agent", 20, MULAW)]
    assert say(dialect, media(TELNYX_START, 2, MULAW, "inbound", 0)) == [Audio("caller", 0, MULAW)]  # overtaken
    assert say(dialect, {"event": "dtmf", "sequence_number": "4", "dtmf": {"digit": "1"}}) == [Digit("caller", "1")]
    assert say(dialect, {"event": "mark", "sequence_number": "5", "mark": {"name": "x"}}) == []
    assert say(dialect, {"event": "error", "payload": {"code": 100002}}) == []
    assert say(dialect, {"event": "stop", "sequence_number": "6", "stop": {}}) == [Stopped("stop")]


def test_telnyx_takes_a_law_and_refuses_what_gladia_does_not_take_and_tracks_nobody_named():
    (started,) = say(telnyx(), but(TELNYX_START, "start.media_format.encoding", "PCMA"))
    assert started.form == AudioFormat("alaw", 8000)
    for codec in ("G722", "OPUS", "AMR-WB", "L16"):
        with pytest.raises(Refused, match="PCMU or PCMA"):
            say(telnyx(), but(TELNYX_START, "start.media_format.encoding", codec))

    dialect = telnyx()
    say(dialect, TELNYX_START)
    with pytest.raises(Refused, match="name both in party="):
        say(dialect, media(TELNYX_START, 2, MULAW, "outbound", 0))


def test_plivo_is_over_when_it_closes_the_socket_in_order():
    dialect = plivo()
    (started,) = say(dialect, PLIVO_START)
    assert started == Started(
        "b77e037d-0001", "c1a5e0c8-0001", "MAXXXX", ("inbound", "outbound"), MULAW_8K, {"tenant": "acme"}
    )
    assert say(dialect, media(PLIVO_START, 2, MULAW, "inbound", 20)) == [Audio("inbound", 20, MULAW)]
    assert say(dialect, {"event": "dtmf", "sequenceNumber": 3, "dtmf": {"digit": "2"}}) == [Digit("inbound", "2")]
    assert list(dialect.ended(1000)) == [Stopped("stop")]
    (cut,) = dialect.ended(1006)
    assert not cut.is_proper
    assert say(dialect, {"event": "stop"}) == [Stopped("stop")]

    (started,) = say(plivo(party="agent"), but(PLIVO_START, "start.tracks", ["outbound"]))
    assert started.tracks == ("agent",)
    (started,) = say(plivo(), but(PLIVO_START, "extra_headers", "tenant=acme"))
    assert started.parameters == {}


def test_exotel_begins_with_its_first_audio_whichever_end_of_it_the_time_is():
    dialect = exotel(party="agent")
    assert say(dialect, {"event": "connected"}) == []
    (started,) = say(dialect, EXOTEL_START)
    assert started == Started(
        "es-1", "ec-1", "ea-1", ("agent",), AudioFormat("l16", 8000),
        {"from": "0111", "to": "0222", "tenant": "acme"},
    )  # fmt: skip
    assert say(dialect, media(EXOTEL_START, 2, LINEAR, "", 100)) == [Audio("agent", 0, LINEAR)]
    assert say(dialect, media(EXOTEL_START, 3, LINEAR, "", 200)) == [Audio("agent", 100, LINEAR)]
    digit = {"event": "dtmf", "sequence_number": "4", "dtmf": {"digit": "9", "duration": "80"}}
    assert say(dialect, digit) == [Digit("agent", "9")]
    assert say(dialect, {"event": "stop", "sequence_number": "5"}) == [Stopped("stop")]


def test_exotel_whose_first_audio_is_broken_begins_with_the_next():
    dialect = exotel()
    say(dialect, EXOTEL_START)
    with pytest.raises(MalformedMessage):
        say(dialect, media(EXOTEL_START, 2, b"x", "", 100))
    assert say(dialect, media(EXOTEL_START, 3, LINEAR, "", 200)) == [Audio("caller", 0, LINEAR)]


def test_bandwidth_is_placed_by_when_its_audio_comes_each_track_where_it_begins():
    dialect = bandwidth(party="caller,agent")
    (started,) = say(dialect, BANDWIDTH_START)
    assert (started.media_stream, started.call_id, started.account) == ("s-fe8bc9c4-0001", "c-95ac8d6e-0001", "5555")
    assert (started.tracks, started.parameters) == (("caller", "agent"), {"tenant": "acme"})

    def heard(track: str, now_ms: float) -> list[tuple[str, int]]:
        events = say(dialect, media(BANDWIDTH_START, 0, MULAW, track, 0), now_ms=now_ms)
        return [(each.track, each.media_ms) for each in events if isinstance(each, Audio)]

    assert heard("inbound", 1000) == [("caller", 0)]
    assert heard("inbound", 1020) == [("caller", 20)]
    assert heard("outbound", 3000) == [("agent", 2000)]
    assert heard("inbound", 3020) == []  # was it held up, or was there silence?
    assert heard("inbound", 3040) == [("caller", 2020), ("caller", 2040)]
    assert heard("inbound", 5000) == []
    waited, stopped = say(dialect, {"eventType": "stop", "metadata": {}})
    assert (waited.track, stopped) == ("caller", Stopped("stop"))
    assert [each.is_proper for each in dialect.ended(1000)] == [False]


@pytest.mark.parametrize(
    ("made", "start", "hint"),
    [
        (signalwire, but(SIGNALWIRE_START, "start.mediaFormat.encoding", "audio/x-L16"), "PCMU@8000h"),
        (plivo, but(PLIVO_START, "start.mediaFormat.encoding", "audio/x-l16"), "contentType="),
        (exotel, but(EXOTEL_START, "start.media_format.sample_rate", "24000"), r"sample-rate=16000"),
        (bandwidth, but(BANDWIDTH_START, "metadata.tracks", [{"name": "inbound", "mediaFormat": {
            "encoding": "audio/L16", "sampleRate": 8000}}]), "audio/PCMU"),
        (telnyx, but(TELNYX_START, "start.call_control_id", "../x"), "call="),
        (exotel, but(EXOTEL_START, "start.stream_sid", ""), "call="),
        (lambda: plivo(party="caller"), PLIVO_START, "party="),
        (lambda: bandwidth(party="caller"), BANDWIDTH_START, "party="),
    ],
)  # fmt: skip
def test_what_can_not_be_heard_is_refused_with_what_to_configure(made, start, hint):
    with pytest.raises(Refused, match=hint):
        say(made(), start)


def test_exotel_has_one_track_and_so_one_party():
    with pytest.raises(Refused, match="one party"):
        exotel(party="caller,agent")


@pytest.mark.parametrize(("made", "start"), STARTS)
def test_what_makes_no_sense_is_told_by_kind_and_harms_nothing(made, start):
    dialect = made()

    def kind(message: Mapping[str, Any] | bytes) -> str:
        with pytest.raises(MalformedMessage) as caught:
            say(dialect, message)
        return caught.value.kind

    good = LINEAR if start is EXOTEL_START else MULAW
    assert kind(b"{") == "json"
    assert kind(b"[]") == "shape"
    assert kind(b'{"event": "no such"}') == "shape"
    assert kind(media(start, 2, good, "inbound", 0)) == "order"
    say(dialect, start)
    assert kind(start) == "order"
    assert kind(media(start, 3, b"", "inbound", 0)) == "length"
    assert kind(media(start, 4, b"x" * 3, "inbound", 0)) == "length"
    broken = media(start, 5, good, "inbound", 0)
    (broken if "payload" in broken else broken["media"])["payload"] = "***"
    assert kind(broken) == "base64"

    assert say(dialect, media(start, 6, good, "inbound", 0))[0].audio == good
    assert [type(each) for each in dialect.ended(None)][-1] is Stopped


@pytest.mark.parametrize(("made", "start"), [each for each in STARTS if each.id != "bandwidth"])
def test_a_number_that_comes_again_is_heard_once(made, start):
    dialect = made()
    say(dialect, start)
    message = media(start, 2, LINEAR if start is EXOTEL_START else MULAW, "inbound", 0)

    assert len(say(dialect, message)) == 1
    with pytest.raises(MalformedMessage, match="came again"):
        say(dialect, message)


@pytest.mark.parametrize(
    "start",
    [but(PLIVO_START, "start.tracks", tracks) for tracks in ([], ["inbound", "inbound"], ["both"])],
)
def test_tracks_that_are_none_are_no_start(start):
    with pytest.raises(MalformedMessage, match="unknown tracks"):
        say(plivo(), start)


JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from(["start", "media", "dtmf", "stop", "inbound"]),
    lambda inner: st.dictionaries(
        st.sampled_from(["event", "eventType", "sequence_number", "sequenceNumber", "start", "media", "metadata"])
        | st.text(),
        inner,
    ),
)


@pytest.mark.parametrize(("made", "start"), STARTS)
@given(messages=st.lists(st.binary(max_size=80) | JSON, max_size=20))
def test_fuzz_no_message_breaks_anything(made, start, messages):
    dialect = made()
    say(dialect, start)
    for place, message in enumerate(messages):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        try:
            events = list(dialect.receive(text, is_text=True, now_ms=20 * place))
        except (MalformedMessage, Refused):
            continue
        assert all(isinstance(each, Started | Audio | Digit | Stopped) for each in events)
