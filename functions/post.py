"""Posts to a customer's address, which has to be a public one, once, and for so long at most."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from typing import TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from callscribe.errors import Refused, Unavailable
from functions.public_address import PublicConnection

T = TypeVar("T")

LIMIT_S = 15.0
# What an answer says is of no use to us, but an endpoint may want to see it taken: so much of it, and for so long.
MOST_BYTES = 64 * 1024
DRAIN_S = 1.0

Connect: TypeAlias = Callable[[SplitResult], HTTPConnection]


def public_only(url: SplitResult) -> HTTPConnection:
    """Return a connection to what anybody can reach, over TLS. Raises Refused for all else."""
    if url.scheme != "https":
        raise Refused("the endpoint is not https")
    return PublicConnection(url.netloc, timeout_s=LIMIT_S)


def anywhere(url: SplitResult) -> HTTPConnection:
    """Return a connection to any address, as on a laptop, where the endpoint is beside us."""
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return kind(url.netloc, timeout=LIMIT_S)


# Where customers' addresses may be, by the variable WEBHOOK_TARGETS: on a laptop, beside us.
TARGETS: Mapping[str, Connect] = {"public": public_only, "anywhere": anywhere}


def post(
    address: str, headers: Mapping[str, str], body: bytes, *, connect: Connect = public_only, limit_s: float = LIMIT_S
) -> int:
    """Post `body` and return the answer's status; redirects are not followed, as they could lead anywhere.

    Raises Unavailable where no answer comes in time, and Refused for an address that is none, or not public.
    """
    with _talking(address, headers, body, connect) as talk:
        status = _within(talk.status, limit_s)
        wait([talk.body], DRAIN_S)
    return status


def ask(
    address: str, headers: Mapping[str, str], body: bytes, *, connect: Connect = public_only, limit_s: float
) -> tuple[int, bytes]:
    """Post `body` and return the answer's status and its first 64 KB, all of it there in time. Raises as `post`."""
    with _talking(address, headers, body, connect) as talk:
        answer = _within(talk.body, limit_s)
    return talk.status.result(), answer


@contextlib.contextmanager
def _talking(address: str, headers: Mapping[str, str], body: bytes, connect: Connect) -> Iterator[_Talk]:
    """Talk while inside, in a thread that nobody waits for.

    A name is looked up without a limit, and a socket's own is for each piece of an answer.
    """
    try:
        url = urlsplit(address)
        talk = _Talk(connect(url))
    except (ValueError, InvalidURL) as error:
        raise Refused(NO_ADDRESS) from error
    threading.Thread(target=talk.hold, args=(_target(url), dict(headers), body), daemon=True).start()
    try:
        yield talk
    finally:
        talk.end()


def _within(awaited: Future[T], limit_s: float) -> T:
    try:
        return awaited.result(limit_s)
    except (InvalidURL, UnicodeError) as error:  # of a name or path that can't be sent
        raise Refused(NO_ADDRESS) from error
    except (OSError, HTTPException) as error:
        is_late = not awaited.done()  # TimeoutError is an OSError, and the socket's is one too
        raise Unavailable(f"no answer within {limit_s:g} s" if is_late else _said(error)) from error


NO_ADDRESS = "the endpoint's address is none"


class _Talk:
    """One request and its answer, held in a thread of its own; `status` comes before the `body` of the answer."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.status: Future[int] = Future()
        self.body: Future[bytes] = Future()
        self._connection = connection
        self._ended = threading.Event()

    def hold(self, target: str, headers: dict[str, str], body: bytes) -> None:
        """Ask, and take what is answered."""
        try:
            self._connection.connect()
            if self._ended.is_set():
                return  # nobody waits for it any more: the next attempt is to be the next that they see
            self._connection.request("POST", target, body=body, headers=headers)
            answer = self._connection.getresponse()
            self.status.set_result(answer.status)
            self.body.set_result(answer.read(MOST_BYTES))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            for awaited in (self.status, self.body):
                if not awaited.done():
                    awaited.set_exception(error)
        finally:
            self._connection.close()

    def end(self) -> None:
        """Let it be, wherever it is."""
        self._ended.set()
        if (sock := self._connection.sock) is not None:
            with contextlib.suppress(OSError):
                # Not closed, which would leave a read waiting; and of the socket itself, as TLS has no part in it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _said(error: Exception) -> str:
    return f"no answer: {type(error).__name__}"


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
