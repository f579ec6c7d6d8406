"""The table Sessions: which bridge task is alive, and which Gladia session hears which call.

As in `callscribe.log`, nothing here talks to DynamoDB: each operation yields `Request`s and is sent the answers.

    pk = TASKS           sk = TASK#<task>        heartbeat_ms, leaving
    pk = CALL#<call_id>  sk = LANE#<lane>        a LaneRecord; claimed_by, accepted, released, parts …
                         sk = PART#<lane>#<task>#<n>   audio that the task left behind
                         sk = ASKED              who asked the carrier for another media stream, and when

The index `by-owner` (partition owner, sort pk) has the lanes of a task; nothing else has an owner. `expires_at` is the
table's TTL, in seconds since 1970. A lane belongs to one task at a time: its owner is the condition of every write, so
a task that was taken for dead finds out at its next one. Slots are in `callscribe.slots`.
"""

from __future__ import annotations

from dataclasses import dataclass

from callscribe.lane_record import LaneRecord, lane_attributes, lane_key, lane_record
from callscribe.log import Steps, partition
from callscribe.requests import Conflict, Item
from callscribe.table import Condition, Table, every_item, key, number, when

BY_OWNER = "by-owner"
# Three beats of two seconds: a task that missed them has died, or can't reach DynamoDB and so can't keep its calls.
STALE_MS = 6_000
PART_BYTES = 350 * 1024  # an item holds 400 KB, its names included
HOUR_S = 3600
DAY_S = 24 * HOUR_S  # since a lane was last kept; no session is that long

_TASKS = "TASKS"


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the bridge, as its last heartbeat told."""

    id: str
    heartbeat_ms: int  # POSIX
    leaving: bool  # it takes no more calls, and hands over those it has

    def is_stale(self, *, now_ms: int) -> bool:
        """Whether its calls need another task."""
        return now_ms - self.heartbeat_ms > STALE_MS


@dataclass(frozen=True, slots=True)
class Sessions:
    """The live sessions of all calls, and the tasks that have them."""

    table: str

    def beat(self, task: str, *, now_ms: int, leaving: bool) -> Steps[None]:
        """Say that `task` is alive. One that comes late is corrected by the next."""
        told: Item = {
            "heartbeat_ms": number(now_ms),
            "leaving": {"BOOL": leaving},
            "expires_at": number(now_ms // 1000 + HOUR_S),
        }
        yield self._table.put(_task_key(task) | told)

    def tasks(self) -> Steps[list[Task]]:
        """Return all tasks that told of themselves in the last hour or more, the dead included."""
        items = yield from self._table.of_partition(_TASKS, begins="TASK#")
        return [
            Task(item["sk"]["S"].removeprefix("TASK#"), int(item["heartbeat_ms"]["N"]), item["leaving"]["BOOL"])
            for item in items
        ]

    def forget_task(self, task: str) -> Steps[None]:
        """Forget that there was such a task: nobody will look for lanes that it left."""
        yield self._table.delete(_task_key(task))

    def keep(self, record: LaneRecord) -> Steps[bool]:
        """Write how far `record.owner` is with a lane; return whether the lane is still its own, and not let go.

        A repeated one changes nothing, and one that arrives late never replaces what is newer by `at_ms`. What an
        earlier owner left beside the record no longer counts: who keeps a lane has it in hand. Nor does a claim: who
        still means it claims again, and who has given up does not.
        """
        answer = yield self._table.update(
            lane_key(record.call_id, record.lane),
            lane_attributes(record) | {"expires_at": _expiry(record)},
            when(
                "attribute_not_exists(pk) OR (#owner = :me AND attribute_not_exists(released) AND at_ms <= :at)",
                names={"#owner": "owner"},
                me={"S": record.owner},
                at=number(record.at_ms),
            ),
            remove=("parts", "claimed_by"),
        )
        if not isinstance(answer, Conflict):
            return True
        return _owner(answer.item) == record.owner and "released" not in answer.item

    def find(self, call_id: str) -> Steps[list[LaneRecord]]:
        """Return the lanes of a call, as the last writer left them. Raises MalformedMessage."""
        items = yield from self._table.of_partition(partition(call_id), begins="LANE#")
        return [lane_record(item) for item in items]

    def of_task(self, task: str) -> Steps[list[LaneRecord]]:
        """Return the lanes that `task` owns; a change of the last second may be missing. Raises MalformedMessage."""
        items = yield from every_item(
            {
                "TableName": self.table,
                "IndexName": BY_OWNER,
                "KeyConditionExpression": "#owner = :owner",
                "ExpressionAttributeNames": {"#owner": "owner"},
                "ExpressionAttributeValues": {":owner": {"S": task}},
            }
        )
        return [lane_record(item) for item in items]

    def claim(self, record: LaneRecord, by: str) -> Steps[bool]:
        """Tell the owner of a lane that the task `by` has its call's media stream now.

        Return False if another claims it, or the owner has changed since `record` was read. May be repeated.
        """
        answer = yield self._table.update(
            lane_key(record.call_id, record.lane),
            {"claimed_by": {"S": by}},
            when(
                "#owner = :owner AND (attribute_not_exists(claimed_by) OR claimed_by = :by)",
                names={"#owner": "owner"},
                owner={"S": record.owner},
                by={"S": by},
            ),
        )
        return not isinstance(answer, Conflict)

    def withdraw(self, record: LaneRecord, by: str) -> Steps[bool]:
        """Want a lane no more; return False if its owner has accepted the claim, or is another by now.

        Either this or `accept` succeeds, so that nobody hands a lane to somebody who has gone. May be repeated.
        """
        answer = yield self._table.update(
            lane_key(record.call_id, record.lane),
            {"withdrawn_by": {"S": by}},
            when(
                "#owner = :owner AND attribute_not_exists(accepted) AND "
                "(attribute_not_exists(claimed_by) OR claimed_by = :by)",
                names={"#owner": "owner"},
                owner={"S": record.owner},
                by={"S": by},
            ),
            remove=("claimed_by",),
        )
        return not isinstance(answer, Conflict)

    def accept(self, call_id: str, lane: str, *, owner: str) -> Steps[bool]:
        """Promise a lane to who claims it; return False if nobody does, or it isn't `owner`'s. May be repeated."""
        answer = yield self._table.update(
            lane_key(call_id, lane),
            {"accepted": {"BOOL": True}},
            when(
                "#owner = :owner AND attribute_exists(claimed_by)",
                names={"#owner": "owner"},
                owner={"S": owner},
            ),
        )
        return not isinstance(answer, Conflict)

    def claimant(self, call_id: str, lane: str) -> Steps[str | None]:
        """Return the task that claims a lane, None if nobody does."""
        answer = yield self._table.get(lane_key(call_id, lane))
        claimed_by: str | None = answer.get("Item", {}).get("claimed_by", {}).get("S")
        return claimed_by

    def release(self, record: LaneRecord, *, audio: bytes, tail: bytes) -> Steps[bool]:
        """Let go of a lane; return whether that succeeded, that is False if another task took it before.

        `audio` is what Gladia hasn't acknowledged, `tail` the last of what was heard before. Both are there before the
        record says so. A repeated one writes the same again, or finds that somebody took what it wrote: True as well.
        """
        both = audio + tail
        count = -(-len(both) // PART_BYTES)
        for place in range(count):
            piece = both[place * PART_BYTES : (place + 1) * PART_BYTES]
            part: Item = {"piece": {"B": piece}, "expires_at": number(record.at_ms // 1000 + HOUR_S)}
            yield self._table.put(_part_key(record.call_id, record.lane, record.owner, place) | part)
        left: Item = {
            "released": {"BOOL": True},
            "parts": number(count),
            "parts_of": {"S": record.owner},
            "audio_bytes": number(len(audio)),
            "expires_at": _expiry(record),
        }
        answer = yield self._table.update(
            lane_key(record.call_id, record.lane), lane_attributes(record) | left, _is_or_was_never(record.owner)
        )
        if not isinstance(answer, Conflict):
            return True
        return bool(answer.item.get("parts_of", {}).get("S") == record.owner)

    def take(self, record: LaneRecord, *, task: str) -> Steps[tuple[LaneRecord, bytes, bytes] | None]:
        """Make `task` the owner of a lane; return its newest record with the audio and tail that were left.

        None if the owner has changed since `record` was read, unless it is `task`: repeated after a lost answer, it
        returns the same again. So it does for the next task if this one dies before its first `keep`. Both are empty
        if the owner let go of nothing, because it died. The parts stay until `forget`, or for an hour.
        """
        answer = yield self._table.update(
            lane_key(record.call_id, record.lane),
            {"owner": {"S": task}},
            when("#owner = :owner", owner={"S": record.owner}),
            remove=("released", "claimed_by", "accepted"),
        )
        item: Item = answer.item if isinstance(answer, Conflict) else answer["Attributes"]
        if _owner(item) != task:
            return None
        audio, tail = yield from self._left(record.call_id, record.lane, item)
        return lane_record(item), audio, tail

    def forget(self, call_id: str, lane: str, *, owner: str) -> Steps[None]:
        """Forget a lane and all audio left beside it, unless it is another's by now. May be repeated."""
        answer = yield self._table.delete(lane_key(call_id, lane), _is_or_was_never(owner))
        if isinstance(answer, Conflict):
            return
        for item in (yield from self._table.of_partition(partition(call_id), begins=f"PART#{lane}#")):
            yield self._table.delete({"pk": item["pk"], "sk": item["sk"]})

    def ask(self, call_id: str, *, by: str, now_ms: int, again_after_ms: int) -> Steps[bool]:
        """Return whether `by` may ask the carrier for a new media stream of a call.

        True for one asker within `again_after_ms`; for the same `by` and `now_ms` again, however often it is repeated.
        """
        asked: Item = {"asked_ms": number(now_ms), "asked_by": {"S": by}}
        answer = yield self._table.update(
            key(partition(call_id), "ASKED"),
            asked | {"expires_at": number(now_ms // 1000 + HOUR_S)},
            when("attribute_not_exists(pk) OR asked_ms <= :before", before=number(now_ms - again_after_ms)),
        )
        if not isinstance(answer, Conflict):
            return True
        return all(answer.item.get(name) == value for name, value in asked.items())

    @property
    def _table(self) -> Table:
        return Table(self.table)

    def _left(self, call_id: str, lane: str, item: Item) -> Steps[tuple[bytes, bytes]]:
        if "parts" not in item:
            return b"", b""
        by = item["parts_of"]["S"]
        found = yield from self._table.of_partition(partition(call_id), begins=f"PART#{lane}#{by}#")
        pieces = {each["sk"]["S"]: bytes(each["piece"]["B"]) for each in found}
        places = range(int(item["parts"]["N"]))
        wanted = [_part_key(call_id, lane, by, place)["sk"]["S"] for place in places]
        if not pieces.keys() >= set(wanted):
            return b"", b""  # left more than an hour ago; the rest alone would shift every position
        both = b"".join(pieces[sk] for sk in wanted)
        end = int(item["audio_bytes"]["N"])
        return both[:end], both[end:]


def _is_or_was_never(owner: str) -> Condition:
    return when("attribute_not_exists(pk) OR #owner = :me", names={"#owner": "owner"}, me={"S": owner})


def _task_key(task: str) -> Item:
    return key(_TASKS, f"TASK#{task}")


def _part_key(call_id: str, lane: str, task: str, place: int) -> Item:
    return key(partition(call_id), f"PART#{lane}#{task}#{place:04d}")


def _owner(item: Item) -> str | None:
    owner: str | None = item.get("owner", {}).get("S")
    return owner


def _expiry(record: LaneRecord) -> dict[str, str]:
    return number(record.at_ms // 1000 + DAY_S)
