"""Faults by chance: the same seed, the same script."""

import random
from collections.abc import Callable, Sequence

from local.twilio.admission import Track
from local.twilio.faults import (
    Death,
    Drift,
    Ending,
    Fault,
    Gap,
    Jump,
    Late,
    Malformation,
    Malformed,
    Parting,
    Recut,
    Repeat,
    Script,
    SecondStream,
    Stall,
)
from local.twilio.line import FRAME_MS

MALFORMATIONS: tuple[Malformation, ...] = (
    "no_json",
    "no_object",
    "unknown_event",
    "bad_base64",
    "empty_payload",
    "odd_length",
    "unknown_track",
    "missing_media",
    "old_sequence",
)
PARTINGS: tuple[Parting, ...] = ("close", "cut", "reset", "nothing")
_MOST_FAULTS = 5


def seeded(
    seed: int, *, duration_ms: int, tracks: Sequence[Track] = ("inbound", "outbound"), deadly: bool = True
) -> Script:
    """Return one to five faults for a media stream of about `duration_ms`, at times that are whole frames.

    Unless `deadly`, its socket lives to the end, and has no second one beside it.
    """
    # For tests that can be run again, not for secrets.
    chance = random.Random(seed)  # noqa: S311
    frames = max(1, duration_ms // FRAME_MS)

    def at_ms() -> int:
        return chance.randrange(frames) * FRAME_MS

    def some(most_ms: int) -> int:
        return chance.randint(1, max(1, min(most_ms, duration_ms // 2) // FRAME_MS)) * FRAME_MS

    def some_track() -> Track:
        return chance.choice(tracks)

    kinds: list[Callable[[], Fault]] = [
        lambda: Stall(at_ms(), some(240)),
        lambda: Stall(at_ms(), some(5000)),
        lambda: Gap(at_ms(), some(3000), chance.choice([None, *tracks])),
        lambda: Gap(0, some(3000), some_track()),
        lambda: Gap(at_ms(), None, some_track()),
        lambda: Jump(at_ms(), some(420)),
        lambda: Drift(float(chance.randint(-200, 200))),
        lambda: Late(at_ms(), some(100), some_track(), renumbered=chance.random() < 0.5),
        lambda: Repeat(at_ms(), some_track(), chance.randint(1, 3), renumbered=chance.random() < 0.5),
        lambda: Recut(at_ms(), None, tuple(chance.choices((1, 10, 20, 30, 40, 100, 400), k=3)), some_track()),
        lambda: Malformed(at_ms(), chance.choice(MALFORMATIONS)),
    ]
    if deadly:
        kinds += [
            lambda: SecondStream(at_ms()),
            lambda: Death(at_ms(), chance.choice(PARTINGS)),
            lambda: Ending(chance.choice((*PARTINGS, "stop_twice"))),
        ]
    return tuple(kind() for kind in chance.sample(kinds, chance.randint(1, _MOST_FAULTS)))
