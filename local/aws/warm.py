"""Start functions once, so that the first call doesn't wait for their cold starts (half a second of a core each here).

Each event is one that the function answers without reading or writing anything of a call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from local.aws.cloudformation import DeployError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from local.aws.local_stack import LocalStack

EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    # A path that no route has.
    "voice": {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/", "sourceIp": "127.0.0.1"}, "stage": "$default"},
        "isBase64Encoded": False,
    },
    # A ticket that nobody signed.
    "authorize": {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:none/live/$connect",
        "headers": {},
        "queryStringParameters": {"ticket": "none"},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "none"},
    },
    # A connection opens; nothing is kept of it until it subscribes.
    "subscribe": {
        "headers": {},
        "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "none", "requestId": "none"},
        "isBase64Encoded": False,
    },
    "push": {"Records": []},
    "publish": {"Records": []},
    "finish": {"Records": []},
    "batch": {"Records": []},
    "deliver": {"Records": []},
    # Nothing was said.
    "assist": {},
    # Nobody's request.
    "calls": {
        "version": "2.0",
        "routeKey": "GET /v1/calls",
        "rawPath": "/v1/calls",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "http": {"method": "GET", "path": "/v1/calls", "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    },
    # A file that isn't there.
    "page": {"rawPath": "/nothing", "headers": {}},
    # As by its clock: no day is over yet.
    "join": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    # Its own event: there is nothing to look after yet.
    "sweep": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
}


async def warm(stack: LocalStack, *, only: Collection[str] | None = None) -> None:
    """Return once every function has answered, or each of `only`.

    Raises DeployError if one can't start or has no event here.
    """
    if strangers := sorted(set(stack.functions) - set(EVENTS)):
        raise DeployError(f"local.aws.warm has no event for {', '.join(strangers)}")
    client: LambdaClient = await asyncio.to_thread(stack.root.client, "lambda")
    wanted = stack.functions if only is None else {folder: stack.functions[folder] for folder in only}
    starts = [asyncio.to_thread(_start, client, folder, name) for folder, name in wanted.items()]
    await asyncio.gather(*starts)


def _start(client: LambdaClient, folder: str, name: str) -> None:
    response = client.invoke(FunctionName=name, Payload=json.dumps(EVENTS[folder]))
    if "FunctionError" in response:
        error = json.loads(response["Payload"].read())
        raise DeployError(
            f"the function {folder} does not start: {error.get('errorType')}: {error.get('errorMessage')}"
        )
