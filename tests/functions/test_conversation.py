"""What a client is answered, message by message."""

from __future__ import annotations

import json

import pytest

from callscribe.entries import CallStarted, Dtmf, Entry
from callscribe.errors import Unavailable
from callscribe.log import PAGE_ENTRIES
from callscribe.messages import ErrorMessage, PongMessage, ReplayedMessage, WatchingMessage, as_json
from callscribe.requests import Request
from callscribe.subscriptions import Subscriptions
from callscribe.tickets import Ticket
from functions.subscribe.conversation import CONNECTION_S, Client, Conversation

NOW_S = 1_795_000_000
STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")


class Tables:
    """Both tables, as far as a conversation asks; every request is kept in its order."""

    def __init__(self, **logs: int) -> None:
        self.logs = logs  # entries a call
        self.asked: list[Request] = []
        self.failing = False
        self.failing_after = 10**6  # requests
        self.behind: dict[str, int] = {}
        self.tenant = "acme"

    def perform(self, steps):
        answer = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            self.asked.append(request)
            if self.failing or len(self.asked) > self.failing_after:
                raise Unavailable("dynamodb")
            answer = self.answer(request)

    def answer(self, request: Request):
        if request.method != "query":
            return {}
        if "IndexName" in request.arguments:
            return {"Items": [{"pk": {"S": pk}, "missed_after": {"N": str(n)}} for pk, n in self.behind.items()]}
        values = request.arguments["ExpressionAttributeValues"]
        call_id = values[":pk"]["S"].removeprefix("CALL#")
        first = int(values[":first"]["S"].removeprefix("LOG#"))
        last = min(self.logs.get(call_id, 0), first + request.arguments["Limit"] - 1)
        return {"Items": [self.item(call_id, seq) for seq in range(first, last + 1)]}

    def item(self, call_id: str, seq: int):
        entry = Entry(call_id, seq, "", self.tenant, STARTED if seq == 1 else Dtmf(leg="a", digit="1", at_ms=seq))
        body = {"provider": "twilio", "direction": "inbound", "account": "AC1", "from": "+1", "to": "+2"}
        return {
            "pk": {"S": f"CALL#{call_id}"},
            "sk": {"S": f"LOG#{seq:010d}"},
            "at": {"S": ""},
            "tenant": {"S": self.tenant},
            "kind": {"S": entry.kind},
            "body": {"S": json.dumps(body if seq == 1 else {"leg": "a", "digit": "1", "at_ms": seq})},
        }

    @property
    def subscribed(self) -> list[dict]:
        return [each.arguments["Item"] for each in self.asked if each.method == "put_item"]


def client(*, calls=("CA1",), tenant: str = "acme", lasts_s: int = 3600) -> Client:
    return Client("a=", Ticket(use="push", tenant=tenant, calls=calls, expires_at=NOW_S + lasts_s))


def pages(tables: Tables, text: str, who: Client | None = None, *, has_time=lambda: True):
    conversation = Conversation("Calls", Subscriptions("Subscriptions"), tables.perform, has_time)
    return list(conversation.answer(text, who or client(), now_s=NOW_S))


def answers(tables: Tables, action: str, who: Client | None = None, **fields):
    return [each for page in pages(tables, json.dumps({"action": action, **fields}), who) for each in page]


def numbers(messages) -> list[int]:
    return [each.seq for each in messages if hasattr(each, "seq")]


def test_subscribing_sends_what_was_written_and_says_up_to_where():
    got = answers(Tables(CA1=3), "subscribe", call_id="CA1")

    assert numbers(got) == [1, 2, 3]
    assert got[-1] == ReplayedMessage(call_id="CA1", through=3)


def test_a_client_is_subscribed_before_the_log_is_read_so_that_nothing_falls_between():
    tables = Tables(CA1=3)
    answers(tables, "subscribe", call_id="CA1")

    methods = [each.method for each in tables.asked]
    assert methods.index("put_item") < len(methods) - 1
    assert methods[-1] == "query"
    assert tables.asked[-1].arguments["Limit"] == PAGE_ENTRIES


def test_a_client_that_was_there_before_is_sent_what_it_has_not_seen():
    got = answers(Tables(CA1=5), "subscribe", call_id="CA1", after=3)

    assert numbers(got) == [4, 5]
    assert answers(Tables(CA1=5), "subscribe", call_id="CA1", after=5) == [ReplayedMessage(call_id="CA1", through=5)]


def test_a_long_log_comes_in_pages():
    got = pages(Tables(CA1=PAGE_ENTRIES + 1), '{"action":"replay","call_id":"CA1"}')

    assert [len(page) for page in got] == [PAGE_ENTRIES, 2]
    assert got[-1][-1] == ReplayedMessage(call_id="CA1", through=PAGE_ENTRIES + 1)


def test_a_log_that_ends_with_a_page_is_said_to_end_there():
    got = pages(Tables(CA1=PAGE_ENTRIES), '{"action":"replay","call_id":"CA1"}')

    assert got[-1] == [ReplayedMessage(call_id="CA1", through=PAGE_ENTRIES)]


def test_a_log_too_long_for_one_invocation_says_from_where_to_ask_again():
    got = pages(Tables(CA1=3 * PAGE_ENTRIES), '{"action":"replay","call_id":"CA1"}', has_time=lambda: False)

    assert len(got) == 2
    assert got[-1] == [ReplayedMessage(call_id="CA1", through=PAGE_ENTRIES, more=True)]


def test_replaying_subscribes_to_nothing():
    tables = Tables(CA1=2)

    assert numbers(answers(tables, "replay", call_id="CA1", after=1)) == [2]
    assert tables.subscribed == []


def test_a_subscription_ends_with_the_ticket_and_at_the_latest_with_the_connection():
    tables = Tables(CA1=1)
    answers(tables, "subscribe", client(lasts_s=60), call_id="CA1")
    answers(tables, "subscribe", client(lasts_s=10**6), call_id="CA1")

    ends = [int(each["expires_at"]["N"]) for each in tables.subscribed]
    assert ends == [NOW_S + 60, NOW_S + CONNECTION_S]


def test_unsubscribing_forgets_the_call_and_answers_nothing():
    tables = Tables()

    assert answers(tables, "unsubscribe", call_id="CA9") == []
    assert [each.method for each in tables.asked] == ["delete_item"]


def test_ping_is_answered_by_pong_and_asks_whether_the_client_lacks_anything():
    tables = Tables()

    assert answers(tables, "ping") == [PongMessage()]
    assert [each.arguments["IndexName"] for each in tables.asked] == ["by-connection"]


def test_what_could_not_be_posted_comes_before_the_pong_and_is_posted_again_before_it_is_read():
    tables = Tables(CA1=3)
    tables.behind = {"CALL#CA1": 1, "CALL#CA2": 4, "TENANT#acme": 0}

    got = answers(tables, "ping", client(calls=None))

    assert [as_json(each)["type"] for each in got] == ["entry", "entry", "replayed", "error", "watching", "pong"]
    assert got[3].code == "forbidden"  # CA2 isn't there
    assert [each.method for each in tables.asked][:4] == ["query", "query", "update_item", "query"]


def test_a_client_that_is_behind_with_a_ticket_that_has_expired_is_told_so():
    tables = Tables(CA1=3)
    tables.behind = {"CALL#CA1": 1}

    assert [as_json(each)["type"] for each in answers(tables, "ping", client(lasts_s=0))] == ["error", "pong"]


def test_a_ping_is_answered_while_the_tables_cannot_be_read():
    tables = Tables()
    tables.failing = True

    assert answers(tables, "ping") == [PongMessage()]


def test_a_call_that_cannot_be_read_when_it_is_caught_up_with_is_asked_for_again_by_the_client():
    tables = Tables(CA1=3)
    tables.behind = {"CALL#CA1": 1}
    tables.failing_after = 3

    got = answers(tables, "ping")

    assert [(as_json(each)["type"], getattr(each, "call_id", None)) for each in got] == [
        ("error", "CA1"),
        ("pong", None),
    ]
    assert got[0].code == "unavailable"


def test_a_replay_makes_the_client_one_that_is_posted_to_again():
    tables = Tables(CA1=3)

    answers(tables, "replay", call_id="CA1", after=1)

    assert [each.method for each in tables.asked] == ["query", "update_item", "query"]


@pytest.mark.parametrize("action", ["subscribe", "replay"])
@pytest.mark.parametrize(
    "who",
    [
        client(calls=("CA2",)),
        client(calls=()),
        client(tenant="globex"),
        client(calls=None, tenant="globex"),
    ],
)
def test_a_call_that_the_ticket_is_not_for_is_forbidden_and_not_followed(action, who):
    tables = Tables(CA1=2)
    (refusal,) = answers(tables, action, who, call_id="CA1")

    assert (refusal.code, refusal.field, refusal.call_id) == ("forbidden", "call_id", "CA1")
    assert tables.subscribed == []


def test_an_expired_ticket_is_told_so_whatever_it_was_for():
    expired = client(calls=None, lasts_s=0)

    for about in ({"call_id": "CA1"}, {"call_id": "CA9"}, {"tenant": True}):
        tables = Tables(CA1=2)
        (refusal,) = answers(tables, "subscribe", expired, **about)

        assert refusal.code == "expired"
        assert tables.subscribed == []


def test_a_ticket_for_every_call_lets_its_bearer_watch_the_tenant():
    tables = Tables()

    assert answers(tables, "subscribe", client(calls=None), tenant=True) == [WatchingMessage(tenant="acme")]
    (item,) = tables.subscribed
    assert item["pk"] == {"S": "TENANT#acme"}
    assert answers(tables, "unsubscribe", client(calls=None), tenant=True) == []
    assert tables.asked[-1].arguments["Key"]["pk"] == {"S": "TENANT#acme"}


def test_a_ticket_for_single_calls_does_not():
    tables = Tables()
    (refusal,) = answers(tables, "subscribe", tenant=True)

    assert (refusal.code, refusal.field) == ("forbidden", "tenant")
    assert tables.subscribed == []


def test_a_call_that_is_not_known_yet_may_be_followed_by_whom_the_ticket_names_it_to():
    tables = Tables()

    assert answers(tables, "subscribe", call_id="CA1") == [ReplayedMessage(call_id="CA1", through=0)]
    assert len(tables.subscribed) == 1


def test_a_ticket_for_every_call_tells_nothing_of_calls_that_are_unknown_or_anothers():
    tables = Tables(CA1=2)
    tables.tenant = "globex"
    everything = client(calls=None)

    (known,) = answers(tables, "subscribe", everything, call_id="CA1")
    (unknown,) = answers(tables, "subscribe", everything, call_id="CA7")
    assert (known.code, known.message, known.field) == (unknown.code, unknown.message, unknown.field)
    assert tables.subscribed == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", None),
        ("hello", None),
        ("[]", None),
        ("{}", "action"),
        ('{"action":"everything"}', "action"),
        ('{"action":"- at `$.other`"}', "action"),
        ('{"action":"subscribe"}', "call_id"),
        ('{"action":"subscribe","call_id":"CA1","tenant":true}', "tenant"),
        ('{"action":"unsubscribe"}', "call_id"),
        ('{"action":"subscribe","call_id":["CA1"]}', "call_id"),
        ('{"action":"subscribe","call_id":"CA1","after":-1}', "after"),
        ('{"action":"replay","call_id":"CA1","after":1e99}', "after"),
        ("\ud800", None),
        (b"\xff\x00", None),
    ],
)
def test_anything_else_gets_one_error_that_names_the_field(text, field):
    tables = Tables(CA1=1)
    ((error,),) = pages(tables, text)

    assert isinstance(error, ErrorMessage)
    assert (error.code, error.field) == ("malformed", field)
    assert tables.asked == []


def test_while_the_table_cannot_answer_the_client_is_told_to_ask_again():
    tables = Tables(CA1=1)
    tables.failing = True

    for action in ("subscribe", "replay", "unsubscribe"):
        (error,) = answers(tables, action, call_id="CA1")
        assert error.code == "unavailable"


def test_an_entry_that_cannot_be_read_is_no_end_of_the_connection():
    tables = Tables(CA1=1)
    tables.item = lambda _call_id, _seq: {"pk": {"S": "CALL#CA1"}}
    (error,) = answers(tables, "replay", call_id="CA1")

    assert error.code == "unavailable"
