"""A batch reaches each subscriber in order, whatever becomes of the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.entries import CallEnded, CallStarted, Dtmf, Entry, Other
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.messages import as_json, decode_frame
from callscribe.subscriptions import Subscription
from functions.push.deliver import deliver
from functions.push.records import Batch, Written

WORKERS = ThreadPoolExecutor(8)


def batch(*entries: tuple[str, int], tenant: str = "acme") -> Batch:
    calls: dict[str, list[Written]] = {}
    for position, (call_id, seq) in enumerate(entries):
        entry = Entry(call_id, seq, "", tenant, Dtmf(leg="a", digit="1", at_ms=seq))
        calls.setdefault(call_id, []).append(Written(position, f"record {position}", entry))
    return Batch(calls, 0)


class Clients:
    """Subscribers, and what each answers to a post."""

    def __init__(self, **calls: list[str]) -> None:
        self.calls = calls
        self.got: dict[str, list[bytes]] = {}
        self.failing: dict[str, list[Exception | None]] = {}
        self.forgotten: list[Subscription] = []
        self.unreadable: set[str] = set()

    def of_call(self, call_id: str) -> list[Subscription]:
        if call_id in self.unreadable:
            raise Unavailable("dynamodb")
        return [Subscription(call_id, name, "acme", 0) for name in self.calls.get(call_id, [])]

    def of_tenant(self, tenant: str) -> list[Subscription]:
        if tenant in self.unreadable:
            raise Unavailable("dynamodb")
        return [Subscription(None, name, tenant, 0) for name in self.calls.get(tenant, [])]

    def post(self, connection_id: str, frame: bytes) -> None:
        failures = self.failing.get(connection_id, [])
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure
        self.got.setdefault(connection_id, []).append(frame)

    def numbers(self, connection_id: str) -> list[int]:
        return [each.seq for frame in self.got.get(connection_id, []) for each in decode_frame(frame)]

    def deliver(self, given: Batch):
        return deliver(
            given,
            followers=self.of_call,
            watchers=self.of_tenant,
            post=self.post,
            forget=self.forgotten.append,
            workers=WORKERS,
        )


def long_entries(count: int) -> Batch:
    """Entries of which each fills a frame."""
    return Batch(
        {
            "CA1": [
                Written(
                    n, f"record {n}", Entry("CA1", n + 1, "", "acme", Other(kind="note", fields={"a": "x" * 20000}))
                )
                for n in range(count)
            ]
        },
        0,
    )


def test_each_call_goes_to_its_own_subscribers():
    clients = Clients(CA1=["a", "b"], CA2=["c"])

    done = clients.deliver(batch(("CA1", 1), ("CA2", 7), ("CA1", 2)))

    assert done.failed is None
    assert (clients.numbers("a"), clients.numbers("b"), clients.numbers("c")) == ([1, 2], [1, 2], [7])


def test_what_is_written_at_once_is_one_post_to_each_subscriber():
    clients = Clients(CA1=["a", "b"])

    assert clients.deliver(batch(*(("CA1", seq) for seq in range(1, 51)))).posts == 2


def test_nothing_of_one_tenant_goes_to_a_subscriber_of_another():
    clients = Clients(CA1=["a"])

    done = clients.deliver(batch(("CA1", 1), tenant="globex"))

    assert (done.posts, done.failed, clients.got) == (0, None, {})


def test_a_closed_connection_is_forgotten_and_does_not_count_as_a_failure():
    clients = Clients(CA1=["a", "b"])
    clients.failing["a"] = [SubscriberGone("gone")]

    done = clients.deliver(batch(("CA1", 1), ("CA1", 2)))

    assert (done.gone, done.failed) == (1, None)
    assert clients.forgotten == [Subscription("CA1", "a", "acme", 0)]
    assert clients.numbers("b") == [1, 2]


def test_a_closed_connection_that_cannot_be_forgotten_now_is_left_for_the_next_time():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [SubscriberGone("gone")]

    def forget(_subscription):
        raise Unavailable("dynamodb")

    done = deliver(
        batch(("CA1", 1)),
        followers=clients.of_call,
        watchers=clients.of_tenant,
        post=clients.post,
        forget=forget,
        workers=WORKERS,
    )

    assert (done.gone, done.failed) == (1, None)


def test_lambda_resumes_at_the_first_entry_that_a_subscriber_lacks():
    clients = Clients(CA1=["a", "b"])
    clients.failing["a"] = [None, Unavailable("busy")]

    done = clients.deliver(long_entries(4))

    assert done.failed is not None
    assert done.failed.sequence_number == "record 1"
    assert (clients.numbers("a"), clients.numbers("b")) == ([1], [1, 2, 3, 4])


def test_a_subscriber_is_not_sent_what_follows_an_entry_that_it_lacks():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [Unavailable("busy")]

    clients.deliver(long_entries(3))

    assert clients.got == {}


def test_of_several_failures_the_earliest_counts():
    clients = Clients(CA1=["a"], CA2=["b"], CA3=["c"])
    clients.failing = {"b": [Unavailable("busy")], "c": [Unavailable("busy")]}

    done = clients.deliver(batch(("CA1", 1), ("CA3", 1), ("CA2", 1)))

    assert done.failed is not None
    assert done.failed.entry.call_id == "CA3"
    assert clients.numbers("a") == [1]


def test_a_call_whose_subscribers_cannot_be_read_now_does_not_hold_up_the_others():
    clients = Clients(CA1=["a"], CA2=["b"])
    clients.unreadable = {"CA1"}

    done = clients.deliver(batch(("CA2", 1), ("CA1", 1), ("CA2", 2)))

    assert done.failed is not None
    assert done.failed.sequence_number == "record 1"
    assert clients.numbers("b") == [1, 2]


def test_a_frame_that_no_connection_takes_is_passed_over():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [None, Refused("too long")]

    done = clients.deliver(long_entries(3))

    assert (done.refused, done.failed, clients.numbers("a")) == (1, None, [1, 3])


def test_a_slow_subscriber_is_waited_for_by_nobody_else():
    clients = Clients(CA1=["slow", "quick"])
    quick_has_it = threading.Event()
    waited = []

    def post(connection_id: str, frame: bytes) -> None:
        if connection_id == "slow":
            waited.append(quick_has_it.wait(10))
        else:
            quick_has_it.set()

    done = deliver(
        batch(("CA1", 1)),
        followers=clients.of_call,
        watchers=clients.of_tenant,
        post=post,
        forget=clients.forgotten.append,
        workers=WORKERS,
    )

    assert (waited, done.posts) == ([True], 2)


def test_an_error_that_nobody_can_wait_out_is_not_swallowed():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [PermissionError("not allowed")]

    with pytest.raises(PermissionError):
        clients.deliver(batch(("CA1", 1)))


@given(
    st.lists(st.sampled_from(["CA1", "CA2", "CA3"]), max_size=30),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
)
def test_a_batch_that_is_resumed_leaves_no_subscriber_without_an_entry(calls, failing):
    clients = Clients(CA1=["a", "b"], CA2=["b", "c"], CA3=["c"])
    clients.failing = {name: [Unavailable("busy")] for name in failing}
    entries = [(call_id, 1 + calls[:n].count(call_id)) for n, call_id in enumerate(calls)]

    for _ in range(len(failing) + 1):
        failed = clients.deliver(batch(*entries)).failed
        if failed is None:
            break
        entries = entries[failed.position :]

    for name, followed in {"a": ["CA1"], "b": ["CA1", "CA2"], "c": ["CA2", "CA3"]}.items():
        got = {(each.call_id, each.seq) for frame in clients.got.get(name, []) for each in decode_frame(frame)}
        assert got == {(call_id, seq) for call_id in followed for seq in range(1, calls.count(call_id) + 1)}


def begun(call_id: str, position: int, kind: type = CallStarted, tenant: str = "acme") -> Written:
    about = {"provider": "twilio", "direction": "inbound", "account": "AC1", "from_number": "+1", "to_number": "+2"}
    body = CallStarted(**about) if kind is CallStarted else CallEnded(reason="completed", duration_ms=1)
    return Written(position, f"record {position}", Entry(call_id, position + 1, "", tenant, body))


def spoken(call_id: str, position: int) -> Written:
    entry = Entry(call_id, position + 1, "", "acme", Dtmf(leg="a", digit="1", at_ms=1))
    return Written(position, f"record {position}", entry)


def told(clients: Clients, connection_id: str) -> list[tuple[str, str, str]]:
    messages = [each for frame in clients.got.get(connection_id, []) for each in decode_frame(frame)]
    return [(as_json(each)["type"], each.call_id, each.kind) for each in messages]


def test_who_watches_a_tenant_is_told_of_beginnings_and_ends_in_their_order_and_of_nothing_else():
    clients = Clients(acme=["w"], CA1=["a"])
    given = Batch(
        {
            "CA1": [begun("CA1", 0), spoken("CA1", 1), begun("CA1", 3, CallEnded)],
            "CA2": [begun("CA2", 2)],
            "CA3": [begun("CA3", 4, tenant="globex")],
        },
        0,
    )

    done = clients.deliver(given)

    assert told(clients, "w") == [
        ("call", "CA1", "call.started"),
        ("call", "CA2", "call.started"),
        ("call", "CA1", "call.ended"),
    ]
    assert [kind for kind, _, _ in told(clients, "a")] == ["entry"] * 3
    assert done.posts == 2


def test_a_tenant_whose_watchers_cannot_be_found_now_is_told_later():
    clients = Clients(acme=["w"], CA1=["a"])
    clients.unreadable.add("acme")

    done = clients.deliver(Batch({"CA1": [spoken("CA1", 0), begun("CA1", 1, CallEnded)]}, 0))

    assert done.failed is not None
    assert done.failed.position == 1
    assert len(told(clients, "a")) == 2
