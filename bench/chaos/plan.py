"""What befalls call number n of a run: the same for the same seed and number, whatever other calls do beside it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.chaos import aws_faults
from bench.chaos.aws_faults import AwsFault, Subscriber
from bench.chaos.voice import ENDPOINTING_S, FRAME_MS
from local.gladia.plan import Faults
from local.twilio.chance import seeded
from local.twilio.faults import Death, Ending, Script, SecondStream

# How many of each kind a session meets on average. A hang costs a client its whole patience, so it is rarer.
GLADIA_RATES: Mapping[str, float] = {
    "opening_refused": 0.1,
    "opening_hangs": 0.02,
    "opening_slow": 0.1,
    "handshake_refused": 0.1,
    "handshake_hangs": 0.02,
    "dropped": 0.6,
    "closed": 0.2,
    "half_open": 0.08,
    "acknowledgements_slow": 0.15,
    "acknowledgements_missing": 0.15,
    "acknowledgements_negative": 0.03,
    "acknowledgements_inclusive": 0.05,
    "finals_repeated": 0.1,
    "message_huge": 0.05,
    "message_malformed": 0.15,
    "end_late": 0.1,
}
AUDIO_BYTES = 80_000
_LEAST_FRAMES, _MOST_FRAMES = 150, 400
_TWILIO_SHARE, _AWS_SHARE = 0.4, 0.3
_AUDIENCE_SHARE = 0.25
_PER_LEG_SHARE = 0.2
Side = Literal["gladia", "twilio", "aws"]
SIDES: tuple[Side, ...] = ("gladia", "twilio", "aws")


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call: how long, under which settings, and what goes wrong on each side."""

    number: int
    call_id: str
    frames: int
    session: Literal["per_stream", "per_leg"]
    twilio: Script
    aws: tuple[AwsFault, ...]
    subscriber: Subscriber

    @property
    def settings(self) -> dict[str, object]:
        """The settings of its number, as `call.started` holds them."""
        messages = {"receive_partial_transcripts": self.subscriber != "none"}
        return {
            "then": {"dial": "+12025550100"},
            "session": self.session,
            "gladia": {"endpointing": ENDPOINTING_S, "messages_config": messages},
        }


def call_plan(seed: int, number: int, *, sides: frozenset[Side]) -> CallPlan:
    """Return the plan of call `number` of the run `seed`, with faults on these sides alone."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeated, not to be secret
    # Each is drawn whatever the sides are, so that leaving one out changes nothing in the others.
    frames = chance.randint(_LEAST_FRAMES, _MOST_FRAMES)
    per_leg = chance.random() < _PER_LEG_SHARE
    has_twilio = chance.random() < _TWILIO_SHARE
    script = _told_apart(seeded(chance.getrandbits(32), duration_ms=frames * FRAME_MS))
    has_aws, has_audience = chance.random() < _AWS_SHARE, chance.random() < _AUDIENCE_SHARE
    aws, audience = aws_faults.drawn(chance), aws_faults.subscriber(chance)
    return CallPlan(
        number=number,
        call_id=f"CA{seed % 16**8:08x}{number:024x}",
        frames=frames,
        session="per_leg" if per_leg else "per_stream",
        twilio=script if has_twilio and "twilio" in sides else (),
        aws=aws if has_aws and "aws" in sides else (),
        subscriber=audience if has_audience and "aws" in sides else "none",
    )


def _told_apart(script: Script) -> Script:
    """Return `script` with no sudden end of a media stream that has a second one beside it.

    Whether that goes on in its stead is told by the time between the two, and these calls are faster than time;
    `bench.failover` has such calls.
    """
    if not any(isinstance(fault, SecondStream) for fault in script):
        return script
    return tuple(fault for fault in script if not isinstance(fault, Death | Ending))


def gladia_faults(seed: int, *, sides: frozenset[Side]) -> Faults:
    """Return the plan of all calls' Gladia sessions; a call is known to it by its id."""
    return Faults.seeded(seed, GLADIA_RATES if "gladia" in sides else {}, audio_bytes=AUDIO_BYTES, delay_s=0.5)
