"""Deliveries to endpoints, whatever these answer and whenever the process dies. The tables are in memory."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec
import pytest

from callscribe.after_call import TranscriptReady
from callscribe.bus import Detail
from callscribe.deliveries import ATTEMPTS, BACKOFF_S, LEASE, Deliveries, Delivery
from callscribe.entries import CallStarted, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.webhook_signature import verify
from callscribe.webhooks import Endpoint, Webhooks, new_endpoint
from functions.deliver.outbox import MOST_DUE, SOON_S, Outbox, Outcome
from tests.memory_tables import Dynamo
from tests.mortal import NOW, Killed, Mortal

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
READY = TranscriptReady(archive="entries/…", utterances=2, complete=True, formats=("json",))
AT = timestamp(NOW - timedelta(seconds=30))
TOLD = Detail("CA1", 2, "transcript.ready", AT, "acme", msgspec.Raw(b"null"))


@dataclass
class World(Mortal):
    """A call whose transcript is ready, endpoints with how they answer, the queue, and a clock."""

    table: Dynamo = field(default_factory=Dynamo)
    answers: list[object] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    queue: list[tuple[datetime, Delivery]] = field(default_factory=list)  # each with when it comes out
    now: datetime = NOW

    def post(self, url, headers, body):
        def do():
            self.posted.append((url, headers, body))
            return self.answers.pop(0) if self.answers else 200

        answer = self.act(do)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, delivery, /, *, delay_s):
        self.act(lambda: self.queue.append((self.now + timedelta(seconds=delay_s), delivery)))

    @property
    def outbox(self) -> Outbox:
        tables = Webhooks("Webhooks"), Deliveries("Webhooks")
        return Outbox("Calls", *tables, perform=self.perform, post=self.post, send=self.send)

    def endpoint(self, url: str = "https://crm.example.com/hooks", kinds=(), tenant: str = "acme") -> Endpoint:
        made = new_endpoint(tenant, url, kinds, at=AT)
        self.table.run(Webhooks("Webhooks").add(made))
        return made

    def plan(self, told: Detail = TOLD) -> int:
        return self.outbox.plan(told, now=self.now)

    def attempt(self, delivery: Delivery | None = None) -> Outcome:
        if delivery is None:
            _, delivery = self.queue[0]
        outcome, _ = self.outbox.attempt(delivery, now=self.now)
        if self.queue and self.queue[0][1] == delivery:
            del self.queue[0]  # as a queue does once it was done
        return outcome

    def goes_on(self, *, days: int = 2) -> list[tuple[float, Outcome]]:
        """Let time pass, with the clock's tick each minute; return what was attempted, after how many seconds."""
        begun, done = self.now, []
        while self.now < begun + timedelta(days=days):
            self.outbox.take_up(now=self.now)
            until = self.now + timedelta(minutes=1)
            while ready := [each for each in self.queue if each[0] < until]:
                self.queue.remove(ready[0])
                self.now = max(self.now, ready[0][0])
                outcome = self.attempt(ready[0][1])
                done.append(((self.now - begun).total_seconds(), outcome))
            self.now = until
        return done

    def told(self, endpoint: Endpoint) -> list[tuple[str, int, str]]:
        return [(each.state, each.attempts, each.told) for each in self.kept(endpoint)]

    def kept(self, endpoint: Endpoint) -> list[Delivery]:
        return self.table.run(Deliveries("Webhooks").of_endpoint(endpoint.id, since="2026", until="2027"))


@pytest.fixture
def world() -> World:
    return made()


def made() -> World:
    world = World()
    world.write(STARTED, READY)
    return world


def test_who_wants_it_is_told_of_an_entry_signed(world):
    endpoint = world.endpoint()
    world.endpoint("https://other.example.com/", kinds=("call.ended",))
    world.endpoint("https://stranger.example.com/", tenant="other")

    assert world.plan() == 1
    assert world.attempt() is Outcome.DELIVERED

    ((url, headers, body),) = world.posted
    assert url == "https://crm.example.com/hooks"
    assert verify(headers, body, [endpoint.secret], now_s=NOW.timestamp()) == "CA1.2"
    document = json.loads(body)
    data = document["data"]
    assert (document["type"], document["timestamp"]) == ("transcript.ready", AT)
    assert (data["call_id"], data["seq"], data["kind"], data["tenant"]) == ("CA1", 2, "transcript.ready", "acme")
    assert data["body"]["utterances"] == 2
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


def test_each_endpoint_has_a_message_of_its_own_so_that_none_waits_for_another(world):
    endpoints = {world.endpoint(f"https://{name}.example.com/").id for name in "abc"}

    assert world.plan() == 3
    assert {delivery.endpoint for _, delivery in world.queue} == endpoints


def test_an_event_that_comes_twice_is_delivered_once(world):
    endpoint = world.endpoint()
    world.plan()
    ((_, delivery),) = world.queue
    world.attempt()

    assert world.plan() == 0
    assert world.attempt(delivery) is Outcome.OVER
    assert len(world.posted) == 1
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


def test_a_message_that_comes_twice_is_one_attempt(world):
    endpoint = world.endpoint()
    world.plan()
    ((_, delivery),) = world.queue
    world.answers = [500]

    assert world.attempt() is Outcome.FAILED
    assert world.attempt(delivery) is Outcome.OVER
    assert world.told(endpoint) == [("waiting", 1, "answered 500")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (307, "answered 307"),
        (Unavailable("no answer within 15 s"), "no answer within 15 s"),
        (Refused("the address is not a public one"), "the address is not a public one"),
    ],
)
def test_one_that_does_not_take_it_is_tried_again_later_each_time_for_a_day_and_then_no_more(world, answer, told):
    endpoint = world.endpoint()
    world.plan()
    world.answers = [answer] * 100

    done = world.goes_on()

    assert [outcome for _, outcome in done] == [*[Outcome.FAILED] * len(BACKOFF_S), Outcome.DEAD]
    times = [after_s for after_s, _ in done]
    waited = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert times[0] == 0
    assert all(wait <= was < wait + 60 for wait, was in zip(BACKOFF_S, waited, strict=True)), waited
    assert waited[0] == BACKOFF_S[0]
    assert times[-1] > 24 * 3600
    assert world.told(endpoint) == [("dead", ATTEMPTS, told)]
    assert len({headers["webhook-id"] for _, headers, _ in world.posted}) == 1


def test_one_that_takes_it_in_the_end_has_it(world):
    endpoint = world.endpoint()
    world.plan()
    world.answers = [503, 503, 503]

    assert [outcome for _, outcome in world.goes_on()] == [*[Outcome.FAILED] * 3, Outcome.DELIVERED]
    assert world.told(endpoint) == [("delivered", 4, "answered 200")]
    assert {headers["webhook-id"] for _, headers, _ in world.posted} == {"CA1.2"}
    assert len({headers["webhook-timestamp"] for _, headers, _ in world.posted}) == 4


def test_one_that_says_it_is_gone_is_told_nothing_more(world):
    endpoint = world.endpoint()
    world.plan()
    world.answers = [410]

    assert world.attempt() is Outcome.GONE

    (known,) = world.table.run(Webhooks("Webhooks").of_tenant("acme"))
    assert (known.disabled_at, known.disabled_why) == (timestamp(NOW), "it answered 410")
    assert world.plan(msgspec.structs.replace(TOLD, seq=3)) == 0
    assert world.goes_on() == []
    assert world.told(endpoint) == [("dead", 1, "answered 410"), ("skipped", 0, "the endpoint is disabled")]


def test_what_a_disabled_endpoint_missed_is_told_later_on_demand(world):
    endpoint = world.endpoint()
    world.table.run(Webhooks("Webhooks").disable("acme", endpoint.id, why="a move", at=AT))
    world.plan()
    assert world.goes_on() == []

    world.table.run(Webhooks("Webhooks").enable("acme", endpoint.id))
    (missed,) = world.kept(endpoint)
    assert world.table.run(Deliveries("Webhooks").again(missed, now=world.now))

    assert [outcome for _, outcome in world.goes_on()] == [Outcome.DELIVERED]
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


@pytest.mark.parametrize("how", ["removed", "disabled"])
def test_an_endpoint_that_is_off_by_then_is_not_asked(world, how):
    endpoint = world.endpoint()
    world.plan()
    steps = {
        "removed": Webhooks("Webhooks").remove("acme", endpoint.id),
        "disabled": Webhooks("Webhooks").disable("acme", endpoint.id, why="", at=AT),
    }
    assert world.table.run(steps[how])

    assert world.attempt() is Outcome.SKIPPED
    assert world.posted == []
    assert world.goes_on() == []
    assert [state for state, *_ in world.told(endpoint)] == ["skipped"]


def test_nobody_is_told_of_calls_of_another_tenant(world):
    endpoint = world.endpoint(tenant="other")
    forged = msgspec.structs.replace(TOLD, tenant="other")
    world.plan(forged)

    assert world.attempt() is Outcome.SKIPPED
    assert world.posted == []
    assert world.told(endpoint) == [("skipped", 0, "the call's log has no such entry")]


def test_a_delivery_is_made_anew_on_demand_under_the_same_id(world):
    endpoint = world.endpoint()
    world.plan()
    world.attempt()

    (delivery,) = world.kept(endpoint)
    assert world.table.run(Deliveries("Webhooks").again(delivery, now=world.now))
    assert [outcome for _, outcome in world.goes_on()] == [Outcome.DELIVERED]
    assert [headers["webhook-id"] for _, headers, _ in world.posted] == ["CA1.2"] * 2
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


def test_one_that_is_kept_no_more_is_not_made_anew(world):
    gone = Delivery("we_1", "acme", "CA1", 2, AT, "transcript.ready")

    assert not world.table.run(Deliveries("Webhooks").again(gone, now=NOW))
    assert world.table.run(Deliveries("Webhooks").find(gone)) is None


def test_messages_are_signed_with_both_secrets_while_one_is_replaced_and_then_with_the_new_one(world):
    endpoint = world.endpoint()
    until = timestamp(NOW + timedelta(hours=24))
    after = world.table.run(Webhooks("Webhooks").rotate(endpoint, until=until))
    world.plan()
    world.attempt()
    world.now += timedelta(hours=25)
    world.table.run(Deliveries("Webhooks").again(world.kept(endpoint)[0], now=world.now))
    world.goes_on()

    assert after.secret != endpoint.secret
    during, then = (headers["webhook-signature"].split() for _, headers, _ in world.posted)
    assert (len(during), len(then)) == (2, 1)
    for secret in (endpoint.secret, after.secret):
        assert verify(world.posted[0][1], world.posted[0][2], [secret], now_s=NOW.timestamp()) == "CA1.2"
    # Who read it before another did gives it no third.
    assert world.table.run(Webhooks("Webhooks").rotate(endpoint, until=until)) is None


def test_a_lot_that_is_due_at_once_is_taken_up_minute_by_minute(world):
    endpoint = world.endpoint()
    for seq in range(MOST_DUE + 1):
        delivery = Delivery(endpoint.id, "acme", "CA1", seq, AT, "transcript.ready")
        world.table.run(Deliveries("Webhooks").plan(delivery, now=NOW))

    later = NOW + LEASE
    assert [world.outbox.take_up(now=later) for _ in range(3)] == [MOST_DUE, 1, 0]
    assert {delivery.seq for _, delivery in world.queue} == set(range(MOST_DUE + 1))


def test_what_no_message_is_left_of_is_taken_up_when_its_lease_is_over(world):
    world.endpoint()
    world.plan()
    world.queue.clear()

    ((after_s, outcome),) = world.goes_on()
    assert outcome is Outcome.DELIVERED
    assert after_s >= LEASE.total_seconds()
    assert LEASE.total_seconds() > SOON_S


def comes_again(world: World) -> None:
    """What the bus and the queue do: bring the event, and each message, until it was done."""
    world.plan()
    world.goes_on(days=2)


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("answers", [[], [503], [410]])
def test_a_run_that_is_killed_at_any_point_is_made_good_by_the_next(dies_after, answers):
    once = made()
    endpoint = once.endpoint()
    once.answers = list(answers)
    comes_again(once)
    expected = [(state, told) for state, _, told in once.told(endpoint)]
    acts = once.acts - 2 * 24 * 60  # of each minute's look at what is due

    points = 0
    for point in range(acts + 2):
        world = made()
        endpoint = world.endpoint()
        world.answers = list(answers)
        world.dies_at, world.dies_after = point, dies_after
        in_flight: list = []
        try:
            comes_again(world)
        except Killed:
            points += 1
            in_flight = world.queue
        world.dies_at = -1
        world.queue = list(in_flight)
        comes_again(world)
        told = [(state, told) for state, _, told in world.told(endpoint)]
        if answers == [410]:  # what was posted before it died is posted again, and taken by then
            assert told in (
                [("dead", "answered 410")],
                [("delivered", "answered 200")],
                [("skipped", "the endpoint is disabled")],
            ), point
        else:
            assert told == expected, point
        assert len(once.posted) <= len(world.posted) + 1 <= len(once.posted) + 2, point
        assert {headers["webhook-id"] for _, headers, _ in world.posted} == {"CA1.2"}
    assert points >= acts - 1


def test_a_table_that_is_away_is_no_attempt(world):
    world.endpoint()
    world.plan()

    def away(_steps):
        raise Unavailable("dynamodb: ThrottlingException")

    with pytest.raises(Unavailable):
        replace(world.outbox, perform=away).attempt(world.queue[0][1], now=NOW)
    assert world.posted == []
