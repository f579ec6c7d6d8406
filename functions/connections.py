"""Clients' connections to the WebSocket API, as something to post frames to."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Refused, SubscriberGone, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

_TEMPORARY = {"LimitExceededException", "ThrottlingException", "TooManyRequestsException"}
_LONGEST_PAUSE_S = 0.8


class Connections:
    """The connections of one stage.

    Source: API Gateway, "Use @connections commands in your backend service".
    """

    def __init__(
        self,
        client: ApiGatewayManagementApiClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`client` makes one attempt a call, since this has a patience of its own; it may be shared by threads."""
        self._client = client
        self._clock = clock
        self._sleep = sleep

    def post(self, connection_id: str, frame: bytes, *, patience_s: float) -> None:
        """Send `frame`, trying again for `patience_s` seconds while the service can't take it.

        Raises SubscriberGone; Unavailable when patience ran out; Refused for a frame that is too long for any
        connection. Lacking permission stays botocore's own error.
        """
        deadline = self._clock() + patience_s
        pause_s = 0.05
        while True:
            try:
                return self._post(connection_id, frame)
            except Unavailable:
                # Between half and all of it, so that the posts which failed together don't come back together.
                pause_now_s = pause_s * random.uniform(0.5, 1)  # noqa: S311
                if self._clock() + pause_now_s >= deadline:
                    raise
                self._sleep(pause_now_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _post(self, connection_id: str, frame: bytes) -> None:
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=frame)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 410:
                raise SubscriberGone("the connection is closed") from error
            if status == 413:
                raise Refused(f"a frame of {len(frame)} bytes is too long") from error
            if status == 429 or status >= 500 or code in _TEMPORARY:
                raise Unavailable(f"post: {code}") from error
            raise
        except BotoCoreError as error:
            raise Unavailable(f"post: {type(error).__name__}") from error
