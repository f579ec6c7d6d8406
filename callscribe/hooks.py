"""Hooks: code of a customer's that is asked while a call goes on, and may answer with a card for those who follow it.

    pk = TENANT#<tenant>
    sk = HOOK#<name>    name, tenant, target, secret, deadline_ms, created_at

In the table of webhooks (`callscribe.webhooks`). A number's settings say which of them are asked about what, by name:
where they are, and what they are signed with, stands in no log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from callscribe.after_call import Card
from callscribe.decoding import NO_MESSAGE
from callscribe.errors import MalformedMessage, Refused
from callscribe.log import Steps
from callscribe.requests import Conflict, Item
from callscribe.settings import HookSettings
from callscribe.table import Table, key, number, when
from callscribe.webhook_signature import new_secret
from callscribe.webhooks import is_address

# The functions that may be asked, by the role that asks.
FUNCTION_PREFIX = "callscribe-hook-"
DEADLINES_MS = (100, 10_000)
DEFAULT_DEADLINE_MS = 1500
# What a card may hold, in characters; who shows them has little room.
TITLE, TEXT, LINK = 200, 4000, 2000

Kind = Literal["utterance", "partial"]


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a tenant's code is, what it is signed with, and how long an answer is waited for."""

    name: str
    tenant: str
    target: str = field(repr=False)  # an address, which may hold a key, or the name of a function
    secret: str = field(repr=False, default="")  # of an address; a function is invoked under a role
    deadline_ms: int = DEFAULT_DEADLINE_MS
    created_at: str = ""

    @property
    def is_function(self) -> bool:
        """Whether it is a function of the same account and region."""
        return self.target.startswith(FUNCTION_PREFIX)


def new_hook(tenant: str, name: str, target: str, *, deadline_ms: int, at: str) -> Hook:
    """Return a hook, with a secret of its own if it is an address. Raises Refused, saying what may be."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise Refused("a hook's name is 1 to 63 lower-case letters, digits and hyphens")
    if not DEADLINES_MS[0] <= deadline_ms <= DEADLINES_MS[1]:
        raise Refused("a hook's deadline is {} to {} ms".format(*DEADLINES_MS))
    is_function = re.fullmatch(FUNCTION_PREFIX + r"[A-Za-z0-9_-]{1,48}", target) is not None
    if not is_function and not is_address(target):
        raise Refused(f"a hook is an address like https://assist.example.com/ or a function named {FUNCTION_PREFIX}…")
    return Hook(name, tenant, target, "" if is_function else new_secret(), deadline_ms, at)


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks in `table`."""

    table: str

    def put(self, hook: Hook) -> Steps[None]:
        """Keep a hook, in place of one of its name."""
        item = {
            **_key(hook.tenant, hook.name),
            "name": {"S": hook.name},
            "tenant": {"S": hook.tenant},
            "target": {"S": hook.target},
            "secret": {"S": hook.secret},
            "deadline_ms": number(hook.deadline_ms),
            "created_at": {"S": hook.created_at},
        }
        yield Table(self.table).put(item)

    def find(self, tenant: str, name: str) -> Steps[Hook | None]:
        """Return a tenant's hook; None if there is none of that name."""
        answer = yield Table(self.table).get(_key(tenant, name))
        item: Item | None = answer.get("Item")
        return None if item is None else _of(item)

    def of_tenant(self, tenant: str) -> Steps[list[Hook]]:
        """Return a tenant's hooks."""
        items = yield from Table(self.table).of_partition(f"TENANT#{tenant}", begins="HOOK#")
        return [_of(item) for item in items]

    def remove(self, tenant: str, name: str) -> Steps[bool]:
        """Forget a hook; return whether there was one."""
        answer = yield Table(self.table).delete(_key(tenant, name), when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a hook is asked about: what a party said, or is saying (a partial), and when that was known.

    The next partial, or the utterance, of the same `id` replaces a partial. Times in the call are ms of media time.
    """

    hook: str
    kind: Kind
    call_id: str
    tenant: str
    leg: str
    party: str
    id: str
    text: str
    start_ms: int
    end_ms: int
    at_ms: int  # since 1970


class _Answer(msgspec.Struct, frozen=True):
    title: Annotated[str, msgspec.Meta(max_length=TITLE)]
    text: Annotated[str, msgspec.Meta(max_length=TEXT)] = ""
    link: Annotated[str, msgspec.Meta(max_length=LINK)] | None = None


_said = msgspec.json.Decoder(Said)
_answer = msgspec.json.Decoder(_Answer | None)


def decode_said(body: bytes) -> Said:
    """Return what is asked about. Raises MalformedMessage."""
    try:
        return _said.decode(body)
    except NO_MESSAGE as error:
        raise MalformedMessage(f"said: {error}", kind="said") from error


def card(said: Said, answer: bytes) -> Card | None:
    """Return the card that a hook answers with; None for `null` or nothing, which is an answer too.

    Raises MalformedMessage for what is neither, or is too long to be shown.
    """
    if not answer.strip():
        return None
    try:
        given = _answer.decode(answer)
    except NO_MESSAGE as error:
        raise MalformedMessage(f"card: {error}", kind="card") from error
    if given is None:
        return None
    if not given.title.strip():
        raise MalformedMessage("card: it has no title", kind="card")
    if given.link is not None and not (given.link.startswith("https://") and is_address(given.link)):
        raise MalformedMessage("card: its link is no https address", kind="card")
    return Card(hook=said.hook, utterance=said.id, title=given.title, text=given.text, link=given.link)


def wanted(settings: Iterable[HookSettings], kind: Kind, party: str) -> Iterator[str]:
    """Yield the names of the hooks that are asked about what `party` says."""
    return (each.name for each in settings if each.on == kind and (not each.parties or party in each.parties))


def _key(tenant: str, name: str) -> Item:
    return key(f"TENANT#{tenant}", f"HOOK#{name}")


def _of(item: Item) -> Hook:
    return Hook(
        name=item["name"]["S"],
        tenant=item["tenant"]["S"],
        target=item["target"]["S"],
        secret=item["secret"]["S"],
        deadline_ms=int(item["deadline_ms"]["N"]),
        created_at=item["created_at"]["S"],
    )
