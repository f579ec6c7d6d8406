"""One Gladia session: states and moves."""

from __future__ import annotations

import json

import pytest

from bridge.session import Session
from bridge.session_events import (
    AudioEnded,
    Closed,
    Connect,
    DeadlinePassed,
    Disconnect,
    Fetch,
    Granted,
    Heard,
    Located,
    Open,
    OpeningFailed,
    OpeningRefused,
    Parted,
    Received,
    Recovered,
    Release,
    ResultAbsent,
    ResultFailed,
    ResultFetched,
    Send,
    SessionOpened,
    SocketLost,
    SocketOpened,
)
from bridge.session_states import State
from callscribe.stored_result import Stored

REQUEST = {"channels": 2, "bit_depth": 8, "sample_rate": 8000}
URL = "wss://gladia.example.test/v2/live?token=secret"
STOP = Send('{"type":"stop_recording"}')
QUESTION = Send('{"type":"audio_chunk","data":{"chunk":""}}')  # how far does the session's audio go?


def session(**options) -> Session:
    return Session(REQUEST, jitter=lambda: 1.0, **options)


def relaying(**options) -> Session:
    opened = session(**options)
    opened.open()
    opened.handle(SessionOpened("G1", URL), now=0)
    opened.handle(SocketOpened(), now=0)
    return opened


def acknowledgement(end: int, *, start: int = 0) -> Received:
    message = {
        "type": "audio_chunk",
        "acknowledged": True,
        "error": None,
        "data": {"byte_range": [start, end], "time_range": [0, 1]},
    }
    return Received(json.dumps(message))


def answer(position: int) -> Received:
    return acknowledgement(position, start=position)


def refusal(reason: str) -> Received:
    message = {"type": "audio_chunk", "acknowledged": False, "error": {"message": reason}, "data": None}
    return Received(json.dumps(message))


def final(text: str, *, end_s: float = 0.5, is_final: bool = True) -> Received:
    utterance = {
        "text": text, "start": 0.1, "end": end_s, "confidence": 0.9, "channel": 0, "language": "en", "words": [],
    }  # fmt: skip
    return Received(
        json.dumps({"type": "transcript", "data": {"id": "00_00000000", "is_final": is_final, "utterance": utterance}})
    )


def texts(effects: list) -> list[str]:
    return [effect.transcript.utterance.text for effect in effects if isinstance(effect, Heard)]


def partial(text: str) -> Received:
    return final(text, is_final=False)


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
    assert lost.handle(SocketOpened(), now=3) == [QUESTION]
    assert lost.handle(answer(1600), now=3) == [Send(b"cd" * 800 + b"ef" * 800)]
    assert lost.reconnects == 1


def test_a_socket_on_which_nothing_comes_while_audio_waits_is_given_up_and_opened_again():
    half_open = relaying()
    half_open.hear(b"ab" * 800, now=10)
    half_open.hear(b"cd" * 800, now=14)

    assert half_open.deadline == 15
    assert half_open.handle(DeadlinePassed(), now=15) == [Disconnect()]
    assert half_open.handle(DeadlinePassed(), now=half_open.deadline) == [Connect(URL)]
    assert half_open.handle(SocketOpened(), now=16) == [QUESTION]
    assert half_open.handle(answer(0), now=16) == [Send(b"ab" * 800 + b"cd" * 800)]
    assert half_open.reconnects == 1


def test_a_socket_on_which_words_come_is_alive_though_acknowledgements_are_slow():
    slow = relaying()
    slow.hear(b"ab" * 800, now=10)
    slow.handle(partial(" Yes."), now=14)

    assert slow.deadline == 19
    slow.handle(acknowledgement(1600), now=18)
    assert slow.deadline is None


def test_a_half_open_socket_in_the_end_is_opened_again_and_told_the_end_again():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(AudioEnded(), now=1)
    assert ending.handle(DeadlinePassed(), now=ending.deadline) == [Disconnect()]
    assert ending.handle(DeadlinePassed(), now=ending.deadline) == [Connect(URL)]

    assert ending.handle(SocketOpened(), now=6) == [QUESTION]
    assert ending.handle(answer(0), now=6) == [Send(b"ab" * 800), STOP]


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

    lost.handle(SocketOpened(), now=2)

    pieces = lost.handle(answer(0), now=2)
    assert b"".join(piece.message for piece in pieces) == b"ab" * 800_000
    assert max(len(piece.message) for piece in pieces) <= 512 * 1024


def test_the_end_is_said_and_waited_for():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)

    assert ending.handle(AudioEnded(), now=5) == [STOP]
    assert ending.handle(final(" Bye."), now=5.5)[0].transcript.utterance.text == " Bye."
    assert ending.handle(SocketLost(1000), now=6) == [Disconnect(), Release(), Closed(None)]
    assert ending.closed


def test_a_socket_lost_while_draining_is_told_the_end_again():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(AudioEnded(), now=5)
    ending.handle(SocketLost(1006), now=5.1)
    ending.handle(DeadlinePassed(), now=5.5)

    assert ending.handle(SocketOpened(), now=6) == [QUESTION]
    assert ending.handle(answer(0), now=6) == [Send(b"ab" * 800), STOP]
    assert ending.state is State.DRAINING


def test_a_call_that_ends_before_the_session_is_granted_still_gets_its_words():
    early = session()
    early.open()
    early.hear(b"ab" * 800, now=0)
    assert early.handle(AudioEnded(), now=1) == []
    early.handle(SessionOpened("G1", URL), now=2)

    assert early.handle(SocketOpened(), now=3) == [Send(b"ab" * 800), STOP]


def test_an_end_that_never_comes_is_given_up_and_looked_up():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(acknowledgement(1600), now=0)
    ending.handle(AudioEnded(), now=5)
    ending.handle(Received('{"type":"stop_recording","acknowledged":true,"data":{}}'), now=5)

    assert ending.deadline == 35
    assert ending.handle(DeadlinePassed(), now=35) == [Disconnect(), Release(), Fetch("G1")]
    assert ending.state is State.RECONCILING


def test_an_opening_that_never_succeeds_is_given_up_with_its_last_reason():
    waiting = session()
    waiting.open()
    waiting.handle(AudioEnded(), now=0)
    waiting.handle(OpeningFailed("gladia answered 503"), now=29)

    assert waiting.handle(DeadlinePassed(), now=30) == [
        Disconnect(),
        Release(),
        Closed("gladia granted no session in time: gladia answered 503"),
    ]


def out_of_reach() -> Session:
    """A session whose audio has ended, and that was sent 1600 bytes of which nothing is known."""
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.handle(AudioEnded(), now=0)
    lost.handle(SocketLost(1006), now=29.9)
    assert lost.handle(DeadlinePassed(), now=30) == [Disconnect(), Release(), Fetch("G1")]
    return lost


def test_audio_of_which_the_stored_result_knows_is_not_left_to_another_session():
    stored = Stored("done", audio_s=0.1)

    assert out_of_reach().handle(ResultFetched(stored), now=31) == [Recovered("G1", stored), Closed(None)]


def test_audio_of_which_the_stored_result_does_not_know_is_left_to_another_session():
    lost = out_of_reach()
    stored = Stored("done", audio_s=0.05)

    reason = "gladia's session could not be reached again in time: its socket closed with 1006"
    assert lost.handle(ResultFetched(stored), now=31) == [
        Recovered("G1", stored),
        Parted(800, 800, reason),
        Closed(None),
    ]
    assert lost.unacknowledged() == b"ab" * 400


def test_without_a_stored_result_all_that_was_not_acknowledged_is_left_to_another_session():
    lost = out_of_reach()

    parted, closed = lost.handle(ResultAbsent("gladia answered 401"), now=31)
    assert (parted.end, parted.resume) == (0, 0)
    assert closed.failure.endswith("its socket closed with 1006; gladia answered 401")


def ended_in_doubt() -> Session:
    """A session that ended well, after a socket on which it may have said something was lost."""
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(acknowledgement(1600), now=0)
    ending.handle(SocketLost(1006), now=1)
    ending.handle(DeadlinePassed(), now=ending.deadline)
    ending.handle(SocketOpened(), now=2)
    ending.handle(AudioEnded(), now=3)
    assert ending.handle(SocketLost(1000), now=4) == [Disconnect(), Release(), Fetch("G1")]
    return ending


def test_words_that_went_with_a_lost_socket_are_looked_up_though_the_end_was_seen():
    stored = Stored("done")

    assert ended_in_doubt().handle(ResultFetched(stored), now=5) == [Recovered("G1", stored), Closed(None)]


def test_an_end_that_was_seen_is_no_failure_though_nothing_can_be_looked_up():
    assert ended_in_doubt().handle(ResultAbsent("gladia answered 401"), now=5) == [Closed(None)]


def looked_up() -> Session:
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(acknowledgement(1600), now=0)
    ending.handle(AudioEnded(), now=1)
    ending.handle(SocketLost(4403), now=2)
    return ending


def test_a_session_that_ended_wrongly_is_made_good_by_what_gladia_has_stored():
    stored = Stored("done")

    assert looked_up().handle(ResultFetched(stored), now=3) == [Recovered("G1", stored), Closed(None)]


def test_a_result_that_is_not_ready_is_asked_for_again_later_and_not_for_ever():
    ended = looked_up()

    assert ended.handle(ResultFetched(Stored("processing")), now=3) == []
    assert ended.handle(DeadlinePassed(), now=ended.deadline) == [Fetch("G1")]
    ended.handle(ResultFailed("gladia answered 503"), now=4)
    assert ended.handle(DeadlinePassed(), now=62) == [
        Closed("gladia ended the session with 4403; its stored result can't be had: gladia answered 503")
    ]


@pytest.mark.parametrize("event", [ResultAbsent("gladia answered 401"), ResultFetched(Stored("error"))])
def test_a_session_of_which_nothing_is_stored_is_over_and_says_so(event):
    closed = looked_up().handle(event, now=3)[-1]

    assert closed.failure.startswith("gladia ended the session with 4403; ")


def test_a_refusal_is_final_and_says_why():
    refused = session()
    refused.open()

    assert refused.handle(OpeningRefused("gladia answered 401: key not found"), now=0) == [
        Disconnect(),
        Release(),
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
        Release(),
        Parted(1600, 1600, f"gladia ended the session with {code}"),
        Fetch("G1"),
    ]
    assert ended.unacknowledged() == b"cd" * 800


def test_a_session_that_had_everything_and_ended_wrongly_leaves_nothing_to_another():
    ended = relaying()
    ended.hear(b"ab" * 800, now=0)
    ended.handle(acknowledgement(1600), now=0)
    ended.handle(AudioEnded(), now=1)

    assert ended.handle(SocketLost(4403), now=2) == [Disconnect(), Release(), Fetch("G1")]


def test_a_session_may_be_opened_later():
    later = session()

    assert later.open(now=5, delay_s=2) == []
    assert later.deadline == 7
    assert later.handle(DeadlinePassed(), now=7) == [Open(REQUEST)]


def test_a_session_that_is_out_of_reach_for_too_long_leaves_the_newer_half_to_another():
    slow = session(backlog_bytes=1600)
    slow.open()
    slow.hear(b"ab" * 400 + b"cd" * 400, now=0)

    reason = "gladia did not take audio for too long: no acknowledgement"
    assert slow.hear(b"ef" * 800, now=0) == [Parted(0, 800, reason), Disconnect(), Release(), Closed(None)]
    assert slow.unacknowledged(since=800) == b"cd" * 400


def test_what_arrived_without_being_acknowledged_is_not_sent_again():
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.hear(b"cd" * 800, now=0)
    lost.handle(SocketLost(1006), now=1)
    lost.handle(DeadlinePassed(), now=lost.deadline)
    lost.handle(SocketOpened(), now=2)

    assert lost.handle(answer(1600), now=2) == [Send(b"cd" * 800)]


def test_acknowledgements_that_waited_for_the_socket_are_no_answer():
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.handle(SocketLost(1006), now=1)
    lost.handle(DeadlinePassed(), now=lost.deadline)
    lost.handle(SocketOpened(), now=2)

    assert lost.handle(acknowledgement(800), now=2) == []
    assert lost.state is State.ASKING
    assert lost.handle(answer(1600), now=2) == []
    assert lost.acknowledged == 1600


def test_without_an_answer_all_that_is_not_acknowledged_is_sent_again():
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.handle(SocketLost(1006), now=1)
    lost.handle(DeadlinePassed(), now=lost.deadline)
    lost.handle(SocketOpened(), now=2)

    assert lost.deadline == 3
    assert lost.handle(DeadlinePassed(), now=3) == [Send(b"ab" * 800)]


@pytest.mark.parametrize("position", [-1, 0, 3202, 10**12])
def test_an_answer_that_can_t_be_true_is_no_answer(position):
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    lost.handle(acknowledgement(800), now=0)
    lost.handle(SocketLost(1006), now=1)
    lost.handle(DeadlinePassed(), now=lost.deadline)
    lost.handle(SocketOpened(), now=2)

    assert lost.handle(answer(position), now=2) == [Send(b"ab" * 400)]


def test_when_the_question_costs_one_socket_after_another_it_is_asked_no_more():
    lost = relaying()
    lost.hear(b"ab" * 800, now=0)
    said = []
    for second in range(4):
        lost.handle(SocketLost(1006), now=60 * second)
        lost.handle(DeadlinePassed(), now=lost.deadline)
        said += lost.handle(SocketOpened(), now=60 * second + 30)

    assert said == [QUESTION, QUESTION, QUESTION, Send(b"ab" * 800)]


def test_a_session_that_takes_no_more_audio_as_it_was_stopped_has_had_all_of_it():
    ending = relaying()
    ending.hear(b"ab" * 800, now=0)
    ending.handle(AudioEnded(), now=0)
    ending.handle(SocketLost(1006), now=1)
    ending.handle(DeadlinePassed(), now=ending.deadline)
    ending.handle(SocketOpened(), now=2)

    assert ending.handle(refusal("the recording has been stopped"), now=2) == [STOP]
    assert ending.acknowledged == 1600


def test_audio_that_was_not_taken_is_left_to_another_session_and_this_one_says_its_last():
    wrong = relaying()
    wrong.hear(b"ab" * 800, now=0)
    wrong.handle(acknowledgement(1600), now=0)
    wrong.hear(b"cd" * 800, now=0)
    wrong.hear(b"ef" * 800, now=0)

    parted = Parted(1600, 1600, "gladia did not take audio: no room")
    assert wrong.handle(refusal("no room"), now=1) == [parted, STOP]
    assert wrong.handle(refusal("no room"), now=1) == []
    assert wrong.unacknowledged() == b"cd" * 800 + b"ef" * 800
    assert wrong.hear(b"gh" * 800, now=1) == []
    assert wrong.handle(SocketLost(1000), now=2)[-1] == Closed(None)


def test_what_was_recognised_has_arrived_though_no_acknowledgement_ever_comes():
    quiet = relaying()
    for _ in range(10):
        quiet.hear(b"ab" * 800, now=0)
    quiet.handle(final(" Yes.", end_s=0.5), now=5)

    assert quiet.acknowledged == 8000


def test_what_was_recognised_before_a_late_acknowledgement_waits_for_it_as_it_may_be_a_refusal():
    late = relaying()
    late.hear(b"ab" * 800, now=0)
    late.handle(acknowledgement(1600), now=0.4)
    late.hear(b"cd" * 800, now=1)
    late.hear(b"ef" * 800, now=1)
    late.handle(final(" Yes.", end_s=0.2), now=1.2)

    parted = Parted(1600, 1600, "gladia did not take audio: no room")
    assert late.handle(refusal("no room"), now=1.4)[0] == parted


def test_a_final_is_told_when_its_audio_was_acknowledged_and_all_are_in_the_end():
    ending = relaying()
    ending.hear(b"ab" * 8000, now=0)

    assert ending.handle(final(" Yes.", end_s=0.5), now=0.6) == []
    assert texts(ending.handle(acknowledgement(8000), now=0.7)) == [" Yes."]
    assert ending.handle(final(" No.", end_s=1), now=1.1) == []
    ending.handle(AudioEnded(), now=1.1)
    assert texts(ending.handle(SocketLost(1000), now=1.2)) == [" No."]


def test_a_final_is_told_at_once_where_acknowledgements_do_not_come_at_all():
    quiet = relaying()
    quiet.hear(b"ab" * 8000, now=0)

    assert texts(quiet.handle(final(" Yes.", end_s=0.5), now=5)) == [" Yes."]


def test_what_was_recognised_is_not_left_to_another_session_when_this_one_is_cut_off():
    cut = relaying()
    for _ in range(10):
        cut.hear(b"ab" * 800, now=0)
    cut.handle(final(" Yes.", end_s=0.5), now=1)

    assert Parted(8000, 8000, "gladia ended the session with 4403") in cut.handle(SocketLost(4403), now=1)


def taken_over(acknowledged: int | None, audio: bytes = b"") -> Session:
    other = Session.taken_over(
        REQUEST, session_id="G1", url=URL, acknowledged=acknowledged, audio=audio, jitter=lambda: 1.0
    )
    assert other.open() == [Connect(URL)]
    return other


def test_a_session_that_was_handed_over_goes_on_after_what_it_has():
    other = taken_over(1600, b"cd" * 800)

    assert other.handle(SocketOpened(), now=0) == [QUESTION]
    assert other.hear(b"ef" * 800, now=0) == []
    assert other.handle(answer(1600), now=0) == [Send(b"cd" * 800 + b"ef" * 800)]


def test_a_session_of_a_process_that_died_says_how_far_its_audio_goes():
    other = taken_over(None)

    assert not other.is_located
    assert other.handle(SocketOpened(), now=0) == [QUESTION]
    assert other.handle(answer(48_000), now=0) == [Located(48_000)]
    assert other.hear(b"ef" * 800, now=0) == [Send(b"ef" * 800)]
    assert (other.acknowledged, other.sent) == (48_000, 49_600)


def test_a_session_of_a_process_that_died_and_says_nothing_is_left_to_another_one():
    other = taken_over(None)
    other.handle(SocketOpened(), now=0)

    reason = "gladia does not say where the session stands: no answer"
    assert other.handle(DeadlinePassed(), now=1) == [Disconnect(), Release(), Parted(0, 0, reason), Fetch("G1")]


def test_a_session_that_is_left_to_another_process_is_let_go_of_in_silence():
    left = relaying()
    left.hear(b"ab" * 800, now=0)

    assert left.leave() == [Disconnect()]
    assert left.closed
    assert left.unacknowledged() == b"ab" * 800


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


def test_counts_say_what_was_sent_and_acknowledged():
    counting = session()
    counting.open()
    counting.hear(b"ab" * 800, now=0)
    assert (counting.sent, counting.acknowledged) == (0, 0)

    counting.handle(SessionOpened("G1", URL), now=0)
    counting.handle(SocketOpened(), now=0)
    counting.hear(b"ab" * 800, now=0)
    counting.handle(acknowledgement(1600), now=1)
    assert (counting.sent, counting.acknowledged) == (3200, 1600)
