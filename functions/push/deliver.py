"""Delivers a batch of entries: to each subscriber in order, to all subscribers independently.

A subscriber who can't be posted to is marked as behind, and served from the log by `subscribe` at its next message; the
others neither wait for it again nor get anything twice. Until then it is tried now and then, without patience: what
comes through shows it that it lacks something.

What Lambda is told to bring back, it brings back with all that follows, for everyone, who drop it by its number. Hence
that is left to the case that DynamoDB can't say who follows a call, or keep who is behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from callscribe.entries import Entry
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.messages import TOLD_TENANT, Message, call_message_of, frames, message_of
from callscribe.subscriptions import Behind, Subscription
from functions.stream_records import Batch, Written

PATIENCE_S = 2.0  # for one frame and subscriber
REST_S = 5  # who could not be posted to is left alone for so long


class Services(Protocol):
    """What a delivery needs of the world."""

    def followers(self, call_id: str) -> Iterable[Subscription]:
        """Return the live subscriptions to a call. Raises Unavailable."""

    def watchers(self, tenant: str) -> Iterable[Subscription]:
        """Return the live subscriptions to all calls of a tenant. Raises Unavailable."""

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
        """Send `frame`, trying again for so long. Raises SubscriberGone, Unavailable, Refused."""

    def forget(self, subscription: Subscription) -> None:
        """Remove a subscription. Raises Unavailable."""

    def fall_behind(self, subscription: Subscription, behind: Behind) -> None:
        """Mark a subscription. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a batch."""

    failed: Written | None = None  # the earliest entry that someone lacks without being known to
    posts: int = 0
    gone: int = 0  # subscriptions of closed connections
    behind: int = 0  # subscriptions that were not served
    refused: int = 0  # frames too long for any connection

    def and_then(self, other: Delivered) -> Delivered:
        """Return both together."""
        failed = [each.failed for each in (self, other) if each.failed is not None]
        return Delivered(
            failed=min(failed, key=lambda written: written.position) if failed else None,
            posts=self.posts + other.posts,
            gone=self.gone + other.gone,
            behind=self.behind + other.behind,
            refused=self.refused + other.refused,
        )


class _Due(NamedTuple):
    """Entries, who is to have them, and as what."""

    written: list[Written]
    find: Callable[[], Iterable[Subscription]]
    told: Callable[[Entry], Message]


def deliver(batch: Batch, services: Services, *, workers: Executor, now_s: float) -> Delivered:
    """Post every entry of `batch` to the live followers of its call who are of its tenant.

    What begins and ends a call goes to the tenant's watchers as well. `workers` runs one delivery a subscriber, so
    that a slow one is waited for by nobody but the end of the batch. `now_s` is in seconds since 1970.
    """
    total = Delivered()
    running = []
    due: list[_Due] = [
        _Due(written, partial(services.followers, call_id), message_of) for call_id, written in batch.calls.items()
    ]
    due += [
        _Due(written, partial(services.watchers, tenant), call_message_of) for tenant, written in _told(batch).items()
    ]
    for written, find, told in due:
        try:
            subscriptions = find()
        except Unavailable:
            total = total.and_then(Delivered(failed=written[0]))
            continue
        for subscription in subscriptions:
            own = [each for each in written if each.entry.tenant == subscription.tenant]
            if subscription.behind is not None and now_s < subscription.behind.again_at:
                total = total.and_then(Delivered(behind=1))
            else:
                running.append(workers.submit(_deliver_to, subscription, own, told, services, now_s))
    for each in running:
        total = total.and_then(each.result())
    return total


def _told(batch: Batch) -> dict[str, list[Written]]:
    """Return what a tenant's watchers are told, in the order of the stream."""
    told: dict[str, list[Written]] = {}
    for each in sorted((each for written in batch.calls.values() for each in written), key=lambda each: each.position):
        if each.entry.kind in TOLD_TENANT:
            told.setdefault(each.entry.tenant, []).append(each)
    return told


def _deliver_to(
    subscription: Subscription,
    written: list[Written],
    told: Callable[[Entry], Message],
    services: Services,
    now_s: float,
) -> Delivered:
    patience_s = PATIENCE_S if subscription.behind is None else 0.0
    done = posts = refused = 0
    for frame in frames(told(each.entry) for each in written):
        try:
            services.post(subscription.connection_id, frame, patience_s=patience_s)
            posts += 1
        except SubscriberGone:
            _forget(subscription, services)
            return Delivered(posts=posts, gone=1, refused=refused)
        except Unavailable:
            failed = _fall_behind(subscription, written[done], services, now_s)
            return Delivered(posts=posts, refused=refused, behind=1, failed=failed)
        except Refused:
            refused += 1
        done += frame.count(b"\n") + 1  # a message is a line
    return Delivered(posts=posts, refused=refused)


def _fall_behind(subscription: Subscription, lacking: Written, services: Services, now_s: float) -> Written | None:
    """Mark `subscription`, which lacks `lacking` and what follows; return it where that can't be kept."""
    try:
        services.fall_behind(subscription, Behind(lacking.entry.seq - 1, int(now_s) + REST_S))
    except Unavailable:
        return lacking
    return None


def _forget(subscription: Subscription, services: Services) -> None:
    try:
        services.forget(subscription)
    except Unavailable:
        # The next entry finds the connection gone as well, and at the latest the subscription expires.
        return
