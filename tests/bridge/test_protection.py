"""The task's protection, with an agent and an ECS that answer as theirs do."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from bridge.protection import MINUTES, RENEW_S, Protection
from bridge.revision import Place, Revision
from callscribe.errors import MalformedMessage

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/bridge"
FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/bridge"
METADATA = {"Cluster": CLUSTER, "ServiceName": "bridge", "Family": "bridge", "Revision": "7", "TaskARN": "arn:…"}


class Ecs:
    """The agent of a task, and its service."""

    def __init__(self) -> None:
        self.url = ""
        self.states: list[dict[str, Any]] = []
        self.agent_status = 200
        self.revision = 7  # that the service is to have
        self.refuses = False
        self.asked = 0
        self.metadata: bytes = json.dumps(METADATA).encode()

    async def put(self, request: web.Request) -> web.Response:
        self.states.append(await request.json())
        return web.json_response({}, status=self.agent_status)

    async def task(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.metadata)

    async def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        self.asked += 1
        assert (cluster, services) == (CLUSTER, ["bridge"])
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeServices")
        old = {"status": "ACTIVE", "taskDefinition": f"{FAMILY}:7"}
        new = {"status": "PRIMARY", "taskDefinition": f"{FAMILY}:{self.revision}"}
        return {"services": [{"deployments": [old, new]}]}


@pytest.fixture
async def ecs():
    ecs = Ecs()
    app = web.Application()
    app.router.add_put("/api/task-protection/v1/state", ecs.put)
    app.router.add_get("/v4/task", ecs.task)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ecs.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield ecs
    await runner.cleanup()


class Task:
    """A task with some calls."""

    def __init__(self, ecs: Ecs, http: aiohttp.ClientSession, *, every_s: float) -> None:
        self.live = 0
        self.revision = Revision(http, ecs, f"{ecs.url}/v4", every_s=every_s)
        self.protection = Protection(http, f"{ecs.url}/api", lambda: self.live, self.revision.is_superseded)

    async def look(self, live: int) -> None:
        self.live = live
        await self.protection.look()


@asynccontextmanager
async def running(ecs: Ecs, *, every_s: float = 0):
    async with aiohttp.ClientSession() as http:
        yield Task(ecs, http, every_s=every_s)


@pytest.fixture
async def task(ecs):
    async with running(ecs) as task:
        yield task


PROTECTED = {"ProtectionEnabled": True, "ExpiresInMinutes": MINUTES}
LIFTED = {"ProtectionEnabled": False}


async def test_a_task_is_protected_from_its_first_call_to_its_last(ecs, task):
    for live in (0, 1, 3, 1, 0, 0):
        await task.look(live)

    assert ecs.states == [PROTECTED, LIFTED]


async def test_it_is_renewed_in_time(ecs, task, monkeypatch):
    await task.look(1)
    monkeypatch.setattr(task.protection, "_renew_at", 0.0)
    await task.look(1)

    assert ecs.states == [PROTECTED, PROTECTED]
    assert RENEW_S < MINUTES * 60 / 2


async def test_what_the_agent_refuses_is_asked_for_again(ecs, task):
    ecs.agent_status = 429
    await task.look(1)
    ecs.agent_status = 200
    await task.look(1)
    await task.look(1)

    assert (ecs.states, task.protection.failed) == ([PROTECTED, PROTECTED], 1)


async def test_a_task_makes_room_for_another_revision_although_it_has_calls(ecs, task):
    await task.look(5)
    ecs.revision = 8
    await task.look(5)
    await task.look(5)

    assert ecs.states == [PROTECTED, LIFTED]


async def test_it_is_protected_again_if_the_deployment_is_rolled_back(ecs, task):
    await task.look(5)
    ecs.revision = 8
    await task.look(5)
    ecs.revision = 7
    await task.look(5)

    assert ecs.states == [PROTECTED, LIFTED, PROTECTED]


@pytest.mark.parametrize("metadata", [b"", b"{}", b"[]", b'{"Cluster":7}', b"\xff"])
async def test_while_it_is_not_known_what_is_deployed_calls_are_protected(ecs, task, metadata):
    ecs.metadata = metadata

    await task.look(1)

    assert ecs.states == [PROTECTED]
    with pytest.raises(MalformedMessage):
        Place.of(metadata)


async def test_so_they_are_while_ecs_does_not_say(ecs, task):
    ecs.refuses = True
    await task.look(1)
    assert ecs.states == [PROTECTED]

    ecs.refuses, ecs.revision = False, 8
    await task.look(1)
    assert ecs.states == [PROTECTED, LIFTED]


async def test_ecs_is_not_asked_at_each_look_nor_by_a_task_without_calls(ecs):
    async with running(ecs, every_s=3600) as task:
        for live in (0, 0, 1, 1, 1):
            await task.look(live)

    assert ecs.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"services": []},
        {"services": [{}]},
        {"services": [{"deployments": []}]},
        {"services": [{"deployments": [{"status": "PRIMARY"}]}]},
        {"services": [{"deployments": [{"status": "ACTIVE", "taskDefinition": f"{FAMILY}:8"}]}]},
    ],
)
def test_an_answer_without_another_revision_supersedes_nothing(answer):
    assert not Place(CLUSTER, "bridge", "bridge:7").is_superseded(answer)


async def test_outside_ecs_there_is_nothing_to_do():
    async with aiohttp.ClientSession() as http:
        await Protection(http, "", lambda: 1, Revision(http, None, "").is_superseded).run()
