"""AWS as the bridge uses it, without blocking: the log's requests, posts to connections, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.dynamodb import answer_of
from callscribe.errors import Refused, SubscriberGone, Unavailable
from callscribe.log import Steps
from callscribe.requests import Request

if TYPE_CHECKING:  # stubs, which the image does not carry
    from types_aiobotocore_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_secretsmanager import SecretsManagerClient

T = TypeVar("T")


async def perform(client: DynamoDBClient, steps: Steps[T]) -> T:
    """Run `steps` to their end and return their result. Raises Unavailable where DynamoDB can't answer now."""
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
        return await getattr(client, request.method)(**request.arguments)
    except ClientError as error:
        return answer_of(error)
    except BotoCoreError as error:
        raise Unavailable(f"dynamodb: {type(error).__name__}") from error


async def post(client: ApiGatewayManagementApiClient, connection_id: str, frame: bytes) -> None:
    """Send `frame` to a client's connection. Raises SubscriberGone, or Unavailable for all that may pass."""
    try:
        await client.post_to_connection(ConnectionId=connection_id, Data=frame)
    except client.exceptions.GoneException as error:
        raise SubscriberGone(connection_id) from error
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"post: {type(error).__name__}") from error


async def read_secret(client: SecretsManagerClient, name: str) -> dict[str, str]:
    """Return the fields of the secret `name`. Raises Refused if it can't be read or is no JSON object of strings."""
    try:
        answer = await client.get_secret_value(SecretId=name)
        return msgspec.json.decode(answer["SecretString"], type=dict[str, str])
    except (ClientError, BotoCoreError, KeyError, msgspec.DecodeError) as error:
        raise Refused(f"the secret {name} can't be read: {type(error).__name__}") from error
