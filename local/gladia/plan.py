"""Which session gets which faults: by script, by seed, or both."""

import random
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, Struct

from local.gladia import faults
from local.gladia.faults import Fault
from local.gladia.prerecorded.faults import NONE, PreRecordedFaults

_CLOSE_CODES = (1001, 1009, 1011, 4403, 4504)
_STATUSES: tuple[Literal[429, 500, 503], ...] = (429, 500, 503)


class InvalidPlanError(ValueError):
    """This is no plan; the text says where."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faults for every session that fits: the one of that number, those whose metadata has these values, or all."""

    faults: tuple[Fault, ...]
    session: Annotated[int, Meta(ge=1)] | None = None
    metadata: dict[str, Any] = {}

    def fits(self, number: int, metadata: Mapping[str, Any]) -> bool:
        """Return whether session `number`, from 1, which carries `metadata`, gets these faults."""
        return self.session in (None, number) and all(
            name in metadata and metadata[name] == value for name, value in self.metadata.items()
        )


class Chance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faults drawn from `seed`: `rates` has how many of a kind a session gets on average, by the fault's word."""

    seed: int
    rates: dict[str, Annotated[float, Meta(ge=0, le=100)]]
    audio_bytes: Annotated[int, Meta(ge=1)] = 80_000
    """Faults of a socket strike within so much audio, or at the stop."""

    delay_s: Annotated[float, Meta(ge=0)] = 0.1
    """The longest delay of what is late."""

    def __post_init__(self) -> None:
        """Raise ValueError for a rate of no known fault."""
        if unknown := sorted(self.rates.keys() - DRAWS.keys()):
            raise ValueError(f"there is no fault {unknown[0]!r}; there are {', '.join(DRAWS)}")

    def draw(self, who: str) -> tuple[Fault, ...]:
        """Return the faults of session `who`: the same for the same seed; no rate changes what the others give."""
        drawn: list[Fault] = []
        for word, draw in DRAWS.items():
            rate = self.rates.get(word, 0.0)
            chance = random.Random(f"{self.seed}/{who}/{word}")  # noqa: S311 - to be repeated, not to be secret
            times = int(rate) + (chance.random() < rate % 1)
            drawn += [draw(chance, self) for _ in range(times)]
        return tuple(drawn)


class Faults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan of faults: what the rules say, in their order, then what chance gives.

    A session is known to chance by the value of `identity` in its metadata, and by how many of that value came before;
    without one by its number. So one call can be replayed alone, whatever other calls did beside it.
    """

    rules: tuple[Rule, ...] = ()
    chance: Chance | None = None
    identity: str = "call_id"
    prerecorded: PreRecordedFaults = NONE  # of recordings, which are no sessions

    @classmethod
    def seeded(
        cls,
        seed: int,
        rates: Mapping[str, float],
        *,
        audio_bytes: int = 80_000,
        delay_s: float = 0.1,
        identity: str = "call_id",
    ) -> Self:
        """Return a plan by chance alone; see Chance. Raises ValueError for a rate of no known fault."""
        chance = Chance(seed=seed, rates=dict(rates), audio_bytes=audio_bytes, delay_s=delay_s)
        return cls(chance=chance, identity=identity)

    @classmethod
    def parse(cls, content: bytes | str) -> Self:
        """Return the plan that `content` writes in JSON. Raises InvalidPlanError."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidPlanError(f"not a plan of faults: {error}") from error

    def of(self, number: int, who: str, metadata: Mapping[str, Any]) -> tuple[Fault, ...]:
        """Return the faults of session `number`, from 1, which is `who` to chance and carries `metadata`."""
        by_rule = [fault for rule in self.rules if rule.fits(number, metadata) for fault in rule.faults]
        return (*by_rule, *(self.chance.draw(who) if self.chance else ()))


NO_FAULTS = Faults()


def _moment(chance: random.Random, of: Chance) -> dict[str, Any]:
    at = chance.choices(("audio", "stop", "stopped", "connect"), weights=(7, 1, 1, 1))[0]
    return {"at": at, "count": chance.randrange(of.audio_bytes) if at == "audio" else 0}


def _fate(chance: random.Random) -> dict[str, Any]:
    """Return what becomes of audio that nobody has acknowledged when a socket ends."""
    fate = chance.random()
    return {"taken": fate < 0.2, "discards": fate >= 0.8}


def _closed(chance: random.Random, of: Chance) -> faults.Closed:
    code = chance.choice(_CLOSE_CODES)
    moment, fate = _moment(chance, of), _fate(chance)
    # A code of this range was seen to mean that there is nothing to come back to; whether it always does is not known.
    return faults.Closed(code=code, **moment, **fate, ends=4400 <= code < 4500 and chance.random() < 0.5)


def _within_audio(chance: random.Random, of: Chance) -> dict[str, Any]:
    return {"at": "audio", "count": chance.randrange(of.audio_bytes)}


def _delay_s(chance: random.Random, of: Chance) -> float:
    return round(chance.uniform(0, of.delay_s), 3)


DRAWS: dict[str, Callable[[random.Random, Chance], Fault]] = {
    "opening_refused": lambda chance, _: faults.OpeningRefused(status=chance.choice(_STATUSES)),
    "opening_hangs": lambda _, __: faults.OpeningHangs(),
    "opening_slow": lambda chance, of: faults.OpeningSlow(delay_s=_delay_s(chance, of)),
    "handshake_refused": lambda chance, _: faults.HandshakeRefused(
        status=chance.choice(_STATUSES), first=chance.randint(1, 2)
    ),
    "handshake_hangs": lambda chance, _: faults.HandshakeHangs(first=chance.randint(1, 2)),
    "dropped": lambda chance, of: faults.Dropped(**_moment(chance, of), **_fate(chance)),
    "closed": _closed,
    "half_open": lambda chance, of: faults.HalfOpen(
        **_moment(chance, of), **_fate(chance), meanwhile=chance.choice(("waits", "lost"))
    ),
    "acknowledgements_slow": lambda chance, of: faults.AcknowledgementsSlow(
        delay_s=_delay_s(chance, of), **_within_audio(chance, of)
    ),
    "acknowledgements_missing": lambda chance, of: faults.AcknowledgementsMissing(
        messages=chance.randint(1, 5), **_within_audio(chance, of)
    ),
    "acknowledgements_negative": lambda chance, of: faults.AcknowledgementsNegative(**_within_audio(chance, of)),
    "acknowledgements_inclusive": lambda _, __: faults.AcknowledgementsInclusive(at="connect"),
    "finals_repeated": lambda chance, _: faults.FinalsRepeated(finals=chance.randint(1, 3)),
    "message_huge": lambda chance, of: faults.MessageHuge(**_within_audio(chance, of)),
    "message_malformed": lambda chance, of: faults.MessageMalformed(
        how=chance.choice(("not_json", "wrong_shape", "unknown_type")), **_within_audio(chance, of)
    ),
    "end_late": lambda chance, of: faults.EndLate(
        delay_s=_delay_s(chance, of), what=chance.choice(("results", "close"))
    ),
    "add_on_failed": lambda chance, _: faults.AddOnFailed(
        add_on=chance.choice(("named_entity_recognition", "sentiment_analysis", "summarization")),
        times=chance.choice((1, 2, None)),
    ),
}
"""How chance draws a fault of each kind, by its word."""
