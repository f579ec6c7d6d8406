"""`python -m bench.finish`: what `finish` takes for a call of three hours and 4,000 utterances, in time and memory.

The function's own code runs in a process of its own, over a table in memory and a stored result of Gladia's size; what
AWS and Gladia take to answer is not in the figures. A row with nothing to do tells what the process takes by itself.
"""

from __future__ import annotations

import gc
import json
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from callscribe.entries import Body, CallEnded, CallStarted, Ledger, LegEnded, LegStarted, Utterance, Word, timestamp
from callscribe.log import Log
from functions.finish.finish import Finish
from functions.whole_log import WholeLog
from tests.log_table import Table as LogTable

UTTERANCES = 4000
HOURS = 3
ROUNDS = 5
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# About what is said in a breath; the words change with the subject, so that there are chapters to find.
SUBJECTS = (
    "I have lost my card somewhere in the city yesterday and nobody can pay with it any more",
    "the mortgage rate depends on the deposit for the house and on how many years it is for",
    "my flight to Lisbon was cancelled and the airline has offered a voucher and a hotel",
    "the invoice of the last month is not right as the parcel never came to the office",
)


def utterance(number: int, leg: str, session: str) -> Utterance:
    """Return what is said at `number`, each word with its time."""
    span_ms = 3_600_000 * HOURS // UTTERANCES
    text = SUBJECTS[number * 40 // UTTERANCES % len(SUBJECTS)]
    start_ms = number * span_ms
    words = text.split()
    each_ms = span_ms * 9 // 10 // len(words)
    return Utterance(
        leg=leg,
        id=f"{session}/00_{number:08}",
        text=text,
        start_ms=start_ms,
        end_ms=start_ms + each_ms * len(words),
        language="en",
        confidence=0.9,
        words=tuple(
            Word(f" {word}", start_ms + place * each_ms, start_ms + (place + 1) * each_ms, 0.9)
            for place, word in enumerate(words)
        ),
    )


def log(utterances: int) -> tuple[LogTable, bytes]:
    """Return a table with the log of a call that is over, and Gladia's stored result of it."""
    table, call = LogTable(), Log("Calls", "CA1")
    legs = ["MZ1/inbound", "MZ1/outbound"]
    said = [utterance(number, leg, "G1") for number, leg in enumerate(islice(cycle(legs), utterances))]
    started = [
        LegStarted(
            leg=leg, party=party, track=leg[4:], codec="mulaw/8000", media_stream="MZ1", session="G1", channel=channel,
            offset_ms=0, session_begin_ms=0,
        )
        for channel, (leg, party) in enumerate(zip(legs, ("caller", "agent"), strict=True))
    ]  # fmt: skip
    size = 8 * 3_600_000 * HOURS
    ended = [
        LegEnded(leg=leg, ledger=Ledger(heard=size, sent=size, acknowledged=size), sessions=1, reconnects=0)
        for leg in legs
    ]
    opened = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
    over = CallEnded(reason="completed", duration_ms=3_600_000 * HOURS)
    at = timestamp(NOW - timedelta(minutes=1))
    bodies: list[Body] = [opened, *started, *said, *ended, over]
    for number, body in enumerate(bodies):
        table.run(call.append(body, at=at, tenant="acme", token=f"w{number}", tail=number))
    return table, stored(said)


def stored(said: list[Utterance]) -> bytes:
    """Return Gladia's result: each utterance once in the transcription and once among the messages."""
    spoken = [
        {
            "text": f" {each.text}",
            "start": each.start_ms / 1000,
            "end": each.end_ms / 1000,
            "confidence": 0.9,
            "channel": number % 2,
            "language": "en",
            "words": [
                {"word": word.text, "start": word.start_ms / 1000, "end": word.end_ms / 1000, "confidence": 0.9}
                for word in each.words
            ],
        }
        for number, each in enumerate(said)
    ]
    messages = [
        json.dumps(
            {"type": "transcript", "data": {"id": each.id.partition("/")[2], "is_final": True, "utterance": one}}
        )
        for each, one in zip(said, spoken, strict=True)
    ]
    summary = {"success": True, "is_empty": False, "exec_time": 1, "error": None, "results": "Four things."}
    result = {"transcription": {"utterances": spoken}, "messages": messages, "summarization": summary}
    return json.dumps({"status": "done", "result": result}).encode()


def measured(utterances: int) -> dict[str, float]:
    """Finish one call in this process, and return what it took."""
    table, result = log(utterances)
    files: dict[str, bytes] = {}
    finish = Finish(
        WholeLog("Calls", table.run), lambda exchange: exchange.outcome(200, result),
        lambda: ("https://api.gladia.io", "key"), files.__setitem__,
    )  # fmt: skip
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    before = _memory("VmRSS")
    began, cpu = time.perf_counter(), time.process_time()
    finish.finish("CA1", now=NOW)
    took = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
    (file,) = files.values()
    return took | {"before_mib": before, "most_mib": _memory("VmHWM"), "file_bytes": len(file), "stored": len(result)}


def _memory(name: str) -> float:
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0]) / 1024


def main() -> None:
    """Measure each in a process of its own, and show it."""
    table = Table("utterances", "s", "CPU s", "MiB before", "MiB at most", "file", "Gladia's result", box=None)
    for utterances in (2, UTTERANCES):
        for _ in range(ROUNDS):
            command = [sys.executable, "-m", "bench.finish", str(utterances)]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            table.add_row(
                f"{utterances:,}", f"{found['s']:.2f}", f"{found['cpu_s']:.2f}", f"{found['before_mib']:.0f}",
                f"{found['most_mib']:.0f}", f"{found['file_bytes'] / 1000:,.0f} kB", f"{found['stored'] / 1e6:.1f} MB",
            )  # fmt: skip
    console = Console()
    console.print(table)
    console.print(f"{platform.machine()}, Python {platform.python_version()}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(int(sys.argv[1]))))
    else:
        main()
