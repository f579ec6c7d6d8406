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
from callscribe.subscriptions import Behind, Subscription
from functions.push.deliver import PATIENCE_S, REST_S, deliver
from functions.stream_records import Batch, Written

WORKERS = ThreadPoolExecutor(8)
NOW_S = 1_795_000_000.25


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
        self.behind: dict[tuple[str | None, str], Behind] = {}
        self.patience_s: list[float] = []
        self.unreadable: set[str] = set()
        self.unwritable = False

    def followers(self, call_id: str) -> list[Subscription]:
        return self._of(call_id, call_id, "acme")

    def watchers(self, tenant: str) -> list[Subscription]:
        return self._of(tenant, None, tenant)

    def _of(self, whom: str, call_id: str | None, tenant: str) -> list[Subscription]:
        if whom in self.unreadable:
            raise Unavailable("dynamodb")
        names = self.calls.get(whom, [])
        return [Subscription(call_id, name, tenant, 0, self.behind.get((call_id, name))) for name in names]

    def forget(self, subscription: Subscription) -> None:
        if self.unwritable:
            raise Unavailable("dynamodb")
        self.forgotten.append(subscription)

    def fall_behind(self, subscription: Subscription, behind: Behind) -> None:
        if self.unwritable:
            raise Unavailable("dynamodb")
        self.behind[subscription.call_id, subscription.connection_id] = behind

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
        self.patience_s.append(patience_s)
        failures = self.failing.get(connection_id, [])
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure
        self.got.setdefault(connection_id, []).append(frame)

    def numbers(self, connection_id: str) -> list[int]:
        return [each.seq for frame in self.got.get(connection_id, []) for each in decode_frame(frame)]

    def deliver(self, given: Batch, *, now_s: float = NOW_S):
        return deliver(given, self, workers=WORKERS, now_s=now_s)


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
    clients.unwritable = True

    done = clients.deliver(batch(("CA1", 1)))

    assert (done.gone, done.failed) == (1, None)


def test_one_that_cannot_be_posted_to_is_marked_and_lambda_brings_nothing_back():
    clients = Clients(CA1=["a", "b"])
    clients.failing["a"] = [None, Unavailable("busy")]

    done = clients.deliver(long_entries(4))

    assert (done.failed, done.behind) == (None, 1)
    assert clients.behind == {("CA1", "a"): Behind(after=1, again_at=int(NOW_S) + REST_S)}
    assert (clients.numbers("a"), clients.numbers("b")) == ([1], [1, 2, 3, 4])


def test_one_that_is_behind_is_left_alone_for_a_while_and_then_tried_without_patience():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [Unavailable("busy")]
    clients.deliver(batch(("CA1", 1)))

    rests = clients.deliver(batch(("CA1", 2)), now_s=NOW_S + REST_S - 1)
    clients.deliver(batch(("CA1", 3)), now_s=NOW_S + REST_S)

    assert (rests.behind, rests.posts, rests.failed) == (1, 0, None)
    assert clients.numbers("a") == [3]  # which shows it that it lacks the others
    assert clients.patience_s == [PATIENCE_S, 0.0]


def test_who_watches_a_tenant_and_cannot_be_posted_to_is_marked_too():
    clients = Clients(acme=["w"], CA1=["a"])
    clients.failing["w"] = [Unavailable("busy")]

    done = clients.deliver(Batch({"CA1": [begun("CA1", 0)]}, 0))

    assert (done.failed, list(clients.behind)) == (None, [(None, "w")])
    assert len(told(clients, "a")) == 1


def test_lambda_resumes_at_the_first_entry_that_someone_lacks_without_being_known_to():
    clients = Clients(CA1=["a", "b"])
    clients.failing["a"] = [None, Unavailable("busy")]
    clients.unwritable = True

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
    clients.unwritable = True

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
    quick_has_it = threading.Event()
    waited = []

    class Slow(Clients):
        def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
            if connection_id == "slow":
                waited.append(quick_has_it.wait(10))
            else:
                quick_has_it.set()

    done = Slow(CA1=["slow", "quick"]).deliver(batch(("CA1", 1)))

    assert (waited, done.posts) == ([True], 2)


def test_an_error_that_nobody_can_wait_out_is_not_swallowed():
    clients = Clients(CA1=["a"])
    clients.failing["a"] = [PermissionError("not allowed")]

    with pytest.raises(PermissionError):
        clients.deliver(batch(("CA1", 1)))


@given(
    st.lists(st.sampled_from(["CA1", "CA2", "CA3"]), max_size=30),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
    st.booleans(),
)
def test_nobody_lacks_an_entry_without_being_known_to(calls, failing, unwritable):
    clients = Clients(CA1=["a", "b"], CA2=["b", "c"], CA3=["c"])
    clients.failing = {name: [Unavailable("busy")] for name in failing}
    clients.unwritable = unwritable
    entries = [(call_id, 1 + calls[:n].count(call_id)) for n, call_id in enumerate(calls)]

    for _ in range(len(failing) + 1):
        failed = clients.deliver(batch(*entries)).failed
        if failed is None:
            break
        entries = entries[failed.position :]

    for name, followed in {"a": ["CA1"], "b": ["CA1", "CA2"], "c": ["CA2", "CA3"]}.items():
        got = {(each.call_id, each.seq) for frame in clients.got.get(name, []) for each in decode_frame(frame)}
        for call_id in followed:
            behind = clients.behind.get((call_id, name))
            due = calls.count(call_id) if behind is None else behind.after
            assert got >= {(call_id, seq) for seq in range(1, due + 1)}


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
