"""`python -m bench.phones`: real SIP and RTP of programs that others wrote, recognised, beside what was said.

SIPp has a call of two parties recorded (SIPREC) and calls as a phone, baresip calls as a softphone: mu-law and A-law,
20 and 60 ms in a packet, with none, 2 % and 5 % of the packets lost. What was lost is known to the packet, and has to
be in the log as gaps of that length.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from bench.chaos.world import World
from bench.phones import baresip, sipp
from bench.phones.target import Target
from bench.ports import free_port
from callscribe.call import Call, fold
from callscribe.entries import LegGap
from callscribe.transcript import transcript
from local.audio import RecordedCall, recorded_call
from local.gladia.settings import Settings
from local.gladia.whisper.recogniser import WhisperRecogniser
from local.peers.rtp import PCMA, PCMU, RtpManner, packets
from local.words import word_errors

TRUNK = "phones"
RECORDED = "talkover"
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
# A packet that is lost at the very end, or before the first that comes, is missed by nobody.
UNTOLD_PACKETS = 4
# Words that another codec, or packets lost, may cost beyond what the recogniser gets wrong anyway.
WORDS_OF_A_CODEC, WORDS_OF_LOSS = 0.06, 0.25
AT_ONCE = 3
console = Console(highlight=False, width=110)


@dataclass(frozen=True, slots=True)
class Case:
    """One call by one program."""

    program: str  # sipp, baresip
    is_recording: bool
    manner: RtpManner

    @property
    def name(self) -> str:
        """How it is named, in the table and as a call."""
        kind = "siprec" if self.is_recording else "call"
        lost = f"{self.manner.lost:.0%}".replace("%", "")
        return f"{self.program}-{kind}-{NAMES[self.manner.payload_type]}-{self.manner.packet_ms}ms-{lost}"


_BOTH = (PCMU, PCMA)
CASES = (
    *(
        Case("sipp", is_recording=True, manner=RtpManner(kind, ms, lost))
        for kind in _BOTH
        for ms in (20, 60)
        for lost in (0, 0.02, 0.05)
    ),
    *(Case("sipp", is_recording=False, manner=RtpManner(kind, 20, 0.02)) for kind in _BOTH),
    *(Case("baresip", is_recording=False, manner=RtpManner(kind, ms)) for kind in _BOTH for ms in (20, 60)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    status: int  # the program's own
    gap_ms: int  # in the log
    lost_ms: int  # of the packets
    word_errors: float
    is_whole: bool

    def problems(self, case: Case, without_loss: float) -> list[str]:
        """Return what should not be so; `without_loss` is the share of words wrong in the recording itself."""
        spared = WORDS_OF_LOSS if case.manner.lost else WORDS_OF_A_CODEC
        return [
            what
            for what, is_so in (
                (f"{case.program} ended with {self.status}", self.status != 0),
                ("the log is not whole", not self.is_whole),
                (
                    f"{self.lost_ms} ms were lost, the log has gaps of {self.gap_ms} ms",
                    abs(self.gap_ms - self.lost_ms) > UNTOLD_PACKETS * case.manner.packet_ms,
                ),
                (f"{self.word_errors:.0%} of the words are wrong", self.word_errors > without_loss + spared),
            )
            if is_so
        ]


async def place(case: Case, call: RecordedCall, world: World) -> Outcome:
    """Run the program, and wait for the log's end."""
    tracks = [call.caller, call.agent] if case.is_recording else [call.agent]
    sides = [track.audio for track in tracks]
    with tempfile.TemporaryDirectory(prefix="callscribe-phones-") as name:
        folder = Path(name)
        to = Target(world.sip_port, TRUNK, case.name)
        if case.program == "sipp":
            command = sipp.command(folder, "siprec" if case.is_recording else "call", sides, case.manner, to)
        else:
            command = baresip.command(folder, sides[0], case.manner, to)
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        status = await process.wait()
    entries = await world.ended(f"{TRUNK}.{case.name}")
    said = " ".join(each.text for track in tracks for each in track.utterances)
    lines = transcript(entries)
    parties = ["caller", "callee"][: len(tracks)]
    heard = " ".join(line.said.text for party in parties for line in lines if line.party == party)
    gaps = [entry.body for entry in entries if isinstance(entry.body, LegGap)]
    return Outcome(
        status=status,
        gap_ms=sum(gap.end_ms - gap.start_ms for gap in gaps),
        lost_ms=lost_ms(sides, case.manner),
        word_errors=word_errors(said, heard).rate,
        is_whole=is_whole(fold(entries)),
    )


def is_whole(call: Call) -> bool:
    """Tell whether the log is final, and all that was heard was taken by the recogniser."""
    return call.settled and all(leg.ended is not None and leg.ended.ledger.was_taken for leg in call.legs)


def lost_ms(sides: Sequence[bytes], manner: RtpManner) -> int:
    """Return how much of the audio does not arrive."""
    whole = RtpManner(manner.payload_type, manner.packet_ms)
    count = sum(
        len(list(packets(side, whole, ssrc=place + 1))) - len(list(packets(side, manner, ssrc=place + 1)))
        for place, side in enumerate(sides)
    )
    return count * manner.packet_ms


async def main() -> int:
    """Place all calls and print what became of them; return the exit status."""
    if missing := [
        package
        for program, package in (("sipp", sipp.PACKAGE), ("baresip", baresip.PACKAGE))
        if not shutil.which(program)
    ]:
        console.print(
            f"these programs are missing: apt-get install --no-install-recommends {' '.join(missing)}", style="red"
        )
        return 2
    call = recorded_call(RECORDED)
    world = World(Settings(), name="phones", recogniser=WhisperRecogniser(workers=2), sip_port=free_port())
    turns = asyncio.Semaphore(AT_ONCE)
    outcomes: dict[Case, Outcome] = {}
    async with world:
        world.add_trunk(TRUNK, networks=["127.0.0.0/8"])
        with console.status("") as status:

            async def one(case: Case) -> None:
                async with turns:
                    outcomes[case] = await place(case, call, world)
                    status.update(f"{len(outcomes)} of {len(CASES)} calls of {call.duration_s:.0f} s")

            status.update(f"{len(CASES)} calls of {call.duration_s:.0f} s, {AT_ONCE} at once")
            await asyncio.gather(*map(one, CASES))
    return show(outcomes)


def show(outcomes: dict[Case, Outcome]) -> int:
    """Print the table, and what should not be so; return the exit status."""
    table = Table(title="Calls by SIPp and baresip", title_justify="left", title_style="bold")
    for name in ("program", "what", "codec", "packets", "lost", "of it in the log", "words wrong"):
        table.add_column(name, justify="left" if name in {"program", "what", "codec"} else "right")
    problems = []
    for case in CASES:
        outcome, manner = outcomes[case], case.manner
        alike = (each for each in outcomes if each.is_recording == case.is_recording and each.manner == RtpManner())
        reference = next((outcomes[each].word_errors for each in alike), 0.0)
        found = outcome.problems(case, reference)
        problems += [f"{case.name}: {each}" for each in found]
        table.add_row(
            case.program,
            "recording of two parties" if case.is_recording else "call",
            NAMES[manner.payload_type],
            f"{manner.packet_ms} ms",
            f"{manner.lost:.0%}: {outcome.lost_ms} ms",
            f"{outcome.gap_ms} ms",
            f"{outcome.word_errors:.0%}",
            style="red" if found else "",
        )
    console.print(table)
    for problem in problems:
        console.print(problem, style="red")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
