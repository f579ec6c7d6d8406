"""`python -m bench.cold`: what a function costs before its first event: its bundle's size, and the time to import it.

The bundles are those of a synth, for this machine's Python; boto3 is what the local AWS brings, as Lambda's runtime
brings its own. Nothing of a bundle is compiled beforehand, as nothing is in Lambda. Times are the process's own.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from infra.bundle import ROOT, Bundles, Target
from local.aws.warm import EVENTS
from tests.tables import TABLES

ROUNDS = 7
# The environment of the local AWS: boto3, as in Lambda's runtime, and nothing of ours.
LAMBDA_LIKE = ROOT / ".venv-aws" / "bin" / "python"
ADDRESSES = ("API_URL", "PUBLIC_URL", "PUSH_ENDPOINT", "TWILIO_URL", "GLADIA_URL")
# As Lambda's runtime client does it: the handler is imported, then gets its first event.
PROGRAM = """\
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.process_time()
import boto3
brought = time.process_time()
from functions.{name}.handler import handler
took = 1000 * (brought - began), 1000 * (time.process_time() - brought)
print(*took, open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


def environment(name: str) -> dict[str, str]:
    """Return what a function is told, none of it true."""
    return {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "of-the-role",
        "AWS_SECRET_ACCESS_KEY": "example-key-not-a-secret",
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": "callscribe",
        "TENANT_CLAIM": "tenant",
        "EVENT_BUS": "bus",
        "ARCHIVE_BUCKET": "bucket",
        "SEARCH_WORKGROUP": "callscribe",
        "SEARCH_DATABASE": "callscribe",
        **dict.fromkeys(("BATCH_QUEUE", "DELIVER_QUEUE"), "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"),
        "WEBHOOK_TARGETS": "public",
        "PUSH_URL": "wss://example.com/live",
        **dict.fromkeys(ADDRESSES, "https://example.com"),
        **{f"{table.upper()}_TABLE": "table" for table in TABLES},
        **dict.fromkeys(("SETTINGS_PARAMETER", "MEDIA_URL_PARAMETER"), "/parameter"),
        **dict.fromkeys(("TWILIO_SECRET", "SIGNING_SECRET", "GLADIA_SECRET"), "arn:aws:secretsmanager:secret"),
    }


class Started(NamedTuple):
    """A new process: how long boto3 took to import, and the handler after it; the most memory that it had."""

    boto3_ms: float
    handler_ms: float
    memory_kib: float


def started(name: str, bundle: Path) -> Started:
    """Import a function's handler in a new process."""
    done = subprocess.run(
        [LAMBDA_LIKE, "-I", "-B", "-c", PROGRAM.format(name=name), bundle],
        env=environment(name),
        capture_output=True,
        text=True,
        check=True,
    )
    return Started(*map(float, done.stdout.split()))


def size_mb(folder: Path) -> float:
    """Return how large a folder is."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    """Measure and print."""
    console = Console()
    table = Table(
        "function", "bundle for Lambda", "import, median", "spread", title=f"{platform.machine()}, cold starts"
    )
    results: dict[str, dict[str, float]] = {}
    with Bundles(target=Target.HOST) as here, Bundles(target=Target.LAMBDA) as there, console.status("importing"):
        bundles = {name: here.make(name) for name in EVENTS}
        sizes = {name: size_mb(there.make(name)) for name in EVENTS}
        rounds: dict[str, list[Started]] = {name: [] for name in EVENTS}
        for _ in range(ROUNDS):
            for name, bundle in bundles.items():
                rounds[name].append(started(name, bundle))
    for name, measured in rounds.items():
        handler = [each.handler_ms for each in measured]
        results[name] = {"mb": sizes[name], "ms": statistics.median(handler)}
        table.add_row(
            name,
            f"{sizes[name]:.1f} MB",
            f"{statistics.median(handler):.0f} ms",
            f"{min(handler):.0f} to {max(handler):.0f}",
            f"{max(each.memory_kib for each in measured) / 1024:.0f} MiB",
        )
    console.print(table)
    boto3 = [each.boto3_ms for measured in rounds.values() for each in measured]
    console.print(f"boto3, which Lambda brings, before that: {statistics.median(boto3):.0f} ms")
    (ROOT / ".callscribe").mkdir(exist_ok=True)
    (ROOT / ".callscribe" / "cold.json").write_text(json.dumps({"at": time.time(), "functions": results}))


if __name__ == "__main__":
    main()
