"""Deliveries to endpoints, whatever these answer and whenever the process dies. The table is in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import msgspec
import pytest

from bench.chaos.tables import Failed, Tables
from callscribe.after_call import TranscriptReady
from callscribe.bus import Detail
from callscribe.entries import CallStarted, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.requests import Conflict, Request
from callscribe.webhook_signature import verify
from callscribe.webhooks import BACKOFF_S, DEFAULT_KINDS, Delivery, Endpoint, Webhooks, new_endpoint
from functions.deliver.outbox import Attempt, Outbox, Outcome
from tests.mortal import NOW, Killed, Mortal

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
READY = TranscriptReady(archive="entries/…", utterances=2, complete=True, formats=("json",))
AT = timestamp(NOW - timedelta(seconds=30))
TOLD = Detail("CA1", 2, "transcript.ready", AT, "acme", msgspec.Raw(b"null"))


class Dynamo:
    """The tables Calls and Webhooks."""

    OPERATIONS: ClassVar = {
        "put_item": "PutItem", "get_item": "GetItem", "query": "Query", "update_item": "UpdateItem",
        "delete_item": "DeleteItem",
    }  # fmt: skip

    def __init__(self) -> None:
        self._tables = Tables("Calls", "Webhooks", written=lambda _table, _item: None)

    def ask(self, request: Request):
        try:
            return self._tables.perform(self.OPERATIONS[request.method], request.arguments)
        except Failed as failed:
            if failed.code != "ConditionalCheckFailedException":
                raise
            return Conflict(failed.item or {})

    def run(self, steps):
        answer = None
        while True:
            try:
                answer = self.ask(steps.send(answer))
            except StopIteration as done:
                return done.value

    @property
    def items(self):
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in self._tables.tables["Calls"].items()}


@dataclass
class World(Mortal):
    """A call whose transcript is ready, endpoints, and how they answer."""

    table: Dynamo = field(default_factory=Dynamo)
    answers: list[object] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def post(self, url, headers, body):
        def do():
            self.posted.append((url, headers, body))
            return self.answers.pop(0) if self.answers else 200

        answer = self.act(do)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def outbox(self) -> Outbox:
        return Outbox("Calls", Webhooks("Webhooks"), self.perform, self.post)

    def endpoint(self, url: str = "https://crm.example.com/hooks", kinds=(), tenant: str = "acme") -> Endpoint:
        made = new_endpoint(tenant, url, kinds, at=AT)
        self.table.run(Webhooks("Webhooks").put(made))
        return made

    def plan(self, told: Detail = TOLD) -> list[Delivery]:
        return self.outbox.plan(told, now=NOW)

    def attempt(self, delivery: Delivery, *, tenant: str = "acme", now=NOW) -> Attempt:
        return self.outbox.attempt(tenant, delivery, now=now)

    def told(self, endpoint: Endpoint) -> list[tuple[str, int, str]]:
        steps = Webhooks("Webhooks").deliveries(endpoint.id, since="2026", until="2027")
        return [(each.state, each.attempts, each.told) for each in self.table.run(steps)]


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

    (delivery,) = world.plan()
    assert world.attempt(delivery) == Attempt(Outcome.DELIVERED)

    ((url, headers, body),) = world.posted
    assert url == "https://crm.example.com/hooks"
    assert verify(headers, body, endpoint.secrets, now_s=NOW.timestamp()) == "CA1.2"
    document = json.loads(body)
    assert (document["type"], document["timestamp"]) == ("transcript.ready", AT)
    assert (document["data"]["call_id"], document["data"]["seq"], document["data"]["tenant"]) == ("CA1", 2, "acme")
    assert document["data"]["body"]["utterances"] == 2
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


def test_an_event_that_comes_twice_is_delivered_once(world):
    endpoint = world.endpoint()
    (delivery,) = world.plan()
    world.attempt(delivery)

    assert world.plan() == []
    assert world.attempt(delivery).outcome is Outcome.GONE
    assert len(world.posted) == 1
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


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
    (delivery,) = world.plan()
    world.answers = [answer] * (len(BACKOFF_S) + 1)

    attempts = [world.attempt(delivery) for _ in range(len(BACKOFF_S) + 1)]

    assert attempts == [*(Attempt(Outcome.FAILED, seconds) for seconds in BACKOFF_S), Attempt(Outcome.DEAD)]
    assert sum(BACKOFF_S) > 24 * 3600
    assert world.told(endpoint) == [("dead", len(BACKOFF_S) + 1, told)]
    assert world.attempt(delivery).outcome is Outcome.GONE


def test_one_that_takes_it_in_the_end_has_it(world):
    endpoint = world.endpoint()
    (delivery,) = world.plan()
    world.answers = [503, 200]

    assert [world.attempt(delivery).outcome for _ in range(2)] == [Outcome.FAILED, Outcome.DELIVERED]
    assert world.told(endpoint) == [("delivered", 2, "answered 200")]
    assert world.posted[0][1]["webhook-id"] == world.posted[1][1]["webhook-id"]


def test_one_that_says_it_is_gone_is_told_nothing_more(world):
    endpoint = world.endpoint()
    (delivery,) = world.plan()
    world.answers = [410]

    assert world.attempt(delivery) == Attempt(Outcome.DEAD)

    (known,) = world.table.run(Webhooks("Webhooks").of_tenant("acme"))
    assert (known.disabled_at, known.disabled_why) == (timestamp(NOW), "it answered 410")
    assert world.plan(msgspec.structs.replace(TOLD, seq=3)) == []
    assert world.told(endpoint) == [("dead", 1, "answered 410")]


def test_an_endpoint_that_was_removed_meanwhile_is_not_asked(world):
    endpoint = world.endpoint()
    (delivery,) = world.plan()
    world.table.run(Webhooks("Webhooks").remove("acme", endpoint.id))

    assert world.attempt(delivery).outcome is Outcome.GONE
    assert world.posted == []


def test_nobody_is_told_of_calls_of_another_tenant(world):
    endpoint = world.endpoint(tenant="other")
    forged = Delivery(endpoint.id, "CA1", 2, AT, "transcript.ready")
    world.table.run(Webhooks("Webhooks").plan(forged, now=NOW))

    assert world.attempt(forged, tenant="other").outcome is Outcome.GONE
    assert world.posted == []


def test_a_delivery_is_made_anew_on_demand(world):
    endpoint = world.endpoint()
    (delivery,) = world.plan()
    world.attempt(delivery)

    again = world.table.run(Webhooks("Webhooks").again(delivery))
    assert world.attempt(again) == Attempt(Outcome.DELIVERED)
    assert len(world.posted) == 2
    assert world.told(endpoint) == [("delivered", 1, "answered 200")]


def walk(world: World) -> None:
    for delivery in world.plan():
        world.attempt(delivery)


@pytest.mark.parametrize("dies_after", [False, True])
def test_a_run_that_is_killed_at_any_point_is_made_good_by_the_next(dies_after):
    once = made()
    endpoint = once.endpoint()
    walk(once)

    for point in range(once.acts):
        world = made()
        endpoint = world.endpoint()
        world.dies_at, world.dies_after = point, dies_after
        with pytest.raises(Killed):
            walk(world)
        world.dies_at = -1
        walk(world)
        assert world.told(endpoint) == [("delivered", 1, "answered 200")], point
        assert len(world.posted) in {1, 2}
        assert {headers["webhook-id"] for _, headers, _ in world.posted} == {"CA1.2"}


@pytest.mark.parametrize(
    ("url", "kinds"),
    [
        ("ftp://crm.example.com", ()),
        ("https://", ()),
        ("https://user:secret@crm.example.com/", ()),
        ("https://crm.example.com/a b", ()),
        ("https://[", ()),
        ("https://crm.example.com/", ("utterance",)),
    ],
)
def test_what_can_not_be_an_endpoint_is_refused(url, kinds):
    with pytest.raises(Refused):
        new_endpoint("acme", url, kinds, at=AT)


def test_an_endpoint_keeps_its_address_and_secret_out_of_logs():
    endpoint = new_endpoint("acme", "https://crm.example.com/hooks?key=1", (), at=AT)

    assert endpoint.kinds == DEFAULT_KINDS
    assert endpoint.secret not in repr(endpoint)
    assert "crm.example.com" not in repr(endpoint)
