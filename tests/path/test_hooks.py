"""Hooks that are asked while a call goes on, end to end through the stack as deployed locally."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from standardwebhooks import Webhook

from callscribe.after_call import Card
from callscribe.entries import CallEnded, Utterance
from tests.path.commands import said_by
from tests.path.customer import served
from tests.path.test_one_call import conversation

ASKED = "+12025550108"
LINES = ("I have lost my card", "one moment please", "it is the blue one")


class Assistant:
    """A customer's code, which knows of cards and checks who asks."""

    def __init__(self) -> None:
        self.url = ""
        self.secrets: dict[str, str] = {}
        self.asked: list[dict] = []

    async def answer(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/")
        asked = Webhook(self.secrets[name]).verify(await request.read(), dict(request.headers))
        self.asked.append(asked)
        if name == "typing":
            return web.Response(status=500)  # whoever fails costs the call nothing
        if "card" not in asked["text"]:
            return web.Response(status=204)
        return web.json_response({"title": "Lost cards", "text": "Block it first.", "link": "https://kb.example.com/7"})


@contextlib.asynccontextmanager
async def assisting() -> AsyncIterator[Assistant]:
    assistant = Assistant()
    async with served(assistant.answer) as assistant.url:
        yield assistant


async def test_what_a_hook_answers_is_a_card_of_the_call_while_it_goes_on_and_one_that_fails_costs_it_nothing(up):
    async with assisting() as assistant:
        for name in ("cards", "typing"):
            words = ("hooks", "add", name, f"{assistant.url}/{name}", "--deadline-ms", "10000")
            stdout, _ = await asyncio.to_thread(said_by, up, *words)
            assistant.secrets[name] = stdout.strip()
        placed = await up.place(conversation(*LINES), to_number=ASKED, pace=1)
        listed, _ = await asyncio.to_thread(said_by, up, "hooks", "list")
        for name in ("cards", "typing"):
            await asyncio.to_thread(said_by, up, "hooks", "remove", name)

    bodies = [entry.body for entry in placed.entries]
    (card,) = (body for body in bodies if isinstance(body, Card))
    about = next(body for body in bodies if isinstance(body, Utterance) and body.text == LINES[0])
    assert card == Card(
        hook="cards", utterance=about.id, title="Lost cards", text="Block it first.", link="https://kb.example.com/7"
    )
    ended = next(place for place, body in enumerate(bodies) if isinstance(body, CallEnded))
    assert bodies.index(about) < bodies.index(card) < ended
    utterances = [asked for asked in assistant.asked if asked["hook"] == "cards"]
    assert {asked["text"] for asked in utterances} == {LINES[0], LINES[2]}  # of the caller alone
    assert {asked["kind"] for asked in assistant.asked if asked["hook"] == "typing"} == {"partial"}
    assert [body.text for body in bodies if isinstance(body, Utterance)] == list(LINES)
    assert "10000 ms" in listed
    assert not [secret for secret in (*assistant.secrets.values(), "Block it first") if secret in up.logs()]


def test_what_a_person_gets_wrong_is_one_line_that_says_what_to_do(up):
    wrong = {
        ("add", "Cards", "https://assist.example.com/"): "lower-case letters",
        ("add", "cards", "my-function"): "callscribe-hook-",
        ("add", "cards", "https://assist.example.com/", "--deadline-ms", "1"): "100 to 10000 ms",
        ("remove", "nobody"): "callscribe hooks list",
    }
    for words, expected in wrong.items():
        _, stderr = said_by(up, "hooks", *words, status=2)
        assert expected in " ".join(stderr.split()), words
