"""Tells X-Ray of an invocation: which calls it was for, what it asked of AWS, and how long that took.

X-Ray's own SDK does the same and more, and takes a sixth of a second to import, in each cold start.

Source: AWS X-Ray, "AWS X-Ray segment documents", "Sending segment documents to the X-Ray daemon"; AWS Lambda, "Using
environment variables".
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

Event = TypeVar("Event")
Answer = TypeVar("Answer")
Client = TypeVar("Client")

HEADER = b'{"format": "json", "version": 1}\n'
# A datagram has at most 64 KB, and a fan-out's hundreds of requests are told by their number.
MOST = 50


class Trace:
    """What happens in the invocation that goes on; one at a time, as Lambda has it."""

    def __init__(
        self,
        name: str,
        *,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
        send: Callable[[bytes, tuple[str, int]], object] | None = None,
    ) -> None:
        """`name` is the function's. `send` sends a datagram to X-Ray's daemon, whose address Lambda tells."""
        self._name = name
        self._environment = environment
        self._clock = clock
        self._send = send or _send
        self._parts: list[dict[str, Any]] = []
        self._left_out = 0

    def watched(self, client: Client) -> Client:
        """Return boto3's `client`; what it asks from now on is noted."""
        events = cast("Any", client).meta.events
        events.register("before-call.*.*", self._asks)
        events.register("after-call.*.*", self._is_answered)
        events.register("after-call-error.*.*", self._fails)
        return client

    def of_call(self, call_id: str) -> None:
        """Let the trace be found by a call; there may be several."""
        now = self._clock()
        self._note({"name": "call", "start_time": now, "end_time": now, "annotations": {"call_id": call_id}})

    def capture(self, handler: Callable[[Event, Any], Answer]) -> Callable[[Event, Any], Answer]:
        """Return `handler` so that each of its invocations is told."""

        @functools.wraps(handler)
        def captured(event: Event, context: Any) -> Answer:
            with self.invocation():
                return handler(event, context)

        return captured

    @contextlib.contextmanager
    def invocation(self) -> Iterator[None]:
        """Tell X-Ray of what happens within, if it is sampled. An error is its own matter, and passes through."""
        self._parts, self._left_out = [], 0
        began, fault = self._clock(), True
        try:
            yield
            fault = False
        finally:
            self._tell(began, fault=fault)

    def _tell(self, began: float, *, fault: bool) -> None:
        header = dict(
            part.split("=", 1) for part in self._environment.get("_X_AMZN_TRACE_ID", "").split(";") if "=" in part
        )
        host, _, port = self._environment.get("AWS_XRAY_DAEMON_ADDRESS", "").rpartition(":")
        if header.get("Sampled") != "1" or not host or not port.isdecimal():
            return
        document = {
            "type": "subsegment",
            "name": self._name,
            "id": secrets.token_hex(8),
            "trace_id": header.get("Root", ""),
            "parent_id": header.get("Parent", ""),
            "start_time": began,
            "end_time": self._clock(),
            "fault": fault,
            "metadata": {"callscribe": {"left_out": self._left_out}},
            "subsegments": self._parts,
        }
        with contextlib.suppress(OSError):  # a trace that is lost is no loss to anybody's call
            self._send(HEADER + json.dumps(document).encode(), (host, int(port)))

    def _asks(self, context: dict[str, Any], **_: Any) -> None:
        context["callscribe_began"] = self._clock()

    def _is_answered(self, http_response: Any, context: dict[str, Any], event_name: str, **_: Any) -> None:
        status = http_response.status_code
        told = {"http": {"response": {"status": status}}, "error": 400 <= status < 500, "fault": status >= 500}
        self._asked(event_name, context, told)

    def _fails(self, context: dict[str, Any], event_name: str, **_: Any) -> None:
        self._asked(event_name, context, {"fault": True})

    def _asked(self, event_name: str, context: dict[str, Any], told: dict[str, Any]) -> None:
        _, service, operation = event_name.split(".")  # after-call.dynamodb.PutItem
        now = self._clock()
        began = context.get("callscribe_began", now)
        aws = {"operation": operation}
        self._note({"name": service, "namespace": "aws", "start_time": began, "end_time": now, "aws": aws, **told})

    def _note(self, part: dict[str, Any]) -> None:
        if len(self._parts) < MOST:
            self._parts.append({"id": secrets.token_hex(8), **part})
        else:
            self._left_out += 1


def _send(datagram: bytes, address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.sendto(datagram, address)
