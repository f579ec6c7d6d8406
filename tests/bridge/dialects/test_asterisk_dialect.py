"""What a real Asterisk sent, byte for byte, and what others might."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.dialects.asterisk import AsteriskDialect
from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from bridge.dialects.untimed import MOST_EARLY, Question
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

CAPTURES = Path(__file__).parents[2] / "data" / "asterisk"
START = {"event": "MEDIA_START", "channel_id": "pbx-1795347315.22", "format": "ulaw", "optimal_frame_size": 160}


def capture(name: str) -> tuple[dict[str, str], list[dict]]:
    """Return what was asked in the address, and what came after the upgrade."""
    upgrade, *rest = map(json.loads, (CAPTURES / f"{name}.jsonl").read_text().splitlines())
    return dict(parse_qsl(urlsplit(upgrade["path"]).query)), rest


def replayed(name: str, **question: str) -> list[DialectEvent]:
    asked, messages = capture(name)
    dialect = AsteriskDialect(Question.of({key: value for key, value in asked.items() if key == "call"} | question))
    return list(_events(dialect, messages))


def _events(dialect: AsteriskDialect, messages: list[dict]) -> Iterator[DialectEvent]:
    for each in messages:
        match each["type"]:
            case "text":
                yield from dialect.receive(each["text"].encode(), is_text=True, now_ms=each["ms"])
            case "binary":
                yield from dialect.receive(base64.b64decode(each["base64"]), is_text=False, now_ms=each["ms"])
            case "close":
                yield from dialect.ended(each["code"])


def begin_ms(name: str) -> int:
    """Return how long after MEDIA_START the first audio of a capture began: it takes 20 ms to be there."""
    start, first = (
        next(each["ms"] for each in capture(name)[1] if each["type"] == kind) for kind in ("text", "binary")
    )
    return round(first - start - 20)


def audio(events: list[DialectEvent]) -> list[Audio]:
    return [each for each in events if isinstance(each, Audio)]


@pytest.mark.parametrize("name", ["dial-ulaw-plain", "dial-ulaw-json", "dial-slin-json"])
def test_a_played_file_comes_whole_at_its_time_and_ends_with_the_socket(name):
    started, *heard, stopped = replayed(name)
    sent = [base64.b64decode(each["base64"]) for each in capture(name)[1] if each["type"] == "binary"]
    form = AudioFormat("l16", 8000) if "slin" in name else AudioFormat("mulaw", 8000)

    assert isinstance(started, Started)
    assert (started.form, started.tracks) == (form, ("caller",))
    assert started.media_stream == started.call_id
    assert started.media_stream.startswith("lab1-17953472")
    # The file's last message is 18 samples: what is no whole millisecond of it comes with the end.
    *whole, odd = heard
    assert b"".join(each.audio for each in heard) == b"".join(sent)
    assert len(odd.audio) == 2 * form.sample_bytes
    assert [each.media_ms for each in whole] == [begin_ms(name) + 20 * place for place in range(len(sent))]
    assert stopped == Stopped("stop")


def test_the_two_forks_of_a_call_are_two_legs_of_it_on_one_clock():
    caller = replayed("chanspy-caller-leg", party="caller")
    callee = replayed("chanspy-callee-leg", party="callee", call="fcc41732609aaa5b")

    assert caller[0].call_id == callee[0].call_id == "fcc41732609aaa5b"
    assert (caller[0].tracks, callee[0].tracks) == (("caller",), ("callee",))
    assert caller[0].parameters["TENANT"] == "acme"
    for leg, name in ((caller, "chanspy-caller-leg"), (callee, "chanspy-callee-leg")):
        heard = audio(leg)
        assert [each.media_ms for each in heard] == [begin_ms(name) + 20 * place for place in range(693)]
        assert b"".join(each.audio for each in heard).strip(b"\xff")


def test_digits_are_told_when_they_end():
    started, *digits, stopped = replayed("dial-dtmf-json")

    assert isinstance(started, Started)
    assert digits == [Digit("caller", each.digit) for each in digits]
    assert digits
    assert stopped == Stopped("stop")


def say(dialect: AsteriskDialect, message: Mapping | str | bytes, *, now_ms: float = 0.0) -> list[DialectEvent]:
    is_text = not isinstance(message, bytes)
    text = json.dumps(message) if isinstance(message, Mapping) else message
    return list(dialect.receive(text.encode() if isinstance(text, str) else text, is_text=is_text, now_ms=now_ms))


def streaming(**question: str) -> AsteriskDialect:
    dialect = AsteriskDialect(Question.of(question))
    say(dialect, START)
    return dialect


def test_stereo_that_nothing_on_the_wire_tells_of_is_told_by_the_address():
    dialect = AsteriskDialect(Question.of({"channels": "2", "party": "caller,agent"}))
    (started,) = say(dialect, START | {"format": "slin"})
    frame = b"".join(bytes((place, 0, 0, place)) for place in range(160))  # 640 bytes, as of ChanSpy's D

    assert started.tracks == ("caller", "agent")
    heard = say(dialect, frame, now_ms=20)
    assert [(each.track, each.media_ms, len(each.audio)) for each in heard] == [("caller", 0, 320), ("agent", 0, 320)]
    assert heard[0].audio == b"".join(bytes((place, 0)) for place in range(160))
    assert heard[1].audio == b"".join(bytes((0, place)) for place in range(160))


@pytest.mark.parametrize("name", ["CALLSCRIBE_CALL", "__CALLSCRIBE_CALL"])
def test_a_channel_variable_may_name_the_call_and_the_address_goes_first(name):
    variables = {"channel_variables": {name: "order-17", "TENANT": "acme"}}

    (started,) = say(AsteriskDialect(Question()), START | variables)
    assert (started.call_id, started.parameters) == ("order-17", {name: "order-17", "TENANT": "acme"})
    (started,) = say(AsteriskDialect(Question("order-18")), START | variables)
    assert started.call_id == "order-18"


def test_audio_that_comes_before_it_is_said_what_it_is_is_not_lost():
    dialect = AsteriskDialect(Question())
    assert say(dialect, b"\x11" * 160, now_ms=20) == []
    assert say(dialect, b"\x22" * 160, now_ms=40) == []

    _, first, second = say(dialect, START, now_ms=45)
    assert (first, second) == (Audio("caller", 0, b"\x11" * 160), Audio("caller", 20, b"\x22" * 160))


def test_of_audio_that_nothing_is_said_of_no_more_is_kept():
    dialect = AsteriskDialect(Question())
    for place in range(MOST_EARLY):
        say(dialect, b"\x11" * 160, now_ms=20 * place)

    with pytest.raises(MalformedMessage) as refused:
        say(dialect, b"\x11" * 160)
    assert refused.value.kind == "order"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("", "shape"),
        ("{", "json"),
        ('{"event": 7}', "shape"),
        ("[]", "shape"),
        ("\u00fc", "shape"),
        (START, "order"),
        (b"", "length"),
        (b"\x11", "length"),
    ],
)
def test_what_makes_no_sense_is_told_by_its_kind_and_what_follows_is_heard(message, kind):
    dialect = AsteriskDialect(Question())
    say(dialect, START | {"format": "slin"})

    if message == "[]":
        assert say(dialect, message) == []  # a plain event that nobody knows
        return
    with pytest.raises(MalformedMessage) as raised:
        say(dialect, message)
    assert raised.value.kind == kind
    assert audio(say(dialect, b"\x11" * 320, now_ms=20)) == [Audio("caller", 0, b"\x11" * 320)]


@pytest.mark.parametrize(
    "message",
    [
        "MEDIA_XOFF",
        "STATUS channel_id:x queue_length:980 queue_full:true",
        {"event": "MEDIA_MARK_PROCESSED", "channel_id": "x", "correlation_id": "m1"},
        {"event": "ERROR", "channel_id": "x", "error_text": "Unable to parse JSON command"},
        {"event": "OF_A_LATER_RELEASE"},
    ],
)  # fmt: skip
def test_what_is_of_no_use_here_is_passed_over(message):
    assert say(streaming(), message) == []


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (START | {"format": "g722"}, r"c\(ulaw\)"),
        (START | {"format": "opus"}, r"c\(ulaw\)"),
        (START | {"format": ""}, r"c\(ulaw\)"),
        (START | {"channel_id": ""}, r"22\.8"),
        (START | {"channel_variables": {"CALLSCRIBE_CALL": "a/b"}}, "128 letters"),
        ("MEDIA_START connection_id:cap channel:WebSocket/cap/0x7f format:ulaw", r"22\.8"),
    ],
)
def test_what_cannot_be_heard_is_refused_with_what_to_configure(start, why):
    with pytest.raises(Refused, match=why):
        say(AsteriskDialect(Question()), start)


@pytest.mark.parametrize(
    "question",
    [
        {"call": "../../etc"},
        {"call": "a b"},
        {"party": ","},
        {"party": "caller,caller", "channels": "2"},
        {"channels": "2"},
        {"party": "a,b,c", "channels": "3"},
        {"party": "<b>"},
    ],
)
def test_an_address_that_makes_no_sense_is_refused(question):
    with pytest.raises(Refused):
        Question.of(question)


def test_one_that_is_closed_before_it_began_has_nothing_to_end():
    assert list(AsteriskDialect(Question()).ended(1000)) == []
    dialect = streaming()
    assert list(dialect.ended(1000)) == [Stopped("stop")]
    assert list(dialect.ended(1000)) == []


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=30))
def test_fuzz_no_message_breaks_anything(messages):
    dialect = streaming()
    for place, (is_text, message) in enumerate(messages):
        try:
            events = list(dialect.receive(message, is_text=is_text, now_ms=20 * place))
        except (MalformedMessage, Refused):
            continue
        assert all(isinstance(each, Audio | Digit) for each in events)
