"""Whose turn it is when Gladia's plan has no session left: the rule, from values to an order.

A free slot goes to the waiting tenant that holds the fewest, and of its calls to the one that waits longest; between
tenants that hold equally many, to the one that waits longest of all. Who comes anew stands where this puts it: it does
not overtake a call of its own tenant, nor one of a tenant that holds no more.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiter:
    """Something that waits for a slot, since POSIX milliseconds."""

    holder: str
    tenant: str
    since_ms: int


def turns(waiting: Iterable[Waiter], held: Mapping[str, int]) -> list[Waiter]:
    """Return all who are `waiting` in the order in which they get the slots that become free.

    `held` is how many slots each tenant has; one that isn't in it has none. Each turn counts for those after it.
    """
    lines: dict[str, deque[Waiter]] = defaultdict(deque)  # by tenant, the oldest first
    for waiter in sorted(waiting, key=_age):
        lines[waiter.tenant].append(waiter)
    tenants = [(held.get(tenant, 0), _age(line[0]), tenant) for tenant, line in lines.items()]
    heapq.heapify(tenants)
    order: list[Waiter] = []
    while tenants:
        holds, _, tenant = tenants[0]
        line = lines[tenant]
        order.append(line.popleft())
        if line:
            heapq.heapreplace(tenants, (holds + 1, _age(line[0]), tenant))
        else:
            heapq.heappop(tenants)
    return order


def _age(waiter: Waiter) -> tuple[int, str]:
    return waiter.since_ms, waiter.holder  # who began in the same millisecond still has an order, the same for all
