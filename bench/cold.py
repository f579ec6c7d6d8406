"""`python -m bench.cold`: what functions cost under Lambda's own runtime client: started, at their first event, warm.

The bundles are those of a synth, for this machine's Python; boto3 and the runtime client are what the local AWS's
environment brings, compiled, as Lambda's runtime brings its own. Nothing can be written beside a bundle, as nothing can
in Lambda. A start is from the new process to its asking for the first event: the interpreter, boto3, the runtime
client, and what is ours. `nothing` is a function that imports boto3 and does nothing: so much of a start is not ours.

`--beside FOLDER` takes other bundles, a folder a function, in turns with those of this tree, for a comparison.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.lambdas.aws import CROWD, serving
from bench.lambdas.events import PUBLIC_URL, STARTED_ONLY, event, fan_out, served
from bench.lambdas.runtime import FunctionFailed, RunningFunction, Took
from infra.bundle import Bundles, Target
from infra.packages import ROOT
from infra.service_models import DATA_PATH
from local.aws.warm import EVENTS
from tests.tables import TABLES

ROUNDS: Final = 5
WARM: Final = 40  # events of a round after the first
FAN_OUTS: Final = 5
NOTHING: Final = "nothing"
# The environment of the local AWS: boto3 and the runtime client, as in Lambda's runtime, and nothing of ours.
LAMBDA_LIKE: Final = ROOT / ".venv-aws" / "bin" / "python"
_URLS: Final = ("API_URL", "TWILIO_URL")


def environment(name: str, *, aws: str = "https://example.com") -> dict[str, str]:
    """Return what a function is told, none of it true but the address of its AWS."""
    return {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "of-the-role",
        "AWS_SECRET_ACCESS_KEY": "example-key-not-a-secret",
        "AWS_ENDPOINT_URL": aws,
        "AWS_DATA_PATH": DATA_PATH,
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": "callscribe",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "TENANT_CLAIM": "tenant",
        "EVENT_BUS": "bus",
        "ARCHIVE_BUCKET": "archive",
        "SEARCH_WORKGROUP": "callscribe",
        "SEARCH_DATABASE": "callscribe",
        **dict.fromkeys(("BATCH_QUEUE", "DELIVER_QUEUE"), "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"),
        "WEBHOOK_TARGETS": "public",
        "PUSH_URL": "wss://example.com/live",
        "PUBLIC_URL": PUBLIC_URL,
        "PUSH_ENDPOINT": f"{aws}/live",
        "GLADIA_URL": aws,
        **dict.fromkeys(_URLS, "https://example.com"),
        **{f"{table.upper()}_TABLE": table for table in TABLES},
        "SETTINGS_PARAMETER": "/settings",
        "MEDIA_URL_PARAMETER": "/media-url",
        **{f"{secret.upper()}_SECRET": secret for secret in ("twilio", "signing", "gladia")},
    }


@dataclass(slots=True)
class Measured:
    """What one function took, over all rounds."""

    starts: list[Took] = field(default_factory=list)
    firsts: list[Took] = field(default_factory=list)
    warm: list[Took] = field(default_factory=list)
    fan_outs: list[Took] = field(default_factory=list)
    memory_mib: float = 0.0

    def add_round(self, name: str, bundle: Path, *, aws: str, warm: int = WARM, first: int = 0) -> None:
        """Start the function and hand it events, the first of which has the number `first`. Raises FunctionFailed."""
        with RunningFunction(LAMBDA_LIKE, bundle, name, environment(name, aws=aws)) as function:
            self.starts.append(function.started)
            if name == NOTHING or name in STARTED_ONLY:
                return
            for number in range(first, first + warm + 1):
                took, answer = function.invoke(event(name, number))
                if not served(name, answer):
                    raise FunctionFailed(f"{name} answered {answer}")
                (self.firsts if number == first else self.warm).append(took)
            for number in range(FAN_OUTS if name == "push" and warm else 0):
                self.fan_outs.append(function.invoke(fan_out(number))[0])
            self.memory_mib = max(self.memory_mib, function.memory_mib())


def bundle_of_nothing(folder: Path) -> Path:
    """Write a function that does nothing into `folder`."""
    handler = folder / "functions" / NOTHING / "handler.py"
    handler.parent.mkdir(parents=True)
    handler.write_text("import boto3\n\n\ndef handler(event, context):\n    return {}\n", encoding="utf-8")
    return folder


def size_mb(folder: Path) -> float:
    """Return how large a folder is."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def ran(
    names: Sequence[str], bundles: Mapping[str, Mapping[str, Path]], console: Console, *, rounds: int
) -> dict[tuple[str, str], Measured]:
    """Return what each function took in each set of bundles, all in turns."""
    measured = {(name, which): Measured() for name in names for which in bundles if name in bundles[which]}
    numbers = iter(range(0, 1_000_000_000, WARM + 1))
    with serving() as aws, console.status("running functions") as status:
        for turn in range(rounds):
            for (name, which), each in measured.items():
                status.update(f"round {turn + 1} of {rounds}: {name}")
                each.add_round(name, bundles[which][name], aws=aws, first=next(numbers))
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold", description=main.__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(EVENTS), default=list(EVENTS), metavar="FUNCTION")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="bundles of another tree, a folder a function")
    given = parser.parse_args()
    console = Console(width=120)
    names = [NOTHING, *given.only]
    with (
        Bundles(target=Target.HOST) as here,
        Bundles(target=Target.LAMBDA) as there,
        tempfile.TemporaryDirectory() as scratch,
    ):
        bundles = {"": {name: here.make(name) for name in given.only}}
        bundles[""][NOTHING] = bundle_of_nothing(Path(scratch))
        if given.beside is not None:
            bundles["beside"] = {name: given.beside / name for name in given.only}
        sizes = {name: size_mb(there.make(name)) for name in given.only}
        measured = ran(names, bundles, console, rounds=given.rounds)
    _print(measured, sizes, console)


def _print(measured: Mapping[tuple[str, str], Measured], sizes: Mapping[str, float], console: Console) -> None:
    title = f"{platform.machine()}, Python {platform.python_version()}; CPU time, median (range); median on the wall"
    table = Table("function", "bundle", "start", "first event", "warm", "p95", "memory", title=title)
    for (name, which), each in measured.items():
        table.add_row(
            f"{name} {which}".strip(),
            f"{sizes[name]:.1f} MB" if name in sizes and not which else "",
            _told(each.starts),
            _told(each.firsts),
            _told(each.warm, digits=1),
            f"{statistics.quantiles([took.cpu_ms for took in each.warm], n=20)[-1]:.1f} ms" if each.warm else "",
            f"{each.memory_mib:.0f} MiB" if each.memory_mib else "",
        )
    console.print(table)
    for (name, which), each in measured.items():
        if each.fan_outs:
            console.print(f"{name} {which}".strip(), f"to {CROWD} subscribers:", _told(each.fan_outs))


def _told(took: Sequence[Took], *, digits: int = 0) -> str:
    """Return the median of the CPU times and their range, and the median on the wall."""
    if not took:
        return ""
    cpu = [each.cpu_ms for each in took]
    wall_ms = statistics.median(each.wall_ms for each in took)
    spread = "" if digits else f" ({min(cpu):.0f} to {max(cpu):.0f})"
    return f"{statistics.median(cpu):.{digits}f} ms{spread}; {wall_ms:.{digits}f}"


if __name__ == "__main__":
    main()
