"""What can go wrong between a process and AWS, by script or by seed, as values that JSON can write.

It strikes single requests: calls of DynamoDB, by their operation, and posts to `@connections`, whose operation is
`PostToConnection`. What a request is about is the partition key or the connection's id.
"""

import random
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

POST = "PostToConnection"
Positive = Annotated[int, Meta(ge=1)]


class _Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    pass


class Throttled(_Fault, frozen=True, kw_only=True, tag="throttled"):
    """DynamoDB has no capacity left."""

    code: Literal["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] = (
        "ProvisionedThroughputExceededException"
    )


class Denied(_Fault, frozen=True, kw_only=True, tag="denied"):
    """The request is answered with this error of DynamoDB, status 400; nothing is done."""

    code: str


class Failed(_Fault, frozen=True, kw_only=True, tag="failed"):
    """The service, or a gateway before it, has a fault of its own; nothing is done."""

    status: Literal[500, 502, 503, 504] = 500


class Hangs(_Fault, frozen=True, kw_only=True, tag="hangs"):
    """There is no answer, and nothing is done."""


class Cut(_Fault, frozen=True, kw_only=True, tag="cut"):
    """The connection is reset: before anything is done, after it was done, or in the middle of the answer."""

    at: Literal["request", "done", "answer"] = "request"


class Gone(_Fault, frozen=True, kw_only=True, tag="gone"):
    """The connection is over, from this post on."""


class Limited(_Fault, frozen=True, kw_only=True, tag="limited"):
    """Too many posts: 429."""


class Forbidden(_Fault, frozen=True, kw_only=True, tag="forbidden"):
    """The role may not post: 403."""


Fault = Throttled | Denied | Failed | Hangs | Cut | Gone | Limited | Forbidden


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault for the requests that fit: from number `first` of them on, `times` of them, None for all.

    With `every`, the same again each so many requests: `times=20, every=50` is twenty that fail and thirty that don't,
    in turns. `operation`, `table` and `about` may hold `*`.
    """

    fault: Fault
    operation: str = "*"
    table: str = "*"
    about: str = "*"
    first: Positive = 1
    times: Positive | None = 1
    every: Positive | None = None

    def fits(self, operation: str, table: str, about: str) -> bool:
        """Return whether such a request is counted."""
        return (
            fnmatchcase(operation, self.operation) and fnmatchcase(table, self.table) and fnmatchcase(about, self.about)
        )

    def strikes(self, number: int) -> bool:
        """Return whether it strikes the request of that number, from 1, among those that fit."""
        place = number - self.first
        if place < 0:
            return False
        if self.every is not None:
            place %= self.every
        return self.times is None or place < self.times


class Chance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faults drawn from `seed`: `rates` has the share of requests that get a fault, by its word; see DRAWS."""

    seed: int
    rates: dict[str, Annotated[float, Meta(ge=0, le=1)]]

    def __post_init__(self) -> None:
        """Raise ValueError for a rate of no known fault."""
        if unknown := sorted(self.rates.keys() - DRAWS.keys()):
            raise ValueError(f"there is no fault {unknown[0]!r}; there are {', '.join(DRAWS)}")

    def draw(self, operation: str, about: str, number: int) -> Fault | None:
        """Return the fault of the `number`-th such request about this: the same for the same seed, if there is one."""
        for word, (is_of_posts, draw) in DRAWS.items():
            chance = random.Random(f"{self.seed}/{operation}/{about}/{number}/{word}")  # noqa: S311 - to be repeated
            if is_of_posts is (operation == POST) and chance.random() < self.rates.get(word, 0.0):
                return draw(chance)
        return None


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests get which faults: the first rule that strikes, else what chance gives."""

    rules: tuple[Rule, ...] = ()
    chance: Chance | None = None

    @classmethod
    def parse(cls, content: bytes | str) -> "Plan":
        """Return the plan that `content` writes in JSON. Raises ValueError (msgspec's)."""
        return msgspec.json.decode(content, type=cls)


NO_FAULTS = Plan()

DRAWS: dict[str, tuple[bool, Callable[[random.Random], Fault]]] = {
    "throttled": (
        False,
        lambda chance: Throttled(
            code=chance.choice(
                ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
            )
        ),
    ),
    "failed": (False, lambda chance: Failed(status=chance.choice((500, 502, 503, 504)))),
    "hangs": (False, lambda _: Hangs()),
    "cut": (False, lambda chance: Cut(at=chance.choice(("request", "done", "answer")))),
    "post_gone": (True, lambda _: Gone()),
    "post_limited": (True, lambda _: Limited()),
    "post_forbidden": (True, lambda _: Forbidden()),
    "post_failed": (True, lambda chance: Failed(status=chance.choice((500, 502, 503, 504)))),
    "post_hangs": (True, lambda _: Hangs()),
}
"""By its word: whether it is one of posts, and how chance makes it."""


def kind(fault: Fault) -> str:
    """Return the fault's word, as JSON writes it."""
    return str(fault.__struct_config__.tag)
