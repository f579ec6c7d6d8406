import json
from base64 import b64decode

import pytest

from local.twilio.chance import MALFORMATIONS, PARTINGS, seeded
from local.twilio.delivery import Delivery, Part, Send, StartAnother
from local.twilio.faults import (
    Death,
    Drift,
    Ending,
    Gap,
    Jump,
    Late,
    Malformed,
    Recut,
    Repeat,
    SecondStream,
    Stall,
    stamp_ms,
)
from local.twilio.mediastream import MediaStream
from local.twilio.spans import Span

TRACKS = ("inbound", "outbound")


def frame(n: int) -> bytes:
    return bytes([n]) * 160


class Stream:
    """A media stream with a script, heard frame by frame; frame n of both tracks is made of bytes n."""

    def __init__(self, *script, tracks=TRACKS):
        messages = MediaStream(
            stream_sid="MZ1", call_sid="CA1", account_sid="AC1", tracks=tracks, parameters=(), chunks="shared",
            first_timestamp_ms=102,
        )  # fmt: skip
        messages.opening()
        self.tracks = tracks
        self.delivery = Delivery(messages, tracks, script)
        self.sent: list[list[tuple]] = []  # a frame: what was sent when it was heard

    def hear(self, frames: int) -> "Stream":
        for n in range(len(self.sent), len(self.sent) + frames):
            self.sent.append(self.delivery.hear(n * 20, dict.fromkeys(self.tracks, frame(n))))
        return self

    def media(self, track="inbound", frames=slice(None)) -> list[tuple[int, int, bytes]]:
        """Number, timestamp less the first, and audio of what was sent on `track`."""
        texts = [each.text for sent in self.sent[frames] for each in sent if isinstance(each, Send) and each.piece]
        media = [json.loads(text) for text in texts]
        return [
            (int(m["sequenceNumber"]), int(m["media"]["timestamp"]) - 102, b64decode(m["media"]["payload"]))
            for m in media
            if m["media"]["track"] == track
        ]

    def stamps(self, track="inbound") -> list[int]:
        return [stamp for _, stamp, _ in self.media(track)]


def test_without_a_script_each_frame_is_one_message_at_once():
    stream = Stream().hear(3)
    assert [len(sent) for sent in stream.sent] == [2, 2, 2]
    assert stream.media("outbound") == [(3, 0, frame(0)), (5, 20, frame(1)), (7, 40, frame(2))]
    assert stream.delivery.injected == ()


def test_a_stall_holds_everything_back_and_releases_it_at_once_and_in_order():
    stall = Stall(20, 60)
    stream = Stream(stall).hear(6)
    assert [len(sent) for sent in stream.sent] == [2, 0, 0, 0, 8, 2]
    assert stream.media("inbound") == [(2 + 2 * n, 20 * n, frame(n)) for n in range(6)]
    assert stream.delivery.injected == (stall,)


def test_what_a_stall_holds_at_the_end_comes_before_stop():
    stream = Stream(Stall(20, 1000)).hear(3)
    *held, stop, part = stream.delivery.end()
    assert [each.piece.span for each in held if each.piece.track == "inbound"] == [Span(20, 40), Span(40, 60)]
    assert (json.loads(stop.text)["event"], part) == ("stop", Part("close"))


def test_frames_in_a_gap_are_never_sent_and_timestamps_go_on():
    stream = Stream(Gap(20, 40, "inbound")).hear(5)
    assert stream.stamps("inbound") == [0, 60, 80]
    assert stream.stamps("outbound") == [0, 20, 40, 60, 80]
    assert [number for number, *_ in stream.media()] == [2, 6, 8]  # numbers count what is sent


def test_a_track_can_start_late_and_go_quiet_for_good():
    stream = Stream(Gap(0, 40, "outbound"), Gap(80, None, "outbound")).hear(6)
    assert stream.stamps("outbound") == [40, 60]
    assert stream.stamps("inbound") == [0, 20, 40, 60, 80, 100]


def test_timestamps_can_jump_while_frames_keep_coming():
    stream = Stream(Jump(40, 420)).hear(4)
    assert stream.stamps() == [0, 20, 460, 480]
    assert stream.delivery.as_stamped((), end_ms=80) == (Span(40, 460),)
    assert stream.delivery.as_stamped((Span(60, 80),), end_ms=80) == (Span(40, 460), Span(480, 500))


@pytest.mark.parametrize(("ppm", "after_an_hour_ms"), [(100, 3_600_360), (-100, 3_599_640)])
def test_a_clock_can_run_fast_or_slow(ppm, after_an_hour_ms):
    assert stamp_ms(3_600_000, [Drift(ppm)]) == after_an_hour_ms
    assert stamp_ms(0, [Drift(ppm)]) == 0


def test_a_late_frame_comes_after_later_ones_with_the_number_it_had():
    stream = Stream(Late(20, 40, "inbound"), tracks=("inbound",)).hear(5)
    assert [(number, stamp) for number, stamp, _ in stream.media()] == [(2, 0), (4, 40), (5, 60), (3, 20), (6, 80)]


def test_a_late_frame_can_be_numbered_when_it_is_sent():
    stream = Stream(Late(20, 20, "inbound", renumbered=True), tracks=("inbound",)).hear(4)
    assert [(number, stamp) for number, stamp, _ in stream.media()] == [(2, 0), (3, 40), (4, 20), (5, 60)]


def test_a_late_frame_that_is_not_due_yet_comes_at_the_end():
    stream = Stream(Late(20, 1000, "inbound"), tracks=("inbound",)).hear(3)
    late, _, _ = stream.delivery.end()
    assert late.piece.span == Span(20, 40)


@pytest.mark.parametrize(("renumbered", "numbers"), [(False, [2, 3, 3, 3, 4]), (True, [2, 3, 4, 5, 6])])
def test_a_frame_can_come_again_with_the_same_number_or_another(renumbered, numbers):
    stream = Stream(Repeat(20, "inbound", 2, renumbered=renumbered), tracks=("inbound",)).hear(3)
    assert [number for number, *_ in stream.media()] == numbers
    assert stream.stamps() == [0, 20, 20, 20, 40]


def test_audio_can_be_cut_into_other_sizes_and_none_of_it_is_lost():
    stream = Stream(Recut(20, 100, (30, 1, 45)), tracks=("inbound",)).hear(8)
    media = stream.media()
    assert [len(audio) // 8 for *_, audio in media] == [20, 30, 1, 45, 24, 20, 20]
    assert stream.stamps() == [0, 20, 50, 51, 96, 120, 140]
    assert b"".join(audio for *_, audio in media) == b"".join(frame(n) for n in range(8))


def test_what_waits_for_a_bigger_piece_is_sent_before_a_gap_and_at_the_end():
    stream = Stream(Recut(0, None, (100,)), Gap(40, 20), tracks=("inbound",)).hear(4)
    assert [(stamp, len(audio) // 8) for _, stamp, audio in stream.media()] == [(0, 40)]
    assert stream.delivery.end()[0].piece.span == Span(60, 80)


def test_what_waits_for_a_bigger_piece_is_sent_before_timestamps_jump():
    stream = Stream(Recut(0, None, (100,)), Jump(40, 420), tracks=("inbound",)).hear(7)
    assert [(stamp, len(audio) // 8) for _, stamp, audio in stream.media()] == [(0, 40), (460, 100)]


def test_a_cut_without_sizes_is_refused():
    with pytest.raises(ValueError, match="no sizes"):
        Recut(0, None, (20, 0))


@pytest.mark.parametrize("kind", MALFORMATIONS)
def test_a_malformed_message_comes_between_frames_and_takes_none_of_them(kind):
    stream = Stream(Malformed(20, kind)).hear(3)
    (bad,) = [each for each in stream.sent[1] if each.piece is None]
    assert stream.sent[1][0] is bad
    assert stream.stamps("inbound") == stream.stamps("outbound") == [0, 20, 40]


def test_each_malformed_message_is_wrong_in_its_own_way():
    texts = {kind: Stream(Malformed(20, kind)).hear(2).sent[1][0].text for kind in MALFORMATIONS}
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(texts.pop("no_json"))
    wrong = {kind: json.loads(text) for kind, text in texts.items()}
    assert wrong["no_object"] == ["media"]
    assert wrong["unknown_event"]["event"] == "weather"
    assert wrong["missing_media"]["media"] is None
    assert wrong["empty_payload"]["media"]["payload"] == ""
    assert "*" in wrong["bad_base64"]["media"]["payload"]
    assert len(b64decode(wrong["odd_length"]["media"]["payload"])) % 8
    assert wrong["unknown_track"]["media"]["track"] == "sideways"
    assert wrong["old_sequence"]["sequenceNumber"] == "1"


def test_a_second_stream_is_asked_for_once():
    stream = Stream(SecondStream(20)).hear(3)
    assert [StartAnother() in sent for sent in stream.sent] == [False, True, False]


def test_a_stall_does_not_hold_a_second_stream_back():
    stream = Stream(SecondStream(40), Stall(20, 1000)).hear(3)
    assert stream.sent[1:] == [[], [StartAnother()]]


@pytest.mark.parametrize("how", PARTINGS)
def test_a_stream_dies_before_the_frame_at_its_time_and_never_says_stop(how):
    stream = Stream(Death(40, how)).hear(4)
    assert stream.stamps() == [0, 20]
    assert stream.sent[2:] == [[Part(how)], []]
    assert stream.delivery.end() == [Part("nothing")]


@pytest.mark.parametrize("how", PARTINGS)
def test_a_stream_can_end_without_stop(how):
    assert Stream(Ending(how)).hear(1).delivery.end() == [Part(how)]


def test_a_stream_can_say_stop_twice():
    first, second, part = Stream(Ending("stop_twice")).hear(1).delivery.end()
    assert [json.loads(stop.text)["sequenceNumber"] for stop in (first, second)] == ["4", "5"]
    assert part == Part("close")


def test_only_what_came_to_pass_is_told():
    happened, ahead = Gap(20, 20), Malformed(10_000, "no_json")
    assert Stream(ahead, happened).hear(3).delivery.injected == (happened,)


def test_the_same_seed_is_the_same_script():
    scripts = [seeded(seed, duration_ms=10_000) for seed in range(200)]
    assert scripts == [seeded(seed, duration_ms=10_000) for seed in range(200)]
    assert len(set(scripts)) > 190
    assert {type(fault) for script in scripts for fault in script} == {
        Death, Drift, Ending, Gap, Jump, Late, Malformed, Recut, Repeat, SecondStream, Stall,
    }  # fmt: skip


def test_a_script_that_is_not_deadly_leaves_the_socket_alone():
    scripts = [seeded(seed, duration_ms=10_000, deadly=False) for seed in range(200)]
    assert not [f for script in scripts for f in script if isinstance(f, Death | Ending | SecondStream)]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_script_all_that_is_not_in_a_gap_is_sent(seed):
    script = seeded(seed, duration_ms=2000, deadly=False)
    stream = Stream(*script).hear(100)
    stream.sent.append(stream.delivery.end())
    gaps = [fault for fault in script if isinstance(fault, Gap)]
    for track in TRACKS:
        pieces = [e.piece for sent in stream.sent for e in sent if isinstance(e, Send) and e.piece is not None]
        sent = {ms for piece in pieces if piece.track == track for ms in range(piece.span.start_ms, piece.span.end_ms)}
        gone = {n * 20 for n in range(100) if any(gap.covers(track, n * 20) for gap in gaps)}
        assert sent == {ms for ms in range(2000) if ms - ms % 20 not in gone}
