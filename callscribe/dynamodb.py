"""Performs the log's requests with boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable
from callscribe.requests import Conflict, Item, Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from callscribe.log import Steps

T = TypeVar("T")

# Source: Amazon DynamoDB, "Error handling with DynamoDB".
_TEMPORARY = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
}


def perform(client: DynamoDBClient, steps: Steps[T]) -> T:
    """Run `steps` to their end and return their result.

    Raises Unavailable where DynamoDB can't answer now; refusals (no permission, no table) stay botocore's own errors.
    """
    answer: Any = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        answer = _ask(client, request)


def _ask(client: DynamoDBClient, request: Request) -> Any:
    try:
        return getattr(client, request.method)(**request.arguments)
    except ClientError as error:
        return answer_of(error)
    except BotoCoreError as error:
        raise Unavailable(f"dynamodb: {type(error).__name__}") from error


def answer_of(error: ClientError) -> Conflict:
    """Return the answer that `error` carries: a conditional put's conflict; raise what is a failure.

    Raises Unavailable for throttling and the service's own faults, and `error` itself for all else.
    """
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return Conflict(cast("Item", error.response.get("Item", {})))
    # A fault may also come from something in between, with a code of its own or none.
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _TEMPORARY or status >= 500 or status == 429:
        raise Unavailable(f"dynamodb: {code}", retry_after_s=0.1) from error
    raise error
