"""A program that follows calls over real sockets that fail."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from websockets.asyncio.server import serve

from callscribe.client.connection import Leave, happenings
from callscribe.client.errors import CannotFollow
from callscribe.client.link import Link
from callscribe.entries import Entry
from callscribe.errors import Unavailable
from callscribe.messages import PartialMessage


def entry(seq: int) -> str:
    body = {"leg": "a", "digit": str(seq % 10), "at_ms": seq}
    return json.dumps({"type": "entry", "call_id": "CA1", "seq": seq, "kind": "dtmf", "at": "now", "body": body})


def replayed(through: int) -> str:
    return json.dumps({"type": "replayed", "call_id": "CA1", "through": through})


PARTIAL = json.dumps(
    {
        "type": "partial", "call_id": "CA1", "leg": "a", "party": "caller", "id": "1", "text": "good", "start_ms": 0,
        "end_ms": 1, "after": 0,
    }
)  # fmt: skip
CUT = "cut"  # instead of a frame: the connection ends without a word


class Push:
    """A push service that says what the test tells it to, frame by frame, each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[dict] = []
        self.tickets: list[str] = []
        self.refuses = 0

    async def serve(self, socket) -> None:
        async for text in socket:
            self.asked.append(json.loads(text))
            for frame in self.answers.pop(0) if self.answers else []:
                if frame == CUT:
                    socket.transport.abort()
                    return
                await socket.send(frame)

    def process(self, connection, request):
        self.tickets.append(request.path)
        if self.refuses:
            self.refuses -= 1
            return connection.respond(HTTPStatus.FORBIDDEN, "")
        return None


async def followed(push: Push, *, until: int, after: int = 0, fetch=None) -> list:
    out = []
    link = Link(jitter=lambda: 0.0)
    link.follow("CA1", after=after)
    async with serve(push.serve, "127.0.0.1", 0, process_request=push.process) as server:
        port = server.sockets[0].getsockname()[1]

        async def leave() -> Leave:
            return Leave(f"ws://127.0.0.1:{port}/?ticket={len(push.tickets)}", 3600)

        following = happenings(link, fetch(leave) if fetch else leave)
        async for seen in following:
            out.append(seen)
            if isinstance(seen, Entry) and seen.seq == until:
                break
        await following.aclose()
    return out


def numbers(seen: list) -> list[int]:
    return [what.seq for what in seen if isinstance(what, Entry)]


async def test_entries_come_in_order_however_they_arrive_and_partials_at_once():
    push = Push([PARTIAL, entry(2), f"{entry(1)}\n{entry(3)}", entry(2), replayed(3), entry(4)])

    seen = await followed(push, until=4)

    assert isinstance(seen[0], PartialMessage)
    assert numbers(seen) == [1, 2, 3, 4]
    assert push.asked == [{"action": "subscribe", "call_id": "CA1"}]


async def test_a_connection_that_is_cut_is_followed_by_another_with_another_ticket():
    push = Push([entry(1), entry(2), CUT], [CUT], [entry(3), replayed(3)])

    assert numbers(await followed(push, until=3)) == [1, 2, 3]
    assert [action.get("after", 0) for action in push.asked] == [0, 2, 2]
    assert push.tickets == [f"/?ticket={number}" for number in range(3)]


async def test_following_begins_after_a_number():
    push = Push([entry(7), entry(8)])

    assert numbers(await followed(push, until=8, after=6)) == [7, 8]
    assert push.asked[0]["after"] == 6


async def test_a_ticket_that_came_too_late_is_replaced():
    push = Push([entry(1)])
    push.refuses = 2

    assert numbers(await followed(push, until=1)) == [1]


async def test_a_service_that_takes_no_ticket_says_so_without_the_ticket():
    push = Push()
    push.refuses = 9

    with pytest.raises(CannotFollow, match="answered 403") as raised:
        await followed(push, until=1)

    assert len(push.tickets) == 3
    assert "ticket=" not in str(raised.value)


async def test_a_service_that_was_never_reached_is_not_asked_for_ever():
    async def nowhere() -> Leave:
        return Leave("ws://127.0.0.1:9", 3600)

    with pytest.raises(CannotFollow, match="can't be reached"):
        await followed(Push(), until=1, fetch=lambda _leave: nowhere)


async def test_without_a_ticket_just_now_the_client_waits_for_one():
    troubles = [Unavailable("the HTTP API answered 503")]

    def fetch(leave):
        async def sometimes() -> Leave:
            if troubles:
                raise troubles.pop()
            return await leave()

        return sometimes

    assert numbers(await followed(Push([entry(1)]), until=1, fetch=fetch)) == [1]
