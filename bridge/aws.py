"""AWS as the bridge uses it, without blocking: the log's requests, invocations, secrets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from bridge.dynamodb import Dynamodb
from callscribe.errors import Refused, Unavailable
from callscribe.log import Steps

if TYPE_CHECKING:  # stubs, which the image does not carry
    from types_aiobotocore_lambda import LambdaClient
    from types_aiobotocore_secretsmanager import SecretsManagerClient

T = TypeVar("T")

# One request, the wait for a connection included, which no setting of the client bounds. DynamoDB answers in
# milliseconds; what takes this long is better asked again, and a write is harmless to repeat.
REQUEST_S = 3.0


async def perform(client: Dynamodb, steps: Steps[T]) -> T:
    """Run `steps` to their end and return their result.

    Raises Refused for a request that DynamoDB will never take, such as an item above 400 KB; Unavailable for all else,
    after `REQUEST_S` a request at most. No permission and no table are among that: the fault is not the request's, and
    someone may mend it while the call goes on.
    """
    answer: Any = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await client.ask(request)
        except TimeoutError as error:
            raise Unavailable("dynamodb: no answer in time") from error


async def invoke(client: LambdaClient, name: str, event: bytes) -> None:
    """Have a function invoked, and don't wait for what it does. Raises Unavailable.

    Source: AWS Lambda Developer Guide, "Invoking a Lambda function asynchronously".
    """
    try:
        await client.invoke(FunctionName=name, InvocationType="Event", Payload=event)
    except ClientError as error:
        raise Unavailable(f"lambda: {error.response['Error']['Code']}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise Unavailable(f"lambda: {type(error).__name__}") from error


async def read_secret(client: SecretsManagerClient, name: str) -> dict[str, str]:
    """Return the fields of the secret `name`. Raises Refused if it can't be read or is no JSON object of strings."""
    try:
        answer = await client.get_secret_value(SecretId=name)
        return msgspec.json.decode(answer["SecretString"], type=dict[str, str])
    except (ClientError, BotoCoreError, KeyError, msgspec.DecodeError) as error:
        raise Refused(f"the secret {name} can't be read: {type(error).__name__}") from error
