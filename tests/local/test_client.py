"""A client of the push service: ordered, gapless, nothing twice."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest
from websockets.asyncio.server import serve

from callscribe.entries import Entry
from callscribe.messages import PartialMessage
from local.client import CannotFollow, follow


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


class Push:
    """A push service that says what the test tells it to, frame by frame, once it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[dict] = []

    async def serve(self, socket) -> None:
        async for text in socket:
            self.asked.append(json.loads(text))
            for frame in self.answers.pop(0) if self.answers else []:
                await socket.send(frame)


async def followed(push: Push, *, until: int, after: int = 0) -> list:
    out = []
    async with serve(push.serve, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        following = follow(url, "ticket", "CA1", after=after)
        async for seen in following:
            out.append(seen.what)
            if isinstance(seen.what, Entry) and seen.what.seq == until:
                break
        await following.aclose()
    return out


def numbers(seen: list) -> list[int]:
    return [what.seq for what in seen if isinstance(what, Entry)]


async def test_entries_come_in_order_however_they_arrive():
    push = Push([entry(2), f"{entry(1)}\n{entry(3)}", entry(2), replayed(3), entry(4)])

    assert numbers(await followed(push, until=4)) == [1, 2, 3, 4]
    assert push.asked == [{"action": "subscribe", "call_id": "CA1", "after": 0}]


async def test_following_begins_after_a_number():
    push = Push([entry(7), entry(8)])

    assert numbers(await followed(push, until=8, after=6)) == [7, 8]
    assert push.asked[0]["after"] == 6


async def test_a_hole_is_asked_for_once_and_filled():
    push = Push([entry(1), replayed(1), entry(3), entry(4)], [entry(2), entry(3), replayed(4)])

    assert numbers(await followed(push, until=4)) == [1, 2, 3, 4]
    assert push.asked[1:] == [{"action": "replay", "call_id": "CA1", "after": 1}]


async def test_entries_that_are_pushed_during_a_replay_are_no_hole():
    push = Push([entry(5), entry(1), entry(2), entry(3), entry(4), replayed(4)])

    assert numbers(await followed(push, until=5)) == [1, 2, 3, 4, 5]
    assert len(push.asked) == 1


async def test_partials_come_at_once():
    seen = await followed(Push([PARTIAL, entry(1)]), until=1)

    assert isinstance(seen[0], PartialMessage)
    assert seen[0].text == "good"


async def test_a_refusal_of_the_service_is_an_error_that_says_so():
    refusal = json.dumps({"type": "error", "code": "forbidden", "message": "the ticket is for other calls"})

    with pytest.raises(CannotFollow, match="the ticket is for other calls"):
        await followed(Push([refusal]), until=1)


async def test_a_ticket_that_is_not_let_in_is_an_error_without_the_ticket():
    def refuse(connection, _request):
        return connection.respond(HTTPStatus.FORBIDDEN, "")

    async with serve(lambda _socket: None, "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(CannotFollow, match="answered 403") as raised:
            await anext(follow(url, "the-ticket", "CA1"))

    assert "the-ticket" not in str(raised.value)


async def test_a_service_that_is_not_there_is_an_error_that_says_what_to_do():
    with pytest.raises(CannotFollow, match="is `callscribe up` running"):
        await anext(follow("ws://127.0.0.1:9", "ticket", "CA1"))
