"""Twilio's messages, to the letter, and everything that is not one."""

from __future__ import annotations

import base64
import contextlib
import json
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.dialects.events import Audio, DialectEvent, Digit, Started, Stopped
from bridge.dialects.twilio import TwilioDialect
from callscribe.audio_format import MULAW_8K
from callscribe.errors import MalformedMessage

CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
START = (
    '{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","accountSid":"AC1",'
    '"callSid":"CA1","tracks":["inbound","outbound"],"customParameters":{"tenant":"t-42"},'
    '"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'
)


def media(number: int = 2, *, track: str = "inbound", timestamp: int = 102, payload: str | None = None) -> str:
    body = {"track": track, "chunk": "1", "timestamp": str(timestamp), "payload": payload or frame(b"\xfe" * 160)}
    return json.dumps({"event": "media", "sequenceNumber": str(number), "streamSid": "MZ1", "media": body})


def frame(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


def streaming() -> TwilioDialect:
    dialect = TwilioDialect()
    assert hear(dialect, CONNECTED) is None
    hear(dialect, START)
    return dialect


def hear(dialect: TwilioDialect, message: str | bytes) -> DialectEvent | None:
    """Return what a message says; each says one thing at most."""
    (event,) = dialect.receive(message.encode() if isinstance(message, str) else message) or (None,)
    return event


def kind_of_failure(dialect: TwilioDialect, text: str | bytes) -> str:
    with pytest.raises(MalformedMessage) as raised:
        hear(dialect, text)
    return raised.value.kind


def test_start_tells_the_call_and_its_tracks():
    assert hear(TwilioDialect(), START) == Started(
        media_stream="MZ1",
        call_id="CA1",
        account="AC1",
        tracks=("inbound", "outbound"),
        form=MULAW_8K,
        parameters={"tenant": "t-42"},
        keeps_time=True,
    )


def test_media_is_the_bytes_that_the_carrier_sent_and_their_time():
    assert hear(streaming(), media(timestamp=102)) == Audio("inbound", 102, b"\xfe" * 160)


def test_numbers_may_come_without_quotes():
    text = media().replace('"2"', "2").replace('"102"', "102")

    assert hear(streaming(), text) == Audio("inbound", 102, b"\xfe" * 160)


def test_a_digit_names_its_track_in_the_long_form():
    text = '{"event":"dtmf","sequenceNumber":"3","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"5"}}'

    assert hear(streaming(), text) == Digit("inbound", "5")


def test_stop_ends_the_stream_and_nothing_is_heard_after_it():
    dialect = streaming()
    stop = '{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}'

    assert hear(dialect, stop) == Stopped("stop")
    assert kind_of_failure(dialect, media(10)) == "order"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", "json"),
        ("", "json"),
        (b"\xff\xfe", "json"),
        ("[]", "shape"),
        ('{"event":"surprise","sequenceNumber":"2"}', "shape"),
        ('{"event":"media","sequenceNumber":"2"}', "shape"),
        (media(track="sideways"), "track"),
        (media(payload="not base64!"), "base64"),
        (media(payload=frame(b"\xff" * 161)), "length"),
        (media(1), "order"),
        (START.replace('"sequenceNumber":"1"', '"sequenceNumber":"2"'), "order"),
    ],
)
def test_a_message_that_is_wrong_is_named_by_kind_and_the_next_one_is_heard(text, kind):
    dialect = streaming()

    assert kind_of_failure(dialect, text) == kind
    assert hear(dialect, media(7)) == Audio("inbound", 102, b"\xfe" * 160)


def test_a_message_that_was_overtaken_is_heard_once():
    dialect = streaming()
    for number in (2, 4, 5):
        hear(dialect, media(number))

    assert hear(dialect, media(3)) == Audio("inbound", 102, b"\xfe" * 160)
    assert kind_of_failure(dialect, media(3)) == "order"
    assert kind_of_failure(dialect, media(4)) == "order"


def test_a_number_from_afar_does_not_make_the_next_ones_old():
    dialect = streaming()
    for number in (10**30, -(10**30)):
        assert kind_of_failure(dialect, media(number)) == "order"
        assert kind_of_failure(dialect, media(number)) == "order"

    assert hear(dialect, media(2)) is not None


@pytest.mark.parametrize("count_from", [2000, 10**9, -5000])
def test_a_count_that_goes_on_elsewhere_is_believed_from_its_second_message(count_from):
    dialect = streaming()

    assert kind_of_failure(dialect, media(count_from)) == "order"
    assert hear(dialect, media(count_from + 1)) is not None
    assert hear(dialect, media(count_from + 2)) is not None


def test_a_track_that_is_announced_twice_is_refused():
    assert kind_of_failure(TwilioDialect(), START.replace("outbound", "inbound_track")) == "track"


def test_media_before_start_is_out_of_order():
    assert kind_of_failure(TwilioDialect(), media()) == "order"


def test_a_track_that_was_not_announced_is_refused():
    dialect = TwilioDialect()
    hear(dialect, START.replace('["inbound","outbound"]', '["inbound"]'))

    assert kind_of_failure(dialect, media(track="outbound")) == "track"


def test_another_encoding_is_refused_at_the_start():
    assert kind_of_failure(TwilioDialect(), START.replace("audio/x-mulaw", "audio/x-l16")) == "format"


@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(json.dumps),
    )
)
def test_no_text_makes_more_than_a_malformed_message(text):
    dialect = streaming()
    with contextlib.suppress(MalformedMessage):
        hear(dialect, text)
    assert hear(dialect, media(50)) is not None


def singly(audio: Audio) -> list[Audio]:
    """Return the packets that `audio` came in."""
    size = len(audio.audio) // audio.packets
    return [
        Audio(audio.track, audio.media_ms + begin // 8, audio.audio[begin : begin + size])
        for begin in range(0, len(audio.audio), size)
    ]


def by_the_read(dialect: TwilioDialect, messages: list[bytes]) -> tuple[list[DialectEvent], list[str]]:
    """Return what is heard, each packet by itself, and what is wrong, of messages that one read brought."""
    heard: list[DialectEvent] = []
    wrong, place = [], 0
    while place < len(messages):
        pieces, place = dialect.receive_audio(messages, place)
        heard += [packet for piece in pieces for packet in singly(piece)]
        if place < len(messages):
            try:
                heard += dialect.receive(messages[place])
            except MalformedMessage as error:
                wrong.append(error.kind)
            place += 1
    return heard, wrong


def one_by_one(dialect: TwilioDialect, messages: list[bytes]) -> tuple[list[DialectEvent], list[str]]:
    """Return the same of messages that came apart."""
    heard: list[DialectEvent] = []
    wrong = []
    for message in messages:
        try:
            heard += dialect.receive(message)
        except MalformedMessage as error:
            wrong.append(error.kind)
    return heard, wrong


def of_track(events: list[DialectEvent], track: str) -> list[DialectEvent]:
    return [event for event in events if not isinstance(event, Audio) or event.track == track]


MESSAGES = st.one_of(
    st.builds(
        media,
        number=st.integers(1, 12),
        timestamp=st.sampled_from((102, 122, 142, 162)),
        track=st.sampled_from(("inbound", "outbound", "inbound", "nobody")),
        payload=st.sampled_from((frame(b"\xfe" * 160), frame(b"\xfd" * 80), frame(b"\xfd" * 81), "", "*")),
    ),
    st.sampled_from((CONNECTED, START, "{", '{"event":"mark","sequenceNumber":"4","mark":{"name":"m"}}')),
)


@given(st.lists(MESSAGES, max_size=12))
@example([media(number=place, timestamp=82 + 20 * place) for place in range(2, 8)])
def test_messages_of_one_read_say_what_they_say_one_by_one(texts):
    messages = [text.encode() for text in texts]
    heard, wrong = by_the_read(streaming(), messages)
    alone, wrong_alone = one_by_one(streaming(), messages)

    assert wrong == wrong_alone
    for track in ("inbound", "outbound"):
        assert of_track(heard, track) == of_track(alone, track)


def test_packets_that_follow_one_another_come_as_one_piece():
    messages = [
        media(number=place + 2, timestamp=102 + 20 * (place // 2), track=("inbound", "outbound")[place % 2]).encode()
        for place in range(8)
    ]

    assert streaming().receive_audio(messages, 0) == (
        [Audio("inbound", 102, b"\xfe" * 640, 4), Audio("outbound", 102, b"\xfe" * 640, 4)],
        8,
    )


def test_nothing_is_decoded_behind_the_first_message_that_is_not_in_order():
    # A read of repeated messages must not have all of them decoded again for each.
    dialect = streaming()
    dialect.receive_audio([media(number=2, timestamp=102).encode()], 0)
    decoded = []

    def said(number: int) -> object:
        decoded.append(number)
        return SimpleNamespace(
            sequence_number=number, media=SimpleNamespace(track="inbound", timestamp=122, payload=b"\xfe" * 160)
        )

    assert dialect._stream.hear_run(map(said, (3, 3, 4, 5))) == ([Audio("inbound", 122, b"\xfe" * 160)], 1)
    assert decoded == [3, 3]
