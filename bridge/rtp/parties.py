"""Who speaks on the lines of an offer, where nothing but labels and their order tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from bridge.rtp.offer import Line

NAMES: Final = ("caller", "callee")
# How border controllers label the two parties of a call.
_LABELS: Final = {
    "1": "caller", "a_leg": "caller", "inbound": "caller", "caller": "caller",
    "2": "callee", "b_leg": "callee", "outbound": "callee", "callee": "callee",
}  # fmt: skip


def names_of(lines: Iterable[Line], taken: Collection[str] = ()) -> dict[int, str]:
    """Return a name for each line, by its place: as it is labelled if nobody else is that, else by its order.

    Those in `taken` are others.
    """
    names: dict[int, str] = {}
    for line in lines:
        labelled = _LABELS.get(line.label.lower())
        wanted = [*([labelled] if labelled else []), *NAMES, f"party-{line.place + 1}"]
        names[line.place] = next(each for each in wanted if each not in taken and each not in names.values())
    return names
