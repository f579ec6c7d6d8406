"""A call in the terminal: finals as lines, what is being said just now below them, dim."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from callscribe.after_call import Card
from callscribe.call import Call
from callscribe.entries import (
    BatchWanted,
    CallEnded,
    CallFailed,
    CallStarted,
    Entry,
    LegEnded,
    LegGap,
    SessionWaiting,
    Utterance,
)
from callscribe.exports.plain_text import plain
from callscribe.messages import PartialMessage
from callscribe.second_pass import BatchFailed, BatchReady, Difference, LegRepaired, RecordingStarted
from local.measures import Latencies, Measures

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue")


def clock(at_ms: int) -> str:
    """Return a time of the call as people write it: 1:04.3."""
    minutes, rest_ms = divmod(at_ms, 60_000)
    return f"{minutes}:{rest_ms / 1000:04.1f}"


class CallScreen:
    """What is seen of one call."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._call = Call()
        self._parties: list[str] = []
        self._partials: dict[str, PartialMessage] = {}
        self._live = Live(console=console, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the finals standing."""
        self._live.stop()

    def note(self, text: str) -> None:
        """Show something that is no speech."""
        self._console.print(Text(f"  {text}", style="dim italic"))

    def show(self, what: Entry | PartialMessage) -> None:
        """Show what came."""
        if isinstance(what, PartialMessage):
            self._partials[what.leg] = what
        else:
            self._call = self._call.after(what)
            self._entry(what)
        self._live.update(Group(*(self._line(each.party, each.start_ms, each.text, is_final=False)
                                  for each in self._partials.values())))  # fmt: skip

    def _entry(self, entry: Entry) -> None:
        match entry.body:
            case Utterance() as said:
                waiting = self._partials.get(said.leg)
                if waiting is not None and waiting.id == said.id:
                    del self._partials[said.leg]
                self._console.print(self._line(self._call.party(said.leg), said.start_ms, said.text, is_final=True))
            case LegEnded(leg=leg):
                self._partials.pop(leg, None)  # of sounds in which no words were found in the end
            case CallStarted(direction=direction):
                self.note(f"{direction} call {entry.call_id[:10]}… has started")
            case LegGap(start_ms=start_ms, end_ms=end_ms, cause=cause):
                self.note(f"{clock(start_ms)} to {clock(end_ms)}: {cause}")
            case SessionWaiting(taken=taken):
                self.note(f"all {taken} sessions of Gladia's plan are in use: waiting for one")
            case BatchWanted(reason=reason):
                self._console.print(Text(f"  no live words: {reason}; to be transcribed later", style="bold red"))
            case CallFailed(reason=reason, kept=kept):
                self._console.print(Text(f"  no more live words: {reason} ({kept})", style="bold red"))
            case CallEnded(reason=reason):
                self.note(f"the call is over ({reason})")
            case _:
                self._others(entry)

    def _others(self, entry: Entry) -> None:
        match entry.body:
            case Card() as card:
                self._card(card)
            case RecordingStarted():
                self.note("the call is being recorded")
            case LegRepaired(start_ms=start_ms, end_ms=end_ms, utterances=utterances):
                self.note(f"{clock(start_ms)} to {clock(end_ms)}: {len(utterances)} utterances from the recording")
            case BatchReady(differences=differences):
                self.note(f"second pass: {told(differences)}")
            case BatchFailed(reason=reason):
                self.note(f"no second pass: {reason}")
            case _:
                pass

    def _card(self, card: Card) -> None:
        lines = [Text(plain(card.title), style="bold"), *([Text(plain(card.text))] if card.text else [])]
        lines += [Text(plain(card.link), style="dim underline")] if card.link else []
        self._console.print(Panel(Group(*lines), title=plain(card.hook), title_align="left", border_style="yellow"))

    def _line(self, party: str, at_ms: int, text: str, *, is_final: bool) -> Table:
        if party not in self._parties:
            self._parties.append(party)
        colour = _COLOURS[self._parties.index(party) % len(_COLOURS)]
        line = Table.grid(padding=(0, 1))
        line.add_column(width=7, justify="right", style="dim")
        line.add_column(width=8, style=f"bold {colour}" if is_final else f"dim {colour}", no_wrap=True)
        line.add_column(style="" if is_final else "dim")
        # What a caller said is data: control characters would be the terminal's commands.
        shown = "".join(letter if letter.isprintable() else " " for letter in text)
        line.add_row(clock(at_ms), Text(party), Text(shown))
        return line


def told(differences: Sequence[Difference]) -> str:
    """Return how the live words differ from the recording's, in a line."""
    rates = [
        f"{each.party} {(each.substituted + each.missing + each.added) / each.words:.1%} of {each.words} words differ"
        for each in differences
        if each.words
    ]
    return ", ".join(rates) or "nothing was said in the recording"


def tables(measures: Measures) -> Sequence[Table]:
    """Return what a simulated call came to, as tables."""
    heard = Table(title="Words, and bytes of audio, by party", title_justify="left", title_style="bold")
    for name in ("party", "words", "heard", "wrong", "WER", "bytes in", "sent", "acknowledged"):
        heard.add_column(name, justify="left" if name == "party" else "right")
    for party, errors in measures.words.items():
        ledger = next((leg.ended.ledger for leg in measures.legs if leg.started.party == party and leg.ended), None)
        counts = (ledger.heard, ledger.sent, ledger.acknowledged) if ledger else ("-", "-", "-")
        heard.add_row(
            party,
            str(errors.expected),
            str(errors.heard),
            str(errors.wrong),
            f"{errors.rate:.1%}" if errors.expected else "-",
            *(f"{count:,}" if isinstance(count, int) else count for count in counts),
        )
    times = Table(title="From sound to screen", title_justify="left", title_style="bold")
    for name in ("", "count", "p50", "p95"):
        times.add_column(name, justify="left" if not name else "right")
    times.add_row("end of a word to the first partial that shows it", *_cells(measures.partials))
    times.add_row("end of an utterance to its final", *_cells(measures.finals))
    return heard, times


def _cells(latencies: Latencies) -> tuple[str, str, str]:
    values = (latencies.quantile(0.5), latencies.quantile(0.95))
    shown = ("-" if value is None else f"{value:.0f} ms" for value in values)
    return (str(len(latencies.values_ms)), *shown)  # type: ignore[return-value]
