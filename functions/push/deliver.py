"""Delivers a batch of entries: to each subscriber in order, to all subscribers independently.

What Lambda is told to bring back, it brings back with all that follows, so subscribers who had it get it again and drop
it by its number. Hence a failure is reported once, at the earliest record that someone lacks, and only after patience.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from callscribe.entries import Entry
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.messages import TOLD_TENANT, Message, call_message_of, frames, message_of
from callscribe.subscriptions import Subscription
from functions.push.records import Batch, Written

Subscribers = Callable[[str], Iterable[Subscription]]  # of a call id, or of a tenant; raises Unavailable
Post = Callable[[str, bytes], None]  # connection id, frame; raises SubscriberGone, Unavailable, Refused
Forget = Callable[[Subscription], None]  # raises Unavailable


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a batch."""

    failed: Written | None = None  # the earliest entry that someone lacks and may still get
    posts: int = 0
    gone: int = 0  # subscriptions of closed connections
    refused: int = 0  # frames too long for any connection

    def and_then(self, other: Delivered) -> Delivered:
        """Return both together."""
        failed = [each.failed for each in (self, other) if each.failed is not None]
        return Delivered(
            failed=min(failed, key=lambda written: written.position) if failed else None,
            posts=self.posts + other.posts,
            gone=self.gone + other.gone,
            refused=self.refused + other.refused,
        )


class _Due(NamedTuple):
    """Entries, who is to have them, and as what."""

    written: list[Written]
    find: Callable[[], Iterable[Subscription]]
    told: Callable[[Entry], Message]


def deliver(
    batch: Batch, *, followers: Subscribers, watchers: Subscribers, post: Post, forget: Forget, workers: Executor
) -> Delivered:
    """Post every entry of `batch` to the live followers of its call who are of its tenant.

    What begins and ends a call goes to the tenant's `watchers` as well. `workers` runs one delivery a subscriber, so
    that a slow one is waited for by nobody but the end of the batch.
    """
    total = Delivered()
    running = []
    due: list[_Due] = [
        _Due(written, partial(followers, call_id), message_of) for call_id, written in batch.calls.items()
    ]
    due += [_Due(written, partial(watchers, tenant), call_message_of) for tenant, written in _told(batch).items()]
    for written, find, told in due:
        try:
            subscriptions = find()
        except Unavailable:
            total = total.and_then(Delivered(failed=written[0]))
            continue
        for subscription in subscriptions:
            own = [each for each in written if each.entry.tenant == subscription.tenant]
            running.append(workers.submit(_deliver_to, subscription, own, told, post, forget))
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
    post: Post,
    forget: Forget,
) -> Delivered:
    done = posts = refused = 0
    for frame in frames(told(each.entry) for each in written):
        try:
            post(subscription.connection_id, frame)
            posts += 1
        except SubscriberGone:
            _forget(subscription, forget)
            return Delivered(posts=posts, gone=1, refused=refused)
        except Unavailable:
            return Delivered(posts=posts, refused=refused, failed=written[done])
        except Refused:
            refused += 1
        done += frame.count(b"\n") + 1  # a message is a line
    return Delivered(posts=posts, refused=refused)


def _forget(subscription: Subscription, forget: Forget) -> None:
    try:
        forget(subscription)
    except Unavailable:
        # The next entry finds the connection gone as well, and at the latest the subscription expires.
        return
