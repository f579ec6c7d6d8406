"""A run's rounds, and the file that keeps them, so that tables and plots can be made again without measuring."""

from __future__ import annotations

import os
import platform
import statistics
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.plan import Case
from bench.rounds import Round
from bench.trust import distrust

FILE = Path(".callscribe") / "bench.json"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    architecture: str
    cpu: str
    cores: int
    python: str

    @classmethod
    def this(cls) -> Machine:
        """Return the one that this runs on."""
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
        return cls(platform.machine(), models[0] if models else "CPU unnamed", os.cpu_count() or 0, _python())

    def __str__(self) -> str:
        return f"{self.architecture}, {self.cpu}, {self.cores} cores, Python {self.python}"


def _python() -> str:
    """Return which Python this is, and how it was built: by a profile of what it does, it takes a fifth less."""
    is_optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return f"{platform.python_version()} ({'built by profile' if is_optimised else 'not built by profile'})"


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one case."""

    case: Case
    rounds: tuple[Round, ...]

    @property
    def is_full(self) -> bool:
        """Whether the core was, in any round."""
        return any(each.is_full for each in self.rounds)

    @property
    def cpu_share(self) -> float:
        """The share of a core, median."""
        return self.median(lambda each: each.cpu_share)

    def cpu_ms(self) -> list[float]:
        """Return the milliseconds of CPU time for a second of one call, of each round."""
        return [1000 * each.cpu_share / self.case.calls for each in self.rounds]

    def call_kb(self) -> float:
        """Return the memory of a call: what the process has with them, less what it had before, by their number."""
        return self.median(lambda each: (each.memory_kb - each.idle_kb) / self.case.calls)

    def added_ms(self) -> tuple[float, float, float] | None:
        """Return the p50, p99 and p99.9 of the delay added, each the median over the rounds."""
        told = [each.added_ms for each in self.rounds if each.added_ms is not None]
        if not told:
            return None
        p50, p99, p999 = (statistics.median(values) for values in zip(*told, strict=True))
        return p50, p99, p999

    def median(self, of: Callable[[Round], float]) -> float:
        """Return the median over the rounds."""
        return statistics.median(of(each) for each in self.rounds)


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    machine: Machine
    seconds: float  # of a round
    measured: tuple[Measured, ...]

    @classmethod
    def of(cls, rounds: Mapping[Case, Sequence[Round]], *, seconds: float) -> Results:
        """Return what was measured on this machine just now."""
        return cls(Machine.this(), seconds, tuple(Measured(case, tuple(each)) for case, each in rounds.items()))

    @classmethod
    def read(cls, file: Path) -> Results:
        """Return what `file` holds. Raises OSError, or msgspec.DecodeError."""
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        """Keep it in `file`."""
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))

    def untrusted(self) -> dict[Case, str]:
        """Return the cases that are not to be told of, and why."""
        return {each.case: reason for each in self.measured if (reason := distrust(each.rounds))}

    def trusted(self, subject: str) -> list[Measured]:
        """Return the cases of a subject that are to be told of, by calls."""
        of = [each for each in self.measured if each.case.subject == subject and not distrust(each.rounds)]
        return sorted(of, key=lambda each: each.case.calls)

    def unfilled(self, subject: str) -> list[Measured]:
        """Return those of them that did not take all of the core."""
        return [each for each in self.trusted(subject) if not each.is_full]


def ratios(these: Measured, those: Measured) -> list[float]:
    """Return how many times the CPU time a call of `those` `these` took, round by round."""
    return [one / other for one, other in zip(these.cpu_ms(), those.cpu_ms(), strict=False)]
