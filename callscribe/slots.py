"""The slots of Gladia's plan: as many live sessions as it allows at once, leased to lanes in the table Sessions.

    pk = SLOTS   sk = SLOT#<number>               holder, tenant, task, at_ms
                 sk = WAIT#<since_ms>#<holder>    holder, tenant, at_ms, expires_at

A slot is one item, taken by a put on the condition that it is as it was read, so that no race gives it twice. Its
lease is the heartbeat of its holder's task: there is nothing to renew, and nothing that a crash could leak. Whoever
waits says so at each call of `acquire`, and is forgotten when it stops. Whose turn it is: `callscribe.governor`.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from callscribe.governor import Waiter, turns
from callscribe.log import Steps
from callscribe.requests import Conflict, Item, Request
from callscribe.sessions import HOUR_S, STALE_MS, Sessions
from callscribe.table import Condition, Table, key, number, when

# Gladia counts a session that nobody feeds any more for about 30 s, so a dead task's slot is worth nothing before;
# until then whoever takes over the session finds the slot as well.
UNFED_MS = 30_000
WAIT_AGAIN_MS = 2_000  # who waits says so again once that is so old; it is forgotten after STALE_MS

_SLOTS = "SLOTS"


@dataclass(frozen=True, slots=True)
class Granted:
    """The slot of that number is the holder's."""

    number: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """No slot yet: `ahead` others have their turn before, and `taken` slots are held."""

    ahead: int
    taken: int


Answer: TypeAlias = Granted | Waiting


@dataclass(frozen=True, slots=True)
class Standing:
    """How many slots are held and may be taken, and how many wait for one."""

    taken: int
    free: int
    waiting: int


@dataclass(frozen=True, slots=True)
class _Slot:
    number: int
    holder: str
    tenant: str
    task: str
    at_ms: int


@dataclass(slots=True)
class _Hall:
    """All slots and all who wait, as they were read."""

    held: list[_Slot] = field(default_factory=list)
    void: dict[int, _Slot] = field(default_factory=dict)  # of tasks that are dead
    waiting: list[tuple[Waiter, int]] = field(default_factory=list)  # with when it last said so

    def of(self, holder: str) -> _Slot | None:
        """Return the slot of `holder`, even one whose task is dead."""
        return next((slot for slot in (*self.held, *self.void.values()) if slot.holder == holder), None)

    def free(self, limit: int) -> list[int]:
        """Return the numbers that may be taken; none while a limit that was higher is still used up."""
        numbers = {slot.number for slot in self.held}
        return [each for each in range(limit) if each not in numbers][: max(0, limit - len(self.held))]

    def ahead_of(self, me: Waiter) -> int:
        """Return how many who wait have their turn before `me`."""
        holders = {slot.holder for slot in self.held} | {me.holder}
        others = [waiter for waiter, _ in self.waiting if waiter.holder not in holders]
        return turns([*others, me], Counter(slot.tenant for slot in self.held)).index(me)


@dataclass(frozen=True, slots=True)
class Slots:
    """The plan's slots; `limit` is how many there are."""

    table: str
    limit: int

    def acquire(
        self, holder: str, *, tenant: str, task: str, now_ms: int, waiting_since_ms: int | None
    ) -> Steps[Answer]:
        """Take a slot for `holder` if one is free and it is its turn; else wait in line.

        While it answers Waiting, call it again within `STALE_MS`, with the time of the first call as
        `waiting_since_ms`. A holder that has a slot is granted that one, whichever task asks: so repeating this after
        a lost answer takes no second slot, and a session that changes tasks keeps its own.
        """
        me = Waiter(holder, tenant, now_ms if waiting_since_ms is None else waiting_since_ms)
        while True:
            hall = yield from self._read(now_ms)
            mine = hall.of(holder)
            if mine is not None and mine.task == task and mine.number not in hall.void:
                slot = mine
                break
            free = hall.free(self.limit)
            ahead = hall.ahead_of(me)
            if mine is None and ahead >= len(free):
                yield from self._wait(hall, me, now_ms)
                return Waiting(ahead, len(hall.held))
            wanted = mine.number if mine is not None else free[_spread(holder) % len(free)]
            slot = _Slot(wanted, holder, tenant, task, now_ms)
            answer = yield self._lease(slot, instead_of=mine or hall.void.get(wanted))
            if not isinstance(answer, Conflict):
                break
            if all(answer.item.get(name) == {"S": value} for name, value in (("holder", holder), ("task", task))):
                break  # the client lost an answer, and asked again by itself
        for waiter, _ in hall.waiting:
            if waiter.holder == holder:
                yield self._table.delete(_wait_key(waiter))
        return Granted(slot.number)

    def standing(self, *, now_ms: int) -> Steps[Standing]:
        """Return how the plan's slots stand; this is our own count, not Gladia's."""
        hall = yield from self._read(now_ms)
        return Standing(len(hall.held), len(hall.free(self.limit)), len(hall.waiting))

    def release(self, slot: int, holder: str, *, task: str) -> Steps[None]:
        """Give back a slot; nothing happens if it isn't that holder's or, its session having moved, not that task's."""
        yield self._table.delete(_slot_key(slot), _held_by(holder, task))

    def give_up(self, holder: str, since_ms: int, *, task: str) -> Steps[None]:
        """Stop waiting, and give back the slot that an answer may have told of that was lost. May be repeated."""
        yield self._table.delete(_wait_key(Waiter(holder, "", since_ms)))
        for item in (yield from self._table.of_partition(_SLOTS, begins="SLOT#")):
            if item["holder"]["S"] == holder:
                yield self._table.delete({"pk": item["pk"], "sk": item["sk"]}, _held_by(holder, task))

    def _read(self, now_ms: int) -> Steps[_Hall]:
        tasks = yield from Sessions(self.table).tasks()
        heartbeats = {task.id: task.heartbeat_ms for task in tasks}
        hall = _Hall()
        for item in (yield from self._table.of_partition(_SLOTS)):
            at_ms = int(item["at_ms"]["N"])
            kind, _, rest = item["sk"]["S"].partition("#")
            if kind == "WAIT":
                if now_ms - at_ms <= STALE_MS:
                    since_ms = int(rest.partition("#")[0])
                    hall.waiting.append((Waiter(item["holder"]["S"], item["tenant"]["S"], since_ms), at_ms))
                continue
            slot = _Slot(int(rest), item["holder"]["S"], item["tenant"]["S"], item["task"]["S"], at_ms)
            # A lease is a sign of life as well: the first heartbeat of its task may be on its way.
            if now_ms - max(at_ms, heartbeats.get(slot.task, 0)) > UNFED_MS:
                hall.void[slot.number] = slot
            else:
                hall.held.append(slot)
        return hall

    def _wait(self, hall: _Hall, me: Waiter, now_ms: int) -> Steps[None]:
        said_ms = next((at_ms for waiter, at_ms in hall.waiting if waiter == me), None)
        if said_ms is None or now_ms - said_ms >= WAIT_AGAIN_MS:
            told: Item = {
                "holder": {"S": me.holder},
                "tenant": {"S": me.tenant},
                "at_ms": number(now_ms),
                "expires_at": number(now_ms // 1000 + HOUR_S),
            }
            yield self._table.put(_wait_key(me) | told)

    def _lease(self, slot: _Slot, *, instead_of: _Slot | None) -> Request:
        item: Item = {
            "holder": {"S": slot.holder},
            "tenant": {"S": slot.tenant},
            "task": {"S": slot.task},
            "at_ms": number(slot.at_ms),
        }
        if instead_of is None:
            condition = when("attribute_not_exists(pk)")
        else:
            condition = when(
                "attribute_not_exists(pk) OR (holder = :holder AND task = :task AND at_ms = :at)",
                holder={"S": instead_of.holder},
                task={"S": instead_of.task},
                at=number(instead_of.at_ms),
            )
        return self._table.put(_slot_key(slot.number) | item, condition)

    @property
    def _table(self) -> Table:
        return Table(self.table)


def _held_by(holder: str, task: str) -> Condition:
    return when("holder = :holder AND task = :task", holder={"S": holder}, task={"S": task})


def _slot_key(slot: int) -> Item:
    return key(_SLOTS, f"SLOT#{slot:04d}")


def _wait_key(waiter: Waiter) -> Item:
    return key(_SLOTS, f"WAIT#{waiter.since_ms:013d}#{waiter.holder}")


def _spread(holder: str) -> int:
    return zlib.crc32(holder.encode())  # who comes at once reaches for different slots, and fewer conflict
