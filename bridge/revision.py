"""Whether a deployment has put another revision in this task's place.

Source: Amazon ECS, "Task metadata endpoint version 4" and DescribeServices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage

logger = logging.getLogger(__name__)

ASK_S = 30.0  # a deployment takes minutes, and ECS counts how often it is asked
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where this task runs, and as what."""

    cluster: str
    service: str
    task_definition: str  # family:revision

    @classmethod
    def of(cls, metadata: bytes) -> Self:
        """Return what the task's metadata say. Raises MalformedMessage; a task of no service has no place."""
        try:
            task = msgspec.json.decode(metadata, type=_Task)
        except NOT_DECODABLE as error:
            raise MalformedMessage(f"task metadata: {error}", kind="shape") from error
        return cls(task.Cluster, task.ServiceName, f"{task.Family}:{task.Revision}")

    def is_superseded(self, services: Mapping[str, Any]) -> bool:
        """Return whether DescribeServices tells that the service is on its way to another revision than this task's.

        A deployment that fails is rolled back: then this one's revision is the service's again.
        """
        for service in services.get("services", []):
            for deployment in service.get("deployments", []):
                if deployment.get("status") == "PRIMARY":
                    name = str(deployment.get("taskDefinition", "")).rpartition("/")[2]
                    return bool(name) and name != self.task_definition
        return False


class _Task(msgspec.Struct, frozen=True):
    Cluster: str
    ServiceName: str
    Family: str
    Revision: str


class Revision:
    """This task's revision, beside its service's; asked of ECS at most every `every_s`."""

    def __init__(self, http: aiohttp.ClientSession, ecs: Any, metadata_url: str, *, every_s: float = ASK_S) -> None:
        """`ecs` is aiobotocore's client. `metadata_url` is ECS_CONTAINER_METADATA_URI_V4."""
        self._http = http
        self._ecs = ecs
        self._url = f"{metadata_url}/task"
        self._every_s = every_s
        self._place: Place | None = None
        self._ask_at = 0.0
        self._is_superseded = False

    async def is_superseded(self) -> bool:
        """Return whether this task is to make room; what was known last, while nobody can tell."""
        now = asyncio.get_running_loop().time()
        if now >= self._ask_at:
            self._ask_at = now + self._every_s
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    self._is_superseded = await self._ask()
            except (aiohttp.ClientError, BotoCoreError, ClientError, MalformedMessage, TimeoutError) as error:
                logger.warning("it is not known whether another revision is deployed", extra={"reason": str(error)})
        return self._is_superseded

    async def _ask(self) -> bool:
        if self._place is None:
            async with self._http.get(self._url) as response:
                self._place = Place.of(await response.read())
        place = self._place
        answer = await self._ecs.describe_services(cluster=place.cluster, services=[place.service])
        return place.is_superseded(answer)
