"""Invokes a customer's function and waits for its answer, so long and no longer."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def invoke(client: LambdaClient, name: str, event: bytes, limit_s: float) -> bytes:
    """Return what the function answers. Raises Unavailable: late, failed, or not there."""
    answer: Future[bytes] = Future()
    # A thread that nobody waits for: boto3's own limits are those of the client, the same for each request.
    threading.Thread(target=_invoke, args=(client, name, event, answer), daemon=True).start()
    try:
        return answer.result(limit_s)
    except TimeoutError as error:
        raise Unavailable(f"no answer within {limit_s:.1f} s") from error


def _invoke(client: LambdaClient, name: str, event: bytes, answer: Future[bytes]) -> None:
    try:
        given = client.invoke(FunctionName=name, Payload=event)
        if "FunctionError" in given:
            answer.set_exception(Unavailable("the function failed"))
        else:
            answer.set_result(given["Payload"].read())
    except ClientError as error:
        answer.set_exception(Unavailable(f"lambda: {error.response['Error']['Code']}"))
    except BotoCoreError as error:
        answer.set_exception(Unavailable(f"lambda: {type(error).__name__}"))
