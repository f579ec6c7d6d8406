"""What clients and the push service say to each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import Dtmf, Entry, Other
from callscribe.errors import MalformedMessage
from callscribe.messages import (
    ErrorMessage,
    PartialMessage,
    Ping,
    PongMessage,
    Replay,
    ReplayedMessage,
    Subscribe,
    Unsubscribe,
    as_json,
    decode_action,
    decode_frame,
    encode_action,
    entry_of,
    frames,
    message_of,
)

PRESSED = Entry("CA1", 7, "2026-11-22T09:15:02.417Z", "acme", Dtmf(leg="MZ1/inbound", digit="5", at_ms=1200))


@pytest.mark.parametrize(
    "action",
    [Subscribe("CA1"), Subscribe("CA1", 7), Subscribe(tenant=True), Replay("CA1", 7), Unsubscribe("CA1"), Ping()],
)
def test_an_action_comes_over_as_it_was_meant(action):
    assert decode_action(encode_action(action)) == action


def test_an_action_is_known_by_its_name():
    assert decode_action('{"action":"subscribe","call_id":"CA1","after":3,"more":"ignored"}') == Subscribe("CA1", 3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "truncated"),
        ("hello", "malformed"),
        ("[]", "object"),
        ("{}", "`action`"),
        ('{"action":"everything"}', "$.action"),
        ('{"action":"subscribe"}', "`call_id`"),
        ('{"action":"subscribe","call_id":5}', "$.call_id"),
        ('{"action":"subscribe","call_id":""}', "$.call_id"),
        ('{"action":"replay","call_id":"CA1","after":"7"}', "$.after"),
        ('{"action":"replay","call_id":"CA1","after":-1}', "$.after"),
        ('{"action":"replay","call_id":"CA1","after":99999999999}', "$.after"),
        ("\ud800", "surrogates"),
    ],
)
def test_a_malformed_action_says_what_is_wrong(text, named):
    with pytest.raises(MalformedMessage, match=named.replace("$", r"\$")) as refused:
        decode_action(text)

    assert refused.value.kind == "action"


def test_an_entry_reaches_the_client_without_its_tenant():
    message = message_of(PRESSED)

    assert as_json(message) == {
        "type": "entry",
        "call_id": "CA1",
        "seq": 7,
        "kind": "dtmf",
        "at": "2026-11-22T09:15:02.417Z",
        "body": {"leg": "MZ1/inbound", "digit": "5", "at_ms": 1200},
    }
    assert entry_of(message) == Entry("CA1", 7, PRESSED.at, "", PRESSED.body)


def test_an_entry_of_a_kind_unknown_here_passes_through_as_it_is():
    entry = Entry("CA1", 8, PRESSED.at, "", Other(kind="note", fields={"spans": [1, 2]}))

    assert [entry_of(message) for message in decode_frame(frames([message_of(entry)])[0])] == [entry]


texts = st.text(st.characters(codec="utf-8"), max_size=60)
messages = st.lists(
    st.one_of(
        st.builds(
            lambda seq, text: message_of(Entry("CA1", seq, PRESSED.at, "", Other(kind="note", fields={"text": text}))),
            st.integers(1, 10**9),
            texts,
        ),
        st.builds(ErrorMessage, code=st.just("malformed"), message=texts, field=st.none() | texts),
        st.builds(ReplayedMessage, call_id=st.just("CA1"), through=st.integers(0, 10**9)),
        st.builds(
            PartialMessage,
            call_id=st.just("CA1"),
            leg=texts,
            party=texts,
            id=texts,
            text=texts,
            start_ms=st.integers(0, 10**6),
            end_ms=st.integers(0, 10**6),
            after=st.integers(0, 10**6),
        ),
        st.just(PongMessage()),
    ),
    max_size=20,
)


@given(messages, st.integers(100, 1000))
def test_frames_hold_all_messages_in_order_and_are_no_longer_than_allowed(given_messages, limit_bytes):
    made = frames(given_messages, limit_bytes=limit_bytes)

    assert [as_json(each) for frame in made for each in decode_frame(frame)] == [
        as_json(each) for each in given_messages
    ]
    assert all(len(frame) <= limit_bytes or frame.count(b"\n") == 0 for frame in made)


@given(messages)
def test_a_line_of_a_frame_is_one_message(given_messages):
    made = frames(given_messages)

    assert sum(frame.count(b"\n") + 1 for frame in made) == len(given_messages)
    assert all(isinstance(json.loads(line), dict) for frame in made for line in frame.split(b"\n"))


def test_a_line_separator_in_what_was_said_does_not_end_a_line():
    error = ErrorMessage(code="malformed", message="a\u2028b\x85c\nd")

    assert decode_frame(frames([error, PongMessage()])[0].decode()) == [error, PongMessage()]


def test_messages_that_fit_together_are_one_frame():
    assert frames([PongMessage(), PongMessage()]) == [b'{"type":"pong"}\n{"type":"pong"}']
    assert frames([]) == []


def test_a_frame_that_is_not_ours_is_malformed():
    for frame in ("no", '{"type":"pong"}\n{"type":"else"}', "{}"):
        with pytest.raises(MalformedMessage):
            decode_frame(frame)


def test_a_message_whose_body_is_of_another_shape_is_malformed():
    message = decode_frame('{"type":"entry","call_id":"CA1","seq":1,"kind":"dtmf","at":"","body":{"digit":5}}')[0]

    with pytest.raises(MalformedMessage):
        entry_of(message)
