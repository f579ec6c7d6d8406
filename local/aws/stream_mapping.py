"""How Lambda brings one shard's records to a function: batches, order, retries, giving up.

Records are read in order, filtered, and dealt to lanes by the hash of their partition key. A lane has one batch with
the function at a time, so records of one key keep their order while lanes run side by side. A batch that fails comes
again, in halves or from the record that failed, until it succeeds, its retries are used up or its records are too old.

No socket, clock or thread: records, answers and `now` in; invocations and records given up out.
Sources: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB", "Configuring partial batch response",
"Retain discarded records" ("Splitting batches doesn't consume the retry quota").
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from local.aws.event_source_mapping import EventSourceMapping
from local.aws.stream_record import StreamRecord

BATCH_LIMIT_BYTES = 6 * 1024 * 1024  # what an invocation may carry
BACKLOG_LIMIT = 10_000  # records read and not yet settled, in all lanes; reading pauses beyond
FIRST_RETRY_S = 0.5  # AWS backs off between retries and does not say how
LONGEST_RETRY_S = 10.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The function returned `payload`, decoded from JSON."""

    payload: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, timed out or died: `X-Amz-Function-Error` was set."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """The invocation did not get to the function: throttled, or the service was away. Costs no retry."""


Answer: TypeAlias = Answered | Failed | Unreached


@dataclass(frozen=True, slots=True)
class Invoke:
    """Invoke the function with `records`, in this order; answer under `invocation`."""

    invocation: int
    records: tuple[StreamRecord, ...]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Tell the failure destination that `records` will not be delivered."""

    records: tuple[StreamRecord, ...]
    condition: Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
    invocations: int
    function_error: bool


Effect: TypeAlias = Invoke | GiveUp


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go to the function together.

    `retries` have been used up of the mapping's; `invocations` counts all deliveries of these records so far.
    """

    records: tuple[StreamRecord, ...]
    retries: int = 0
    invocations: int = 0
    unreached: int = 0
    not_before: float = 0.0
    function_error: bool = False


class Lane:
    """The records of the keys that hash here, oldest first, and the one batch that is with the function."""

    def __init__(self) -> None:
        self.fresh: deque[StreamRecord] = deque()
        self.fresh_since = 0.0
        self.again: deque[Batch] = deque()
        self.out: tuple[int, Batch] | None = None

    def __len__(self) -> int:
        """Return how many records are not settled."""
        batches = [*self.again, self.out[1]] if self.out else list(self.again)
        return len(self.fresh) + sum(len(batch.records) for batch in batches)


class ShardMapping:
    """What one mapping does with one shard. Times are seconds since the epoch, as in the records."""

    def __init__(self, mapping: EventSourceMapping) -> None:
        self._mapping = mapping
        self._lanes = [Lane() for _ in range(mapping.lanes)]
        self._invocations = 0

    @property
    def room(self) -> int:
        """How many records may be read now."""
        return max(0, BACKLOG_LIMIT - sum(len(lane) for lane in self._lanes))

    @property
    def settled(self) -> bool:
        """True when every record read so far has been delivered or given up."""
        return all(len(lane) == 0 for lane in self._lanes)

    @property
    def wakes_at(self) -> float | None:
        """When `proceed` has something to do with no event before it; None if it only waits for events."""
        times = [time for lane in self._lanes if (time := self._lane_wakes_at(lane)) is not None]
        return min(times, default=None)

    def read(self, records: Sequence[StreamRecord], *, now: float) -> list[Effect]:
        """Take the shard's next records, in their order."""
        for record in records:
            if self._mapping.passes_on(record.event):
                lane = self._lanes[zlib.crc32(record.key.encode()) % len(self._lanes)]
                if not lane.fresh:
                    lane.fresh_since = now
                lane.fresh.append(record)
        return self.proceed(now=now)

    def answered(self, invocation: int, answer: Answer, *, now: float) -> list[Effect]:
        """Take the answer to an invocation. Raises KeyError if no batch is out under that number."""
        for lane in self._lanes:
            if lane.out is not None and lane.out[0] == invocation:
                _, batch = lane.out
                lane.out = None
                given_up = self._settle(lane, batch, answer, now)
                return [*given_up, *self._proceed(lane, now)]
        raise KeyError(invocation)

    def proceed(self, *, now: float) -> list[Effect]:
        """Do what has become due by `now`."""
        return [effect for lane in self._lanes for effect in self._proceed(lane, now)]

    def _proceed(self, lane: Lane, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while lane.out is None and (batch := self._next(lane, now)) is not None:
            live = _younger(batch.records, now - self._mapping.record_age_s)
            if old := batch.records[: len(batch.records) - len(live)]:
                effects.append(GiveUp(old, "RecordAgeExceeded", batch.invocations, batch.function_error))
            if live:
                self._invocations += 1
                lane.out = self._invocations, replace(batch, records=live, invocations=batch.invocations + 1)
                effects.append(Invoke(self._invocations, live))
        return effects

    def _next(self, lane: Lane, now: float) -> Batch | None:
        if lane.again:
            return lane.again.popleft() if now >= lane.again[0].not_before else None
        due = lane.fresh_since + self._mapping.window_s
        if not lane.fresh or (now < due and not self._is_full(lane)):
            return None
        taken: list[StreamRecord] = []
        size_bytes = 0
        while lane.fresh and len(taken) < self._mapping.batch_size:
            size_bytes += lane.fresh[0].size_bytes
            if taken and size_bytes > BATCH_LIMIT_BYTES:
                break
            taken.append(lane.fresh.popleft())
        lane.fresh_since = now
        return Batch(tuple(taken))

    def _is_full(self, lane: Lane) -> bool:
        if len(lane.fresh) >= self._mapping.batch_size:
            return True
        return sum(record.size_bytes for record in lane.fresh) >= BATCH_LIMIT_BYTES

    def _lane_wakes_at(self, lane: Lane) -> float | None:
        if lane.out is not None:
            return None
        if lane.again:
            return lane.again[0].not_before
        return lane.fresh_since + self._mapping.window_s if lane.fresh else None

    def _settle(self, lane: Lane, batch: Batch, answer: Answer, now: float) -> list[Effect]:
        match answer:
            case Unreached():
                wait_s = _backoff_s(batch.unreached)
                lane.again.appendleft(replace(batch, unreached=batch.unreached + 1, not_before=now + wait_s))
                return []
            case Failed():
                return self._fail(lane, replace(batch, function_error=True), now)
            case Answered(payload):
                failed = first_failed(payload, batch.records) if self._mapping.partial_answers else None
                if failed is None:
                    return []
                batch = replace(batch, function_error=False)
                if failed == 0 and self._mapping.first_failed == "halve":
                    return self._fail(lane, batch, now)
                remaining = replace(batch, records=batch.records[failed:])
                if failed and self._mapping.bisect:
                    lane.again.appendleft(replace(remaining, not_before=now))
                    return []
                return self._retry(lane, remaining, now)

    def _fail(self, lane: Lane, batch: Batch, now: float) -> list[Effect]:
        middle = len(batch.records) // 2
        if not self._mapping.bisect or not middle:
            return self._retry(lane, batch, now)
        lane.again.appendleft(replace(batch, records=batch.records[middle:], not_before=now))
        lane.again.appendleft(replace(batch, records=batch.records[:middle], not_before=now))
        return []

    def _retry(self, lane: Lane, batch: Batch, now: float) -> list[Effect]:
        if self._mapping.retries is not None and batch.retries >= self._mapping.retries:
            return [GiveUp(batch.records, "RetryAttemptsExhausted", batch.invocations, batch.function_error)]
        wait_s = _backoff_s(batch.retries)
        lane.again.appendleft(replace(batch, retries=batch.retries + 1, not_before=now + wait_s))
        return []


def first_failed(payload: Any, records: Sequence[StreamRecord]) -> int | None:
    """Return the index of the first record that a partial answer calls failed, or None if all went well.

    An empty or missing list is success. An identifier that is empty, of the wrong name or of no record of the batch
    fails the batch from its first record.
    """
    if not isinstance(payload, Mapping):
        return None
    failures = payload.get("batchItemFailures")
    if not failures:
        return None
    positions = {record.sequence_number: index for index, record in enumerate(records)}
    named = [failure.get("itemIdentifier") if isinstance(failure, Mapping) else None for failure in failures]
    return min(positions.get(name, 0) if isinstance(name, str) else 0 for name in named)


def _younger(records: tuple[StreamRecord, ...], oldest: float) -> tuple[StreamRecord, ...]:
    """Drop the records at the front that were made before `oldest`."""
    for index, record in enumerate(records):
        if record.created_at >= oldest:
            return records[index:]
    return ()


def _backoff_s(retries: int) -> float:
    return min(FIRST_RETRY_S * 2.0 ** min(retries, 16), LONGEST_RETRY_S)
