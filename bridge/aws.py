"""AWS as the bridge uses it, without blocking: the log's requests, posts to connections, invocations, secrets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from callscribe.dynamodb import answer_of, is_final
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.log import Steps
from callscribe.requests import Conflict, Request

if TYPE_CHECKING:  # stubs, which the image does not carry
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_lambda import LambdaClient
    from types_aiobotocore_secretsmanager import SecretsManagerClient

T = TypeVar("T")

# One request, the wait for a connection included, which no setting of the client bounds. DynamoDB answers in
# milliseconds; what takes this long is better asked again, and a write is harmless to repeat.
REQUEST_S = 3.0


async def perform(client: DynamoDBClient, steps: Steps[T]) -> T:
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
        answer = await _ask(client, request)


async def _ask(client: DynamoDBClient, request: Request) -> Any:
    try:
        async with asyncio.timeout(REQUEST_S):
            return await getattr(client, request.method)(**request.arguments)
    except ClientError as error:
        return _answer_of(error)
    except (BotoCoreError, ResponseParserError, TimeoutError) as error:
        raise Unavailable(f"dynamodb: {type(error).__name__}") from error


def _answer_of(error: ClientError) -> Conflict:
    code = error.response["Error"]["Code"]
    if is_final(error):
        raise Refused(f"dynamodb: {code}") from error
    try:
        return answer_of(error)
    except ClientError:
        raise Unavailable(f"dynamodb: {code}") from error


async def post(client: ApiGatewayManagementApiClient, connection_id: str, frame: bytes) -> None:
    """Send `frame` to a client's connection, however long that takes. Raises SubscriberGone; Unavailable for all else.

    Source: API Gateway, "Use @connections commands in your backend service".
    """
    try:
        await client.post_to_connection(ConnectionId=connection_id, Data=frame)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
            raise SubscriberGone(connection_id) from error
        raise Unavailable(f"post: {error.response['Error']['Code']}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise Unavailable(f"post: {type(error).__name__}") from error


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
