from __future__ import annotations

import io

from rich.console import Console

from callscribe.entries import CallFailed, Entry, LegStarted, Utterance
from callscribe.second_pass import BatchFailed, BatchReady, Difference, LegRepaired, RecordingStarted
from local.terminal import CallScreen, clock

LEG = LegStarted(
    leg="a", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
    offset_ms=0,
)  # fmt: skip


def shown(*bodies) -> str:
    out = io.StringIO()
    with CallScreen(Console(file=out, width=100)) as screen:
        for seq, body in enumerate(bodies, 1):
            screen.show(Entry("CA1", seq, "now", "default", body))
    return out.getvalue()


def said(text: str) -> Utterance:
    return Utterance(
        leg="a", id="1", text=text, start_ms=64_300, end_ms=65_000, language="en", confidence=1, words=()
    )  # fmt: skip


def test_an_utterance_is_a_line_with_time_and_party():
    assert shown(LEG, said("Good morning.")).split(None, 2) == ["1:04.3", "caller", "Good morning.\n"]


def test_what_a_caller_says_cannot_command_the_terminal():
    text = shown(LEG, said("\x1b[2Jgone\x07 [bold]plain[/bold]"))

    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "[bold]plain[/bold]" in text


def test_a_failed_transcript_says_why():
    assert "gladia answered 401" in shown(LEG, CallFailed(reason="gladia answered 401", kept="0 utterances"))


def test_times_are_written_as_people_do():
    assert [clock(ms) for ms in (0, 9_950, 60_000, 3_725_500)] == ["0:00.0", "0:09.9", "1:00.0", "62:05.5"]


def test_a_second_pass_says_how_far_the_live_words_were_off():
    differences = (
        Difference(party="caller", language="en", words=40, substituted=1, missing=2, added=1),
        Difference(party="agent", words=0, substituted=0, missing=0, added=3),
    )
    text = shown(
        RecordingStarted(recording="RE1"),
        LegRepaired(leg="a", start_ms=10_500, end_ms=12_000, utterances=("J1/0",), recording="RE1", job="J1"),
        BatchReady(job="J1", recording="RE1", transcript="batch/x.json", differences=differences),
    )

    assert "0:10.5 to 0:12.0: 1 utterances from the recording" in text
    assert "caller 10.0% of 40 words differ" in text
    assert "agent" not in text
    assert "no second pass: the recording is empty" in shown(BatchFailed(reason="the recording is empty"))
