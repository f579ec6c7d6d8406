"""Posts a message to a customer's endpoint: to a public address, once, and for fifteen seconds at most."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from callscribe.errors import Refused, Unavailable
from functions.public_address import PublicConnection

LIMIT_S = 15.0
# What an answer says is of no use to us, but an endpoint may want to see it taken.
MOST_BYTES = 64 * 1024

Connect: TypeAlias = Callable[[SplitResult], HTTPConnection]


def public_only(url: SplitResult) -> HTTPConnection:
    """Connect to what anybody can reach, over TLS. Raises Refused for all else."""
    if url.scheme != "https":
        raise Refused("the endpoint is not https")
    return PublicConnection(url.netloc, timeout_s=LIMIT_S)


def anywhere(url: SplitResult) -> HTTPConnection:
    """Connect to any address, as on a laptop, where the endpoint is beside us."""
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return kind(url.netloc, timeout=LIMIT_S)


def post(
    address: str, headers: Mapping[str, str], body: bytes, *, connect: Connect = public_only, limit_s: float = LIMIT_S
) -> int:
    """Post `body` and return the answer's status; redirects are not followed, as they could lead anywhere.

    Raises Unavailable where no answer comes in time, and Refused for an address that is none, or not public.
    """
    try:
        url = urlsplit(address)
        connection = connect(url)
    except (ValueError, InvalidURL) as error:
        raise Refused("the endpoint's address is none") from error
    with _ended_after(limit_s, connection) as was_ended:
        try:
            connection.request("POST", _target(url), body=body, headers=dict(headers))
            answer = connection.getresponse()
            answer.read(MOST_BYTES)
        except InvalidURL as error:
            raise Refused("the endpoint's address is none") from error
        except (OSError, HTTPException) as error:
            reason = f"no answer within {limit_s:g} s" if was_ended() else f"no answer: {type(error).__name__}"
            raise Unavailable(reason) from error
    return answer.status


@contextmanager
def _ended_after(seconds: float, connection: HTTPConnection) -> Iterator[Callable[[], bool]]:
    """End a connection after so long, however slowly something comes; what is yielded tells whether that happened.

    A socket's own timeout is for each piece of an answer, of which there may be any number.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        if connection.sock is not None:
            with suppress(OSError):
                # Not closed, which would leave a read waiting; and of the socket itself, as TLS has no part in it.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    watch = threading.Timer(seconds, end)
    watch.start()
    try:
        yield ended.is_set
    finally:
        watch.cancel()
        connection.close()


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
