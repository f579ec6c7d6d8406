"""Webhooks of a call, end to end through the stack as deployed locally, and the commands that look after them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks import Webhook

from local.aws.engine import root_at
from tests.path.commands import CALLSCRIBE, said_by
from tests.path.customer import served
from tests.path.test_one_call import conversation

LINES = ("I have lost my card", "one moment please")


@dataclass
class Crm:
    """A customer's server, which checks what it is sent by the library that the standard's authors give out."""

    url: str = ""
    secret: str = ""
    answers: list[int] = field(default_factory=list)  # the first ones, then 200 for ever
    received: asyncio.Queue = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.Response:
        document = Webhook(self.secret).verify(await request.read(), dict(request.headers))
        await self.received.put((document, request.headers))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def told(self, call_id: str, kind: str):
        """Return the next message of a call and kind, and its headers."""
        async with asyncio.timeout(60):
            while True:
                document, headers = await self.received.get()
                if (document["data"]["call_id"], document["type"]) == (call_id, kind):
                    return document, headers


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Crm]:
    crm = Crm()
    async with served(crm.answer) as root:
        crm.url = f"{root}/hooks"
        yield crm


def said(up, *words: str, status: int = 0) -> tuple[str, str]:
    """Return what a command for webhooks says, and what it says beside it."""
    return said_by(up, "webhooks", *words, status=status)


def tick(up) -> None:
    """Do as the minute's clock does."""
    functions = root_at(up.addresses.aws_url).client("lambda")
    (name,) = (
        each["FunctionName"] for each in functions.list_functions()["Functions"] if "Deliver" in each["FunctionName"]
    )
    event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    assert "FunctionError" not in functions.invoke(FunctionName=name, Payload=json.dumps(event))


async def test_an_endpoint_is_told_that_a_transcript_is_ready_until_it_takes_it_and_again_on_demand(up):
    async with receiving() as crm:
        stdout, stderr = await asyncio.to_thread(said, up, "add", crm.url, "--kind", "transcript.ready")
        crm.secret = stdout.strip()
        endpoint = re.search(r"we_[0-9a-f]+", stderr)[0]
        crm.answers = [503]
        placed = await up.place(conversation(*LINES))
        call_id = placed.report.call_sid

        first, at_first = await crm.told(call_id, "transcript.ready")
        second, then = await crm.told(call_id, "transcript.ready")
        assert first == second
        assert at_first["webhook-id"] == then["webhook-id"] == f"{call_id}.{first['data']['seq']}"
        assert first["data"]["body"]["utterances"] == len(LINES)

        fresh, _ = await asyncio.to_thread(said, up, "rotate", endpoint)
        before, crm.secret = crm.secret, fresh.strip()
        again, _ = await asyncio.to_thread(said, up, "replay", endpoint, "--since", "10m", "--all")
        assert re.search(r"[1-9]\d* of \d+ are told again", again)
        await asyncio.to_thread(tick, up)
        third, headers = await crm.told(call_id, "transcript.ready")
        assert third == first
        assert len(headers["webhook-signature"].split()) == 2
        assert before != crm.secret

        log, _ = await asyncio.to_thread(said, up, "log", endpoint)
        (line,) = [line for line in log.splitlines() if call_id in line]
        assert "transcript.ready" in line
        await asyncio.to_thread(said, up, "remove", endpoint)
        listed, _ = await asyncio.to_thread(said, up, "list")
        assert endpoint not in listed


async def test_one_can_listen_on_the_laptop(up):
    listener = await asyncio.create_subprocess_exec(
        *CALLSCRIBE, "webhooks", "listen", "--state", str(up.state), "--kind", "call.ended",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            assert b"listening at http://127.0.0.1:" in await listener.stdout.readline()
            placed = await up.place(conversation(*LINES))
            shown = b""
            while placed.report.call_sid.encode() not in shown or b'"completed"' not in shown:
                line = await listener.stdout.readline()
                assert line, await listener.stderr.read()
                shown += line
        assert b"call.ended" in shown
        assert b"signed as it should be" in shown
    finally:
        listener.send_signal(signal.SIGTERM)
        await listener.wait()
    endpoint = re.search(rb"we_[0-9a-f]+", await listener.stderr.read())[0].decode()
    listed, _ = await asyncio.to_thread(said, up, "list")
    assert endpoint not in listed


def test_what_a_person_gets_wrong_is_one_line_that_says_what_to_do(up):
    wrong = {
        ("add", "ftp://crm.example.com/"): "https://crm.example.com/callscribe",
        ("add", "https://crm.example.com/", "--kind", "utterance"): "among call.started",
        ("rotate", "we_none"): "callscribe webhooks list",
        ("disable", "we_none"): "callscribe webhooks list",
        ("enable", "we_none"): "callscribe webhooks list",
        ("remove", "we_none"): "callscribe webhooks list",
        ("log", "we_none", "--since", "yesterday"): "a date such as",
        ("log", "we_none", "--only", "lost"): "waiting, delivered, dead, skipped",
        ("replay", "we_none", "--since", "99999999999d"): "a date such as",
    }
    for words, expected in wrong.items():
        _, stderr = said(up, *words, status=2)
        assert expected in " ".join(stderr.split()), words
        assert "Traceback" not in stderr


def test_an_endpoint_is_switched_off_and_on(up):
    _, stderr = said(up, "add", "https://crm.example.com/hooks")
    endpoint = re.search(r"we_[0-9a-f]+", stderr)[0]

    said(up, "disable", endpoint, "--why", "a move")
    assert re.search(rf"{endpoint} .*off since .*: a move", said(up, "list")[0])
    said(up, "enable", endpoint)
    assert re.search(rf"{endpoint} .* on", said(up, "list")[0])
    said(up, "remove", endpoint)
