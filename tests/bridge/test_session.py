"""One Gladia session: states and moves."""

from __future__ import annotations

import json

import pytest

from bridge.session import Session, State
from bridge.session_events import (
    AudioEnded,
    Closed,
    Connect,
    DeadlinePassed,
    Disconnect,
    Granted,
    Heard,
    Open,
    OpeningFailed,
    OpeningRefused,
    Received,
    Send,
    SessionOpened,
    SocketLost,
    SocketOpened,
)

REQUEST = {"channels": 2}
URL = "wss://gladia.example.test/v2/live?token=secret"
STOP = Send('{"type":"stop_recording"}')


def session(**options) -> Session:
    return Session(REQUEST, jitter=lambda: 1.0, **options)


def relaying(**options) -> Session:
    opened = session(**options)
    opened.open()
    opened.handle(SessionOpened("G1", URL), now=0)
    opened.handle(SocketOpened(), now=0)
    return opened


def acknowledgement(end: int) -> Received:
    message = {
        "type": "audio_chunk",
        "acknowledged": True,
        "error": None,
        "data": {"byte_range": [0, end], "time_range": [0, 1]},
    }
    return Received(json.dumps(message))


def final(text: str) -> Received:
    utterance = {
        "text": text, "start": 0.1, "end": 0.5, "confidence": 0.9, "channel": 0, "language": "en", "words": [],
    }  # fmt: skip
    return Received(
        json.dumps({"type": "transcript", "data": {"id": "00_00000000", "is_final": True, "utterance": utterance}})
    )


def test_it_opens_connects_and_relays():
    opened = session()

    assert opened.open() == [Open(REQUEST)]
    assert opened.handle(SessionOpened("G1", URL), now=0) == [Granted("G1"), Connect(URL)]
    assert opened.handle(SocketOpened(), now=0) == []
    assert opened.hear(b"ab" * 800, now=0) == [Send(b"ab" * 800)]
    assert opened.state is State.RELAYING


def test_what_is_heard_before_the_socket_is_open_goes_first():
    opened = session()
    opened.open()
    assert opened.hear(b"ab" * 800, now=0) == []
    opened.handle(SessionOpened("G1", URL), now=0)
    assert opened.hear(b"cd" * 800, now=0) == []

    assert opened.handle(SocketOpened(), now=0) == [Send(b"ab" * 800 + b"cd" * 800)]


def test_words_are_told_with_the_session_that_heard_them():
    effects = relaying().handle(final(" Good morning."), now=0)

    assert [(type(effect), effect.session_id, effect.transcript.utterance.text) for effect in effects] == [
        (Heard, "G1", " Good morning.")
    ]


def test_a_lost_socket_is_opened_again_on_the_same_url_and_sent_what_was_not_acknowledged():
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.hear(b"cd" * 800, now=0)
    lost.handle(acknowledgement(1600), now=1)

    assert lost.handle(SocketLost(1006), now=2) == []
    assert lost.hear(b"ef" * 800, now=0) == []
    assert lost.handle(DeadlinePassed(), now=lost.deadline) == [Connect(URL)]
    assert lost.handle(SocketOpened(), now=3) == [Send(b"cd" * 800 + b"ef" * 800)]
    assert lost.reconnects == 1


def test_a_socket_on_which_nothing_comes_while_audio_waits_is_given_up_and_opened_again():
    half_open = relaying()
    half_open.hear(b"ab" * 800, now=10)
    half_open.hear(b"cd" * 800, now=14)

    assert half_open.deadline == 15
    assert half_open.handle(DeadlinePassed(), now=15) == [Disconnect()]
    assert half_open.handle(DeadlinePassed(), now=half_open.deadline) == [Connect(URL)]
    assert half_open.handle(SocketOpened(), now=16) == [Send(b"ab" * 800 + b"cd" * 800)]
    assert half_open.reconnects == 1


def test_a_socket_on_which_words_come_is_alive_though_acknowledgements_are_slow():
    slow = relaying()
    slow.hear(b"ab" * 800, now=10)
    slow.handle(final(" Yes."), now=14)

    assert slow.deadline == 19
    slow.handle(acknowledgement(1600), now=18)
    assert slow.deadline is None


def test_a_half_open_socket_in_the_end_is_opened_again_and_told_the_end_again():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(AudioEnded(), now=1)
    assert ending.handle(DeadlinePassed(), now=ending.deadline) == [Disconnect()]
    assert ending.handle(DeadlinePassed(), now=ending.deadline) == [Connect(URL)]

    assert ending.handle(SocketOpened(), now=6) == [Send(b"ab" * 800), STOP]


def test_a_stop_that_is_not_answered_is_said_again_on_another_socket():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(acknowledgement(1600), now=0)
    ending.handle(AudioEnded(), now=1)

    assert ending.deadline == 6
    assert ending.handle(DeadlinePassed(), now=6) == [Disconnect()]
    assert ending.handle(DeadlinePassed(), now=ending.deadline) == [Connect(URL)]
    assert ending.handle(SocketOpened(), now=7) == [STOP]


def test_once_the_stop_is_answered_the_end_may_take_its_time():
    ending = relaying()
    ending.handle(AudioEnded(), now=1)
    ending.handle(Received('{"type":"stop_recording","acknowledged":true,"data":{}}'), now=1)

    assert ending.deadline == 31


def test_a_long_backlog_goes_out_in_pieces_that_gladia_takes():
    lost = relaying()
    lost.hear(b"ab" * 800_000, now=0)
    lost.handle(SocketLost(1006), now=1)
    lost.handle(DeadlinePassed(), now=lost.deadline)

    pieces = lost.handle(SocketOpened(), now=2)
    assert b"".join(piece.message for piece in pieces) == b"ab" * 800_000
    assert max(len(piece.message) for piece in pieces) <= 512 * 1024


def test_the_end_is_said_and_waited_for():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)

    assert ending.handle(AudioEnded(), now=5) == [STOP]
    assert ending.handle(final(" Bye."), now=5.5)[0].transcript.utterance.text == " Bye."
    assert ending.handle(SocketLost(1000), now=6) == [Disconnect(), Closed(None)]
    assert ending.closed


def test_a_socket_lost_while_draining_is_told_the_end_again():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(AudioEnded(), now=5)
    ending.handle(SocketLost(1006), now=5.1)
    ending.handle(DeadlinePassed(), now=5.5)

    assert ending.handle(SocketOpened(), now=6) == [Send(b"ab" * 800), STOP]
    assert ending.state is State.DRAINING


def test_a_call_that_ends_before_the_session_is_granted_still_gets_its_words():
    early = session()
    early.open()
    early.hear(b"ab" * 800, now=0)
    assert early.handle(AudioEnded(), now=1) == []
    early.handle(SessionOpened("G1", URL), now=2)

    assert early.handle(SocketOpened(), now=3) == [Send(b"ab" * 800), STOP]


def test_an_end_that_never_comes_is_given_up_and_said():
    ending = relaying()
    ending.handle(AudioEnded(), now=5)
    ending.handle(Received('{"type":"stop_recording","acknowledged":true,"data":{}}'), now=5)

    assert ending.deadline == 35
    assert ending.handle(DeadlinePassed(), now=35) == [Disconnect(), Closed("gladia did not end the session in time")]


def test_an_opening_that_never_succeeds_is_given_up_with_its_last_reason():
    waiting = session()
    waiting.open()
    waiting.handle(AudioEnded(), now=0)
    waiting.handle(OpeningFailed("gladia answered 503"), now=29)

    assert waiting.handle(DeadlinePassed(), now=30) == [
        Disconnect(),
        Closed("gladia granted no session in time: gladia answered 503"),
    ]


def test_a_resumption_that_never_succeeds_is_given_up_with_its_last_reason():
    lost = relaying()
    lost.handle(AudioEnded(), now=0)
    lost.handle(SocketLost(1006), now=29.9)

    assert lost.handle(DeadlinePassed(), now=30)[-1] == Closed(
        "gladia's session could not be reached again in time: its socket closed with 1006"
    )


def test_a_refusal_is_final_and_says_why():
    refused = session()
    refused.open()

    assert refused.handle(OpeningRefused("gladia answered 401: key not found"), now=0) == [
        Disconnect(),
        Closed("gladia answered 401: key not found"),
    ]
    assert refused.hear(b"ab", now=0) == []


def test_a_failed_opening_is_tried_again_later_and_later():
    waiting = session()
    waiting.open()
    delays = []
    now = 0.0
    for _ in range(8):
        waiting.handle(OpeningFailed("gladia answered 503"), now=now)
        delays.append(waiting.deadline - now)
        now = waiting.deadline
        assert waiting.handle(DeadlinePassed(), now=now) == [Open(REQUEST)]

    assert delays == [0.25, 0.5, 1, 2, 4, 8, 8, 8]


def test_a_handshake_that_is_followed_by_nothing_counts_as_a_failure():
    lost = relaying()
    delays = []
    now = 0.0
    for _ in range(4):
        lost.handle(SocketLost(1006), now=now)
        delays.append(lost.deadline - now)
        now = lost.deadline
        lost.handle(DeadlinePassed(), now=now)
        lost.handle(SocketOpened(), now=now)
    assert delays == [0.25, 0.5, 1, 2]

    lost.handle(acknowledgement(0), now=now)
    lost.handle(SocketLost(1006), now=now)
    assert lost.deadline - now == 0.25


@pytest.mark.parametrize("code", [1000, 4403, 4408])
def test_a_session_that_gladia_ends_in_mid_call_is_over_and_another_may_go_on_with_what_it_did_not_take(code):
    ended = relaying()
    ended.hear(b"ab" * 800, now=0)
    ended.hear(b"cd" * 800, now=0)
    ended.handle(acknowledgement(1600), now=0)

    assert ended.handle(SocketLost(code), now=1) == [
        Disconnect(),
        Closed(f"gladia ended the session with {code}", may_go_on=True),
    ]
    assert ended.unacknowledged() == b"cd" * 800


def test_a_session_that_had_everything_and_ended_wrongly_leaves_nothing_to_go_on_with():
    ended = relaying()
    ended.hear(b"ab" * 800, now=0)
    ended.handle(acknowledgement(1600), now=0)
    ended.handle(AudioEnded(), now=1)

    assert ended.handle(SocketLost(4403), now=2)[-1] == Closed("gladia ended the session with 4403")


def test_a_session_may_be_opened_later():
    later = session()

    assert later.open(now=5, delay_s=2) == []
    assert later.deadline == 7
    assert later.handle(DeadlinePassed(), now=7) == [Open(REQUEST)]


def test_more_audio_than_may_be_kept_ends_the_session_not_the_call():
    slow = session(backlog_bytes=1600)
    slow.open()
    slow.hear(b"ab" * 800, now=0)

    assert slow.hear(b"cd" * 800, now=0) == [Disconnect(), Closed("gladia is behind: 1600 bytes unacknowledged")]


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"type":"audio_chunk","acknowledged":true,"data":null}'])
def test_a_message_that_makes_no_sense_is_counted_and_dropped(text):
    puzzled = relaying()

    assert puzzled.handle(Received(text), now=1) == []
    assert puzzled.malformed == 1
    assert puzzled.state is State.RELAYING


@pytest.mark.parametrize("kind", ["start_session", "speech_start", "something_new", "error"])
def test_a_message_of_another_type_is_no_fault(kind):
    tolerant = relaying()

    assert tolerant.handle(Received(json.dumps({"type": kind, "data": {"x": 1}})), now=1) == []
    assert tolerant.malformed == 0


def test_counts_say_what_was_given_sent_and_acknowledged():
    counting = session()
    counting.open()
    counting.hear(b"ab" * 800, now=0)
    assert (counting.given, counting.sent, counting.acknowledged) == (1600, 0, 0)

    counting.handle(SessionOpened("G1", URL), now=0)
    counting.handle(SocketOpened(), now=0)
    counting.hear(b"ab" * 800, now=0)
    counting.handle(acknowledgement(1600), now=1)
    assert (counting.given, counting.sent, counting.acknowledged) == (3200, 3200, 1600)
