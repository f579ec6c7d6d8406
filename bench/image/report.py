"""What building and trying the image came to, for a terminal, and what of it is wrong."""

from __future__ import annotations

import re
from statistics import median

from rich.table import Table

from bench.image.layout import Image
from bench.image.runtime import Unpacked
from bench.image.trial import CALL, Trial

_MB = 1_000_000
_STEP_CHARACTERS = 60


def layers(image: Image) -> Table:
    """Return a row for each layer, and their sum."""
    table = Table(title="The image", title_justify="left", title_style="bold", show_footer=True)
    table.add_column("layer", "all")
    table.add_column("MB on disk", _mb(sum(each.size_bytes for each in image.layers)), justify="right")
    table.add_column("MB as pulled", _mb(sum(each.packed_bytes for each in image.layers)), justify="right")
    for number, each in enumerate(image.layers):
        table.add_row("the base" if number == 0 else _step(each.step), _mb(each.size_bytes), _mb(each.packed_bytes))
    return table


def trial(seen: Trial) -> Table:
    """Return what was seen of it."""
    table = Table(title="Started and tried", title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column("", justify="right")
    table.add_row("Python", seen.inside.python)
    table.add_row("user id, capabilities", f"{seen.inside.user_id}, {seen.inside.capabilities}")
    table.add_row("folders that can be written", ", ".join(seen.inside.writable))
    table.add_row("health", ", ".join(f"{path} {status}" for path, status in seen.health.items()))
    table.add_row(f"entries of the call “{CALL}”", str(seen.call.call.seq))
    for leg in seen.call.legs:
        table.add_row(f"words of the {leg.started.party}, wrong ones", _words(seen, leg.started.party))
    table.add_row(
        f"s to a good health check, median of {len(seen.starts)}",
        f"{median(each.healthy_s for each in seen.starts):.1f}",
    )
    table.add_row("s from SIGTERM to the end, most", f"{max(each.stop_s for each in seen.starts):.1f}")
    table.add_row("exit status after SIGTERM", ", ".join(sorted({str(each.status) for each in seen.starts})))
    table.add_row("ms of CPU that a health check from inside takes", f"{seen.check_cpu_s * 1000:.0f}")
    return table


def problems(image: Unpacked, seen: Trial) -> list[str]:
    """Return what is not as it has to be, a line each."""
    call = seen.call
    claims = {
        "it runs as root": seen.inside.user_id == 0,
        "it has capabilities": seen.inside.capabilities != 0,
        f"what can be written is {', '.join(seen.inside.writable)}": seen.inside.writable != image.task.mounts,
        f"its health is {dict(seen.health)}": set(seen.health.values()) != {200},
        "no words came": not call.heard_anything,
        "the call's log has no end": not call.call.settled,
        "the transcript failed": call.call.failed is not None,
        "not all audio reached Gladia": not call.legs or not all(leg.complete for leg in call.legs),
        "SIGTERM does not end it well": any(start.status != 0 for start in seen.starts),
        "SIGTERM does not end it in time": any(start.stop_s > image.task.stop_s for start in seen.starts),
    }
    return [text for text, is_so in claims.items() if is_so]


def _words(seen: Trial, party: str) -> str:
    errors = seen.call.words.get(party)
    return "none" if errors is None else f"{errors.heard}, {errors.wrong}"


def _step(created_by: str) -> str:
    """Return the recipe's words for a layer, without those of the builder."""
    step = re.sub(r"^/bin/sh -c (#\(nop\) )?", "", created_by).strip()
    step = re.sub(r"(dir|file):[0-9a-f]{64}", r"a \1", step)
    return step if len(step) <= _STEP_CHARACTERS else f"{step[:_STEP_CHARACTERS]}…"


def _mb(count: int) -> str:
    return f"{count / _MB:.1f}"
