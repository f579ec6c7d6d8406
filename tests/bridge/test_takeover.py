"""A call that goes on in another process: no word lost, none twice, and what nobody heard is told to the frame."""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from bridge.dialects.events import Audio, Started, Stopped
from bridge.hearing import ToSession
from bridge.media_stream import MediaStream
from bridge.session_events import Connect, Received, ResultFetched, Send, SessionOpened, SocketLost, SocketOpened
from bridge.takeover import Keeper, Taken, begin_ms, record_of
from bridge.telling import Append
from callscribe.after_call import Entities, EntityFound
from callscribe.entries import LegEnded, LegGap, LegStarted, Utterance
from callscribe.settings import NumberSettings, Then
from callscribe.stored_result import Stored

SETTINGS = NumberSettings(then=Then(say=""))
QUESTION = '{"type":"audio_chunk","data":{"chunk":""}}'
STOP = '{"type":"stop_recording"}'
KEEPER = Keeper("task-1", "acme")


def started(media_stream: str) -> Started:
    return Started(media_stream, "CA1", "AC1", ("inbound", "outbound"))


def frames(count: int) -> dict[str, list[bytes]]:
    """What both parties of one call said: noise, so that each frame is one of its kind."""
    noise = random.Random(7)
    return {track: [noise.randbytes(160) for _ in range(count)] for track in ("inbound", "outbound")}


CALL = frames(3000)


def interleaved(first: int, last: int) -> bytes:
    """The call's frames from number `first` to before `last`, as Gladia is to get them."""
    mixed = bytearray((last - first) * 320)
    for channel, track in enumerate(("inbound", "outbound")):
        mixed[channel::2] = b"".join(CALL[track][first:last])
    return bytes(mixed)


def events(first: int, last: int, *, stamp_ms: int) -> list[Audio]:
    """The same, as a media stream brings them whose first frame is stamped `stamp_ms`."""
    return [
        Audio(track, stamp_ms + 20 * (number - first), CALL[track][number])
        for number in range(first, last)
        for track in ("inbound", "outbound")
    ]


class Gladia:
    """One session at Gladia: what it was sent, on whatever socket."""

    def __init__(self) -> None:
        self.audio = b""
        self.stopped = False

    def take(self, effects: list, stream: MediaStream, number: int = 0) -> list:
        """Take what `effects` send, acknowledge it, and return what else there is to do."""
        others = []
        for effect in effects:
            message = (
                effect.command.message if isinstance(effect, ToSession) and isinstance(effect.command, Send) else None
            )
            if isinstance(message, bytes):
                self.audio += message
                others += self.take(stream.from_gladia(number, self._acknowledged(), now=0), stream, number)
            elif message == QUESTION:
                others += self.take(stream.from_gladia(number, self.position(), now=0), stream, number)
            elif message == STOP:
                self.stopped = True
            else:
                others.append(effect)
        return others

    def position(self) -> Received:
        end = len(self.audio)
        return Received(json.dumps({"type": "audio_chunk", "acknowledged": True, "data": {"byte_range": [end, end]}}))

    def _acknowledged(self) -> Received:
        end = len(self.audio)
        return Received(json.dumps({"type": "audio_chunk", "acknowledged": True, "data": {"byte_range": [0, end]}}))


def first_process(gladia: Gladia, *, until: int) -> MediaStream:
    stream = MediaStream(started("MZ1"), SETTINGS, direction="inbound", jitter=lambda: 1.0)
    stream.open()
    stream.from_gladia(0, SessionOpened("G1", "wss://gladia.example.test"), now=0)
    stream.from_gladia(0, SocketOpened(), now=0)
    for event in events(0, until, stamp_ms=102):
        gladia.take(stream.hear(event, now=0), stream)
    return stream


def record(stream: MediaStream, *, at_ms: int, now_held: bool = True):
    (lane,) = stream.lanes
    return record_of(lane, lane.name, started("MZ1"), KEEPER, at_ms=at_ms, offset_ms=0, now_held=now_held)


def second_process(taken: Taken, early: list[Audio], *, first_at_ms: int) -> tuple[MediaStream, list]:
    stream = MediaStream(started("MZ2"), SETTINGS, direction="inbound", jitter=lambda: 1.0)
    stream.take_over("inbound+outbound", taken, begin_ms(taken, early, first_at_ms=first_at_ms))
    return stream, stream.open(now=0)


def handed_over(gladia: Gladia, *, until: int, new_from: int, clocks_off_ms: int = 0) -> tuple[MediaStream, list]:
    """The first process hears frames up to `until`, the second one from `new_from` on."""
    old = first_process(gladia, until=until)
    effects = old.leave(now=0, has_ended=False)
    assert old.closed
    kept = record(old, at_ms=until * 20, now_held=False)
    session = old.lanes[0].current.session
    taken = Taken(
        record=msgspec.structs.replace(kept, released=True),
        audio=session.unacknowledged(),
        tail=old.lanes[0].tail,
    )
    assert [type(effect.command).__name__ for effect in effects] == ["Disconnect"]
    early = events(new_from, until + 20, stamp_ms=87)
    new, opening = second_process(taken, early, first_at_ms=new_from * 20 + clocks_off_ms)
    others = gladia.take(new.from_gladia(0, SocketOpened(), now=0), new)
    for event in early:
        others += gladia.take(new.hear(event, now=0), new)
    return new, [*opening, *others]


def test_a_call_that_is_handed_over_loses_no_byte_and_repeats_none():
    gladia = Gladia()
    new, effects = handed_over(gladia, until=503, new_from=480)
    for event in events(523, 600, stamp_ms=87 + 20 * 43):
        gladia.take(new.hear(event, now=0), new)
    gladia.take(new.hear(Stopped("stop"), now=0), new)

    assert gladia.audio == interleaved(0, 600)
    assert [effect.command for effect in effects if isinstance(effect, ToSession)] == [
        Connect("wss://gladia.example.test")
    ]
    assert [effect.body for effect in effects if isinstance(effect, Append) and isinstance(effect.body, LegGap)] == []


@pytest.mark.parametrize("clocks_off_ms", [-300, -40, 40, 300])
def test_the_place_is_found_in_the_audio_itself_whatever_the_clocks_say(clocks_off_ms):
    gladia = Gladia()
    new, _ = handed_over(gladia, until=503, new_from=480, clocks_off_ms=clocks_off_ms)
    gladia.take(new.hear(Stopped("stop"), now=0), new)

    assert gladia.audio == interleaved(0, 523)


def test_the_ledger_goes_over_both_processes():
    gladia = Gladia()
    new, _ = handed_over(gladia, until=503, new_from=480)
    gladia.take(new.hear(Stopped("stop"), now=0), new)
    new.from_gladia(0, SocketLost(1000), now=1)
    effects = new.from_gladia(0, ResultFetched(Stored("done")), now=1)

    ends = [effect.body for effect in effects if isinstance(effect, Append)]
    assert [type(end) for end in ends] == [LegEnded, LegEnded]
    assert {end.leg for end in ends} == {"MZ1/inbound", "MZ1/outbound"}
    for end in ends:
        assert (end.ledger.heard, end.ledger.sent, end.ledger.acknowledged) == (523 * 160,) * 3
        assert (end.ledger.filled, end.ledger.dropped, end.ledger.unsent) == (0, 0, 0)
        assert end.sessions == 1


def test_the_legs_go_on_under_their_names_in_the_same_session():
    _, effects = handed_over(Gladia(), until=503, new_from=480)

    told = [effect.body for effect in effects if isinstance(effect, Append) and isinstance(effect.body, LegStarted)]
    assert [(leg.leg, leg.media_stream, leg.session) for leg in told] == [
        ("MZ1/inbound", "MZ2", "G1"),
        ("MZ1/outbound", "MZ2", "G1"),
    ]


def test_what_is_said_after_a_hand_over_stands_where_it_was_spoken_and_what_was_said_before_is_not_said_again():
    new, _ = handed_over(Gladia(), until=503, new_from=480)
    new.know(
        [
            Utterance(
                leg="MZ1/inbound",
                id="G1/00_0",
                text="Yes.",
                start_ms=1000,
                end_ms=2000,
                language="en",
                confidence=1,
                words=(),
            ),
            Entities(utterance="G1/00_0", entities=(EntityFound(type="NAME", text="Yes", start_ms=1000, end_ms=2000),)),
        ]
    )

    def final(key: str, start_s: float) -> Received:
        utterance = {
            "text": " Yes.", "start": start_s, "end": start_s + 1, "confidence": 1, "channel": 0, "language": "en",
            "words": [],
        }  # fmt: skip
        data = {"id": key, "is_final": True, "utterance": utterance}
        return Received(json.dumps({"type": "transcript", "data": data}))

    def entities(key: str) -> Received:
        found = {"entity_type": "NAME", "text": "Yes", "start": 1, "end": 2}
        data = {"utterance_id": key, "utterance": {"end": 2}, "results": [found]}
        return Received(json.dumps({"type": "named_entity_recognition", "error": None, "data": data}))

    assert new.from_gladia(0, final("00_0", 1.0), now=1) == []
    assert new.from_gladia(0, entities("00_0"), now=1) == []
    (said,) = new.from_gladia(0, final("00_1", 10.2), now=1)
    assert (said.body.leg, said.body.start_ms) == ("MZ1/inbound", 10_200)


def after_a_crash(gladia: Gladia, *, kept_at: int, died_at: int, new_from: int) -> tuple[MediaStream, list]:
    """The first process last wrote down how far it was at frame `kept_at`, and died at frame `died_at`."""
    old = first_process(gladia, until=kept_at)
    kept = record(old, at_ms=kept_at * 20)
    for event in events(kept_at, died_at, stamp_ms=102 + 20 * kept_at):
        gladia.take(old.hear(event, now=0), old)
    early = events(new_from, new_from + 10, stamp_ms=60)
    new, effects = second_process(Taken(kept, b"", b""), early, first_at_ms=new_from * 20)
    for event in early:  # Gladia has not said yet how far it has heard
        assert new.hear(event, now=0) == []
    effects += gladia.take(new.from_gladia(0, SocketOpened(), now=0), new)
    return new, effects


def test_after_a_crash_the_gap_is_what_nobody_heard_to_the_frame():
    gladia = Gladia()
    new, effects = after_a_crash(gladia, kept_at=100, died_at=250, new_from=400)
    gladia.take(new.hear(Stopped("stop"), now=0), new)

    gaps = [effect.body for effect in effects if isinstance(effect, Append) and isinstance(effect.body, LegGap)]
    assert [(gap.leg, gap.start_ms, gap.end_ms, gap.cause) for gap in gaps] == [
        (f"MZ1/{track}", 5000, 8000, "no bridge had the call") for track in ("inbound", "outbound")
    ]
    assert gladia.audio == interleaved(0, 250) + b"\xff" * (150 * 320) + interleaved(400, 410)


def test_after_a_crash_the_ledger_counts_what_gladia_says_it_has():
    gladia = Gladia()
    new, _ = after_a_crash(gladia, kept_at=100, died_at=250, new_from=400)
    gladia.take(new.hear(Stopped("stop"), now=0), new)

    new.from_gladia(0, SocketLost(1000), now=1)
    effects = new.from_gladia(0, ResultFetched(Stored("done")), now=1)

    ends = [effect.body for effect in effects if isinstance(effect, Append)]
    assert len(ends) == 2
    for end in ends:
        assert (end.ledger.heard, end.ledger.filled) == (260 * 160, 150 * 160)
        assert (end.ledger.sent, end.ledger.acknowledged, end.ledger.unsent) == (410 * 160, 410 * 160, 0)


def not_located(gladia: Gladia, *, new_from: int) -> MediaStream:
    """Return what goes on, at frame `new_from`, with a lane of a process that died, before Gladia is asked."""
    kept = record(first_process(gladia, until=100), at_ms=2000)
    early = events(new_from, new_from + 10, stamp_ms=60)
    new, _ = second_process(Taken(kept, b"", b""), early, first_at_ms=20 * new_from)
    for event in early:
        new.hear(event, now=0)
    return new


def test_a_call_that_nobody_had_for_long_goes_on_in_another_session_at_its_place():
    gladia = Gladia()
    new = not_located(gladia, new_from=2000)
    effects = gladia.take(new.from_gladia(0, SocketOpened(), now=0), new)

    assert gladia.stopped
    assert gladia.audio == interleaved(0, 100)
    opened = new.from_gladia(1, SessionOpened("G2", "wss://gladia.example.test/2"), now=0)
    other = Gladia()
    other.take(new.from_gladia(1, SocketOpened(), now=0), new, 1)
    assert other.audio == interleaved(2000, 2010)
    assert [leg.session for leg in (effect.body for effect in opened if isinstance(effect, Append))] == ["G2", "G2"]
    gaps = [effect.body for effect in effects if isinstance(effect, Append) and isinstance(effect.body, LegGap)]
    assert [(gap.start_ms, gap.end_ms) for gap in gaps] == [(2000, 40_000)] * 2
    assert new.lanes[0].ms(new.lanes[0].current.begin) == 40_000


def test_a_session_that_is_over_when_it_is_taken_over_is_followed_by_another_from_where_the_call_is():
    gladia = Gladia()
    new = not_located(gladia, new_from=150)
    effects = new.from_gladia(0, SocketLost(4403), now=0)
    new.from_gladia(1, SessionOpened("G2", "wss://gladia.example.test/2"), now=0)
    other = Gladia()
    other.take(new.from_gladia(1, SocketOpened(), now=0), new, 1)

    assert other.audio == interleaved(150, 160)
    gaps = [effect.body for effect in effects if isinstance(effect, Append) and isinstance(effect.body, LegGap)]
    assert [(gap.start_ms, gap.end_ms) for gap in gaps] == [(2000, 3000)] * 2


def test_a_call_that_ends_before_it_is_known_how_far_it_was_heard_still_gets_its_last_words():
    gladia = Gladia()
    new = not_located(gladia, new_from=150)
    new.hear(Stopped("stop"), now=0)
    gladia.take(new.from_gladia(0, SocketOpened(), now=0), new)

    assert gladia.audio == interleaved(0, 100) + b"\xff" * (50 * 320) + interleaved(150, 160)
    assert gladia.stopped


@pytest.mark.parametrize("now_held", [False, True])
def test_where_a_call_is_and_when_are_of_one_moment_whatever_is_held_back(now_held):
    kept = record(first_process(Gladia(), until=503), at_ms=503 * 20, now_held=now_held)

    assert kept.at_ms == kept.position_ms


def test_silence_that_kept_a_session_moves_neither_a_call_nor_its_clock():
    gladia = Gladia()
    old = first_process(gladia, until=500)
    gladia.take(old.wake(now=15), old)

    kept = record(old, at_ms=500 * 20)

    assert (kept.position_ms, kept.at_ms) == (10_000, 10_000)
