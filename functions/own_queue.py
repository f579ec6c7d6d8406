"""The queue that a function reads, as it changes what is in it: what waits comes when the function says.

Source: Amazon SQS Developer Guide, "Visibility timeout"; AWS Lambda Developer Guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.bus import Detail
from callscribe.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageRequestTypeDef

MOST_S = 12 * 3600  # SQS postpones no longer, counted from when the message was received


class OwnQueue:
    """The queue at `url`."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def postpone(self, receipt: str, *, seconds: int) -> None:
        """Have a message that is being read, and will be answered as failed, come again in `seconds`.

        Raises Unavailable: then it comes when the queue lets it.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=min(seconds, MOST_S)
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"sqs: {type(error).__name__}") from error

    def send(self, detail: Detail) -> None:
        """Put in what reads as an event of the bus. Raises Unavailable."""
        self.put(msgspec.json.encode({"detail": detail}).decode())

    def put(self, body: str, *, group: str | None = None, delay_s: int = 0) -> None:
        """Put in a message, to come out after at most 900 seconds. Raises Unavailable.

        In a queue without order a `group` is whose share of the reader is looked at (Developer Guide, "Fair queues").
        """
        message: SendMessageRequestTypeDef = {
            "QueueUrl": self._url,
            "MessageBody": body,
            "DelaySeconds": delay_s,
        }
        if group is not None:
            message["MessageGroupId"] = group
        try:
            self._client.send_message(**message)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"sqs: {type(error).__name__}") from error
