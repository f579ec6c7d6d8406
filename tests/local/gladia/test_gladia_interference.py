"""What a fault does between a session and its socket, decided without either."""

import base64
import json
from typing import Any

import pytest

from local.gladia.effects import Close, Drop, Effect, Finish, Freeze, Later, Listen, Send, Take
from local.gladia.faults import (
    AcknowledgementsInclusive,
    AcknowledgementsMissing,
    AcknowledgementsNegative,
    AcknowledgementsSlow,
    AddOnFailed,
    Closed,
    Dropped,
    EndLate,
    Fault,
    HalfOpen,
    MessageMalformed,
)
from local.gladia.interference import Interference
from local.gladia.recogniser import Finished, Spoken, Word
from local.gladia.request import parse
from local.gladia.session import Session
from local.gladia.settings import Settings

NOON = 1_795_608_000.0
STOP = '{"type": "stop_recording"}'
FRAME = bytes(160)


class Talk:
    """A session of one mu-law channel under `faults`, with what struck."""

    def __init__(self, *faults: Fault, **asked: Any) -> None:
        body = json.dumps({"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000} | asked).encode()
        self.session = Session(
            session_id="7c1d5b0e", token="t", key="k", request=parse(body), settings=Settings(), now=NOON
        )
        self.struck: list[Fault] = []
        self.talk = Interference(self.session, faults, self.struck.append)
        self.opened = self.talk.connect(now=NOON)

    def takes(self, message: bytes | str = FRAME) -> list[Effect]:
        return self.talk.receive(message, now=NOON)


def shape(effects: list[Effect]) -> list[str]:
    return [effect.kind if isinstance(effect, Send) else type(effect).__name__ for effect in effects]


def ranges(effects: list[Effect]) -> list[Any]:
    sent = [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]
    return [message["data"] and message["data"]["byte_range"] for message in sent]


def test_without_faults_a_session_is_as_it_is():
    talk = Talk()
    assert shape(talk.takes()) == ["audio_chunk", "Listen"]
    assert shape(talk.takes(STOP)) == ["stop_recording", "Finish"]
    assert shape(talk.talk.heard(0, Finished(), now=NOON))[-1] == "Close"


@pytest.mark.parametrize(
    ("fault", "effect"),
    [
        (Dropped(at="audio", count=161), Drop()),
        (Closed(at="audio", count=161, code=4504, reason="x"), Close(4504, "x")),
        (HalfOpen(at="audio", count=161), Freeze("lost")),
    ],
)
def test_a_socket_ends_at_the_message_that_brings_so_much_audio_which_is_not_taken(fault, effect):
    talk = Talk(fault)
    assert shape(talk.takes()) == ["audio_chunk", "Listen"]
    assert talk.takes() == [effect]
    assert (talk.session.received_bytes, talk.struck) == (160, [fault])


def test_audio_as_base64_counts_as_the_audio_it_is():
    talk = Talk(Dropped(at="audio", count=160))
    chunk = base64.b64encode(FRAME).decode()
    assert talk.takes(json.dumps({"type": "audio_chunk", "data": {"chunk": chunk}})) == [Drop()]


@pytest.mark.parametrize(
    "message", ["", "{", "[" * 100_000, "[]", '{"type": 3}', '{"type": "audio_chunk"}', '"\\ud800"']
)
def test_what_makes_no_sense_counts_as_a_message_and_as_nothing_else(message):
    talk = Talk(Dropped(at="audio"), Dropped(at="stop"), Closed(at="messages", count=2, code=1001))
    talk.takes(message)
    assert talk.struck == []
    assert talk.takes(message) == [Close(1001, "")]


def test_a_message_may_be_taken_by_the_socket_that_it_ends():
    talk = Talk(Dropped(at="audio", count=160, taken=True))
    assert shape(talk.takes()) == ["Drop", "Listen"]
    assert talk.session.received_bytes == 160


def test_faults_that_are_due_together_end_one_socket_each():
    talk = Talk(Dropped(at="audio"), Closed(at="audio", code=1011))
    assert talk.takes() == [Drop()]
    talk.talk.disconnect(None, now=NOON)
    talk.talk.connect(now=NOON)
    assert talk.takes() == [Close(1011, "")]


def test_a_fault_strikes_once():
    talk = Talk(MessageMalformed(at="messages"))
    assert [shape(talk.takes()) for _ in range(2)] == [["audio_chunk", "", "Listen"], ["audio_chunk", "Listen"]]


def test_a_stop_that_drops_the_socket_is_not_taken_and_one_that_was_taken_is_acknowledged():
    assert Talk(Dropped(at="stop")).takes(STOP) == [Drop()]
    assert shape(Talk(Dropped(at="stopped")).takes(STOP)) == ["stop_recording", "Drop", "Finish"]


def test_a_fault_at_the_second_socket_leaves_the_first_alone():
    talk = Talk(Closed(at="connect", count=2, code=4504))
    assert talk.opened == []
    assert talk.talk.connect(now=NOON) == [Close(4504, "")]


def test_a_session_that_is_over_has_no_faults_left():
    talk = Talk(Closed(at="connect", count=2, code=4504))
    talk.takes(STOP)
    talk.talk.heard(0, Finished(), now=NOON)
    assert talk.talk.connect(now=NOON) == [Close(4403, "session already ended")]
    assert talk.struck == []


def test_slow_acknowledgements_are_those_of_audio_and_of_the_stop():
    talk = Talk(AcknowledgementsSlow(at="connect", delay_s=0.5))
    late, heard = talk.takes()
    assert (isinstance(late, Later), late.delay_s, isinstance(heard, Listen)) == (True, 0.5, True)
    assert shape(talk.takes(STOP)) == ["Later", "Finish"]


def test_missing_and_negative_acknowledgements_are_counted():
    talk = Talk(AcknowledgementsMissing(at="connect", messages=2), AcknowledgementsNegative(at="audio", count=480))
    assert [ranges(talk.takes()) for _ in range(4)] == [[], [], [None], [[320, 480]]]


def test_what_is_refused_is_said_whatever_acknowledgements_are_missing():
    talk = Talk(AcknowledgementsMissing(at="connect"), AcknowledgementsNegative(at="connect"))
    assert [ranges(talk.takes()) for _ in range(3)] == [[None], [], [[160, 320]]]


def test_an_empty_chunk_has_nothing_to_refuse():
    talk = Talk(AcknowledgementsNegative(at="connect"))
    assert [ranges(talk.takes(audio)) for audio in (b"", FRAME, FRAME)] == [[[0, 0]], [None], [[0, 160]]]


def test_an_inclusive_acknowledgement_of_nothing_does_not_go_backwards():
    talk = Talk(AcknowledgementsInclusive(at="connect"))
    assert [ranges(talk.takes(audio)) for audio in (FRAME, b"")] == [[[0, 159]], [[160, 160]]]


def test_results_that_are_late_are_asked_for_late_and_the_session_waits():
    talk = Talk(EndLate(delay_s=2.0))
    assert talk.takes(STOP)[1:] == [Later(Finish(), 2.0)]
    assert talk.session.status == "processing"


def test_results_that_never_come_are_not_asked_for():
    assert shape(Talk(EndLate(delay_s=None)).takes(STOP)) == ["stop_recording"]


@pytest.mark.parametrize(("delay_s", "close"), [(2.0, [Later(Close(1000), 2.0)]), (None, [])])
def test_a_close_that_is_late_comes_after_everything_was_said(delay_s, close):
    talk = Talk(EndLate(delay_s=delay_s, what="close"))
    talk.takes(STOP)
    effects = talk.talk.heard(0, Finished(), now=NOON)
    assert [effect for effect in effects if not isinstance(effect, Send)] == close
    assert talk.session.status == "done"


def test_closes_with_1009_bar_the_session():
    talk = Talk(*[Closed(at="messages", code=1009)] * 3)
    assert [(talk.takes(), talk.session.is_barred)[1] for _ in range(3)] == [False, False, True]


SLOW = AcknowledgementsSlow(at="connect", delay_s=0.5)


def test_a_drop_that_discards_takes_back_all_that_is_not_acknowledged():
    talk = Talk(SLOW, Dropped(at="audio", count=640, discards=True))
    assert [talk.takes() for _ in range(3)] == [[Later(Take(), 0.5)]] * 3
    assert shape(talk.talk.take(now=NOON)) == ["audio_chunk", "Listen"]
    assert talk.takes() == [Drop()]
    assert (talk.session.received_bytes, len(talk.session.audio)) == (160, 160)


def test_after_a_drop_that_discards_positions_go_on_where_they_were_acknowledged():
    talk = Talk(SLOW, Dropped(at="audio", count=320, discards=True))
    talk.takes()
    talk.takes()
    talk.talk.disconnect(None, now=NOON)
    talk.talk.connect(now=NOON)
    late, _ = talk.takes()
    assert ranges([late.effect]) == [[0, 160]]


def test_a_drop_that_discards_nothing_keeps_what_was_received():
    talk = Talk(SLOW, Dropped(at="audio", count=480), Dropped(at="audio", count=10_000, discards=True))
    talk.takes()
    talk.takes()
    assert shape(talk.takes()) == ["audio_chunk", "Listen", "audio_chunk", "Listen", "Drop"]
    assert talk.session.received_bytes == 320


def test_audio_that_nobody_acknowledged_is_discarded_until_a_later_acknowledgement_covers_it():
    talk = Talk(
        AcknowledgementsMissing(at="connect", messages=2), Closed(at="audio", count=640, code=1011, discards=True)
    )
    assert [talk.takes() for _ in range(2)] == [[], []]
    assert talk.session.received_bytes == 0
    assert ranges(talk.takes())[:1] == [[320, 480]]
    assert talk.takes() == [Close(1011)]
    assert talk.session.received_bytes == 480


def test_the_stop_takes_what_was_withheld_before_it():
    talk = Talk(SLOW, Dropped(at="audio", count=10_000, discards=True))
    talk.takes()
    assert shape(talk.takes(STOP)) == ["audio_chunk", "Listen", "Later", "Finish"]
    assert talk.talk.take(now=NOON) == []


def test_a_refusal_keeps_its_place_among_answers_that_are_withheld():
    refuse = AcknowledgementsNegative(at="audio", count=320)
    talk = Talk(SLOW, refuse, Dropped(at="audio", count=10_000, discards=True))
    assert [talk.takes() for _ in range(3)] == [[Later(Take(), 0.5)]] * 3
    assert (ranges(talk.takes(STOP))[:3], talk.session.refused_bytes) == ([[0, 160], None, [160, 320]], 160)


def test_a_refusal_that_is_withheld_is_discarded_with_the_rest():
    refuse = AcknowledgementsNegative(at="audio", count=320)
    talk = Talk(SLOW, refuse, Dropped(at="audio", count=480, discards=True))
    assert [talk.takes() for _ in range(4)] == [*[[Later(Take(), 0.5)]] * 3, [Drop()]]
    assert (talk.session.received_bytes, talk.session.refused_bytes) == (0, 0)


def test_a_client_that_leaves_takes_nothing_back():
    talk = Talk(SLOW, Dropped(at="audio", count=10_000, discards=True))
    talk.takes()
    talk.talk.disconnect(None, now=NOON)
    assert talk.session.received_bytes == 160


def test_a_close_may_end_the_session_with_its_result_stored():
    talk = Talk(Closed(at="audio", count=320, code=4403, ends=True))
    talk.takes()
    assert shape(talk.takes()) == ["Close", "Finish"]
    talk.talk.heard(0, Finished(), now=NOON)
    assert talk.session.status == "done"
    assert talk.talk.connect(now=NOON) == [Close(4403, "session already ended")]


def test_an_ending_close_may_take_its_message_before_the_ears_finish():
    talk = Talk(Closed(at="audio", code=4403, taken=True, ends=True))
    assert shape(talk.takes()) == ["Close", "Listen", "Finish"]


@pytest.mark.parametrize(("messages", "answered"), [(1, True), (None, False)])
def test_whoever_asks_with_an_empty_chunk_is_answered_unless_nothing_is(messages, answered):
    talk = Talk(AcknowledgementsMissing(at="connect", messages=messages))
    assert bool(ranges(talk.takes(b""))) is answered
    assert ranges(talk.takes()) == []


ADD_ONS = {"named_entity_recognition": True, "sentiment_analysis": True}


def maya(number: int) -> Spoken:
    words = tuple(Word(f" {word}", number + place / 4, number + place / 4 + 0.25, 0.9) for place, word in
                  enumerate(("I", "am", "Maya.")))  # fmt: skip
    return Spoken(
        number, is_final=True, words=words, start_s=number, end_s=number + 0.75, confidence=0.9, language="en"
    )


def errors(talk: Talk, kind: str, finals: int) -> list[Any]:
    """Return the error of each message of that kind after so many finals."""
    effects = [effect for number in range(finals) for effect in talk.talk.heard(0, maya(number), now=NOON)]
    return [json.loads(each.text)["error"] for each in effects if isinstance(each, Send) and each.kind == kind]


def test_an_add_on_fails_at_the_final_that_the_fault_names_and_the_others_do_not():
    fault = AddOnFailed(add_on="named_entity_recognition", first=2)
    talk = Talk(fault, realtime_processing=ADD_ONS)

    assert errors(talk, "named_entity_recognition", finals=3) == [None, {"message": "failed, on demand"}, None]
    talk.takes(STOP)
    talk.talk.heard(0, Finished(), now=NOON)

    assert talk.struck == [fault]
    result = talk.session.result()
    assert [each.start for each in result["named_entity_recognition"]["results"]] == [0.5, 2.5]
    assert result["sentiment_analysis"]["success"]


def test_an_add_on_that_never_succeeds_has_failed_in_the_result_too():
    talk = Talk(AddOnFailed(add_on="sentiment_analysis", times=None), realtime_processing=ADD_ONS)

    assert errors(talk, "sentiment_analysis", finals=2) == [{"message": "failed, on demand"}] * 2
    talk.takes(STOP)
    talk.talk.heard(0, Finished(), now=NOON)

    failed = talk.session.result()["sentiment_analysis"]
    assert (failed["success"], failed["results"], failed["error"]["status_code"]) == (False, "", 500)


def test_a_summary_fails_at_the_end():
    talk = Talk(AddOnFailed(add_on="summarization"), post_processing={"summarization": True})
    talk.talk.heard(0, maya(0), now=NOON)
    talk.takes(STOP)

    [summary] = [
        json.loads(each.text)
        for each in talk.talk.heard(0, Finished(), now=NOON)
        if isinstance(each, Send) and each.kind == "post_summarization"
    ]

    assert (summary["data"], summary["error"]) == (None, {"message": "failed, on demand"})
    assert talk.session.result()["summarization"]["results"] is None
