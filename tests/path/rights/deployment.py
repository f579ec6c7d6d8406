"""The app as deployed to the local AWS, with every request of its processes witnessed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from websockets.asyncio.client import connect

from callscribe.dynamodb import perform
from callscribe.entries import CallStarted, timestamp
from callscribe.log import Log
from callscribe.messages import as_json, decode_frame
from callscribe.subscriptions import Subscription, Subscriptions
from callscribe.tickets import push_ticket, sign
from local.twilio.account import Account, new_sid
from tests.path.rights.act import FunctionFailed
from tests.path.rights.clients import client
from tests.path.rights.right import Right

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from callscribe.log import Steps
    from local.aws import LocalStack
    from tests.path.rights.role import Role
    from tests.path.rights.witness import Witness

T = TypeVar("T")

DATA = Path(__file__).parents[2] / "data"
TENANT = "acme"
ACCOUNT = Account(sid="AC" + "0123456789abcdef" * 2, auth_token="example-token-not-a-secret")
SIGNING_KEY = "example-key-not-a-secret"
GLADIA_KEY = "example-key-of-gladia"
SECRETS = {
    "TWILIO_SECRET": {"auth_token": ACCOUNT.auth_token},
    "GLADIA_SECRET": {"api_key": GLADIA_KEY},
    "SIGNING_SECRET": {"current": SIGNING_KEY},
}
SETTINGS = json.dumps({"default": {"then": {"dial": "+12025550199"}, "tenant": TENANT}})
STARTED = CallStarted(
    provider="twilio", direction="inbound", account=ACCOUNT.sid, from_number="+12025550101", to_number="+12025550188"
)
LONG = 3600


@dataclass(frozen=True, slots=True)
class Deployment:
    """`environments` are those of the functions as deployed, by folder; `roles` are by their names in templates."""

    stack: LocalStack
    witness: Witness
    environments: Mapping[str, Mapping[str, str]]
    roles: Mapping[str, Role]
    _anew: set[str] = field(default_factory=set)  # functions whose next invocation is a process's first

    @asynccontextmanager
    async def witnessed(self, folder: str, **variables: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Have all that a function asks of AWS witnessed while inside; what is yielded starts it anew.

        `variables` are set beside those that it has as deployed.
        """
        deployed = self.environments[folder]
        changed = {"AWS_ENDPOINT_URL": self.witness.url, **variables}
        if "PUSH_ENDPOINT" in deployed:
            changed["PUSH_ENDPOINT"] = self.witness.at(deployed["PUSH_ENDPOINT"])

        async def start_anew() -> None:
            if folder not in self._anew:
                await self._set(folder, {**deployed, **changed})

        await self._set(folder, {**deployed, **changed})
        try:
            yield start_anew
        finally:
            await self._set(folder, deployed)

    async def _set(self, folder: str, variables: Mapping[str, str]) -> None:
        functions = client(self.stack.root, "lambda")
        name, environment = self.stack.functions[folder], {"Variables": dict(variables)}
        await asyncio.to_thread(functions.update_function_configuration, FunctionName=name, Environment=environment)
        self._anew.add(folder)

    @contextmanager
    def by_hand(self, folder: str) -> Iterator[None]:
        """Leave what comes into the queue of a function to the tests while inside."""
        functions = client(self.stack.root, "lambda")
        name = self.stack.functions[folder]
        (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    async def invoke(self, folder: str, event: Any) -> Any:
        """Return what a function answers. Raises FunctionFailed."""
        functions = client(self.stack.root, "lambda")
        name, payload = self.stack.functions[folder], json.dumps(event)
        answer = await asyncio.to_thread(functions.invoke, FunctionName=name, Payload=payload)
        result = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            self._anew.add(folder)  # the local AWS goes on with another process
            raise FunctionFailed(result.get("errorMessage"))
        self._anew.discard(folder)
        return result

    def table(self, steps: Steps[T]) -> T:
        """Do an operation on a table, as root."""
        return perform(client(self.stack.root, "dynamodb"), steps)

    def log(self, call_id: str) -> list[str]:
        """Return the kinds of a call's entries."""
        return [entry.kind for entry in self.table(Log(self.stack.calls_table, call_id).read())]

    def item(self, table: str, **key: str) -> dict[str, Any] | None:
        """Return an item of the table that the variable `table` of some process names; None if it isn't there."""
        dynamodb = client(self.stack.root, "dynamodb")
        return dynamodb.get_item(
            TableName=self.variable(table), Key={name: {"S": value} for name, value in key.items()}
        ).get("Item")

    def listed(self, call_id: str) -> str | None:
        """Return the status under which a call is listed, None if it isn't."""
        head = self.item("CALLS_TABLE", pk=f"CALL#{call_id}", sk="HEAD") or {}
        return head.get("status", {}).get("S")

    def empty(self, table: str) -> None:
        """Delete all items of a table with the keys pk and sk."""
        dynamodb = client(self.stack.root, "dynamodb")
        for item in dynamodb.scan(TableName=self.variable(table))["Items"]:
            dynamodb.delete_item(TableName=self.variable(table), Key={"pk": item["pk"], "sk": item["sk"]})

    def variable(self, name: str) -> str:
        """Return the value of a variable, whichever process has it."""
        environments = (*self.environments.values(), self.stack.bridge)
        return next(variables[name] for variables in environments if name in variables)

    def new_call(self, *, begun: timedelta = timedelta()) -> str:
        """Open the log of a call that nobody else knows of, and that began so long ago; return its id."""
        call_id = new_sid("CA")
        at = timestamp(datetime.now(UTC) - begun)
        self.table(Log(self.stack.calls_table, call_id).open(STARTED, at=at, tenant=TENANT, token=call_id))
        return call_id

    @contextmanager
    def spoiled(self, call_id: str) -> Iterator[None]:
        """Let a call's log be unreadable while inside."""
        dynamodb = client(self.stack.root, "dynamodb")
        first = self.item("CALLS_TABLE", pk=f"CALL#{call_id}", sk="LOG#0000000001")
        dynamodb.put_item(TableName=self.stack.calls_table, Item={**first, "body": {"S": "{"}})
        yield
        dynamodb.put_item(TableName=self.stack.calls_table, Item=first)

    @property
    def subscriptions(self) -> Subscriptions:
        return Subscriptions(self.stack.subscriptions_table)

    def subscribed(self, call_id: str, connection_id: str) -> Subscription:
        """Let a connection follow a call."""
        subscription = Subscription(call_id, connection_id, TENANT, int(time.time()) + LONG)
        self.table(self.subscriptions.put(subscription))
        return subscription

    def followers(self, call_id: str) -> list[Subscription]:
        return self.table(self.subscriptions.of_call(call_id, now_s=0))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Connect as a client of the WebSocket API does; `subscribe` is witnessed until all of it is forgotten."""
        call_id = self.new_call()
        ticket = sign(push_ticket(TENANT, None, expires_at=int(time.time()) + LONG), SIGNING_KEY)
        async with self.witnessed("subscribe") as start_anew:
            async with connect(f"{self.stack.push_url}?ticket={ticket}") as socket:
                await socket.send(json.dumps({"action": "subscribe", "call_id": call_id}))
                while as_json(decode_frame(await socket.recv())[-1])["type"] != "replayed":
                    pass
                (follower,) = self.followers(call_id)
                yield Client(self, socket, follower.connection_id, start_anew)
                self.empty("SUBSCRIPTIONS_TABLE")
                self.subscribed(call_id, follower.connection_id)
                self.witness.begin()
            await asyncio.to_thread(self.witness.wait_for, Right("dynamodb:DeleteItem", "SUBSCRIPTIONS_TABLE"))


@dataclass(frozen=True, slots=True)
class Client:
    """A connection to the WebSocket API."""

    deployment: Deployment
    socket: Any
    id: str
    start_anew: Callable[[], Awaitable[None]]  # of `subscribe`, which answers it

    async def received(self) -> list[dict[str, Any]]:
        """Return the messages that were posted to it since the last time."""
        root, url = self.deployment.stack.root, self.deployment.stack.bridge["PUSH_ENDPOINT"]
        gateway = client(root, "apigatewaymanagementapi", url)
        await asyncio.to_thread(gateway.post_to_connection, ConnectionId=self.id, Data=b"that is all")
        messages: list[dict[str, Any]] = []
        while (frame := await self.socket.recv()) != "that is all":
            messages += [as_json(each) for each in decode_frame(frame)]
        return messages


def event(name: str) -> dict[str, Any]:
    """Return an event as AWS sends it."""
    return json.loads((DATA / name).read_text())
