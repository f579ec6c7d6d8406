"""Carries a recording from where it is to Gladia, piece by piece: none is ever in memory as a whole."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, InvalidURL
from typing import TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from callscribe.errors import Refused, Unavailable
from callscribe.exchange import AGAIN_S, Exchange, HttpRequest, raise_if_temporary
from callscribe.gladia_batch import MOST_BYTES, Multipart, Uploaded
from functions.public_address import PublicConnection

PIECE_BYTES = 256 * 1024
TIMEOUT_S = 60.0  # for each piece, and for what Gladia makes of the whole

_ELSEWHERE = {301, 302, 303, 307, 308}

Upload: TypeAlias = Callable[[Multipart, int], Exchange[Uploaded]]
Connect: TypeAlias = Callable[[str, str], HTTPConnection]  # scheme and host


def anywhere(scheme: str, host: str) -> HTTPConnection:
    """Connect to a host that the deployment itself names."""
    kind = HTTPSConnection if scheme == "https" else HTTPConnection
    return kind(host, timeout=TIMEOUT_S)


def public_only(scheme: str, host: str) -> HTTPConnection:
    """Connect to a host that a customer names. Raises Refused for what is not TLS."""
    if scheme != "https":
        raise Refused("the recording's address is not https")
    return PublicConnection(host, timeout_s=TIMEOUT_S)


def carry(source: HttpRequest, upload: Upload, *, filename: str, connect: Connect = anywhere) -> Uploaded:
    """Carry what `source` answers to where `upload`, given the form around it and its size, says.

    One redirect is followed, to a public address and without the headers, as to a bucket where recordings are kept.
    Raises Unavailable for what another attempt may bring, MalformedMessage for an answer of Gladia's that makes no
    sense, and Refused for what will never be taken: an empty recording, one too long, one that there is no way to.
    """
    with _answer(source, connect) as found:
        if found.status not in _ELSEWHERE:
            return _carry(found, upload, filename)
        elsewhere = HttpRequest("GET", urljoin(source.url, found.headers.get("Location", "")), {})
    with _answer(elsewhere, public_only) as found:
        return _carry(found, upload, filename)


@contextmanager
def _answer(source: HttpRequest, connect: Connect) -> Iterator[HTTPResponse]:
    url = urlsplit(source.url)
    connection = None
    try:
        try:
            connection = connect(url.scheme, url.netloc)
            connection.request(source.method, _target(url), headers=dict(source.headers))
            found = connection.getresponse()
        except InvalidURL as error:
            raise Refused("the recording's address is none") from error
        except (OSError, HTTPException) as error:
            raise _unreachable("the recording", error) from error
        yield found
    finally:
        if connection is not None:
            connection.close()


def _carry(found: HTTPResponse, upload: Upload, filename: str) -> Uploaded:
    form = Multipart(filename, boundary=secrets.token_hex(16))
    size_bytes = _size(found)
    exchange = upload(form, size_bytes)
    url = urlsplit(exchange.request.url)
    try:
        with closing(anywhere(url.scheme, url.netloc)) as connection:
            connection.putrequest(exchange.request.method, _target(url))
            for name, value in exchange.request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(form.head)
            # Who does not want all of it may answer before it has come, and close.
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in _pieces(found, size_bytes):
                    connection.send(piece)
                connection.send(form.tail)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
    except (OSError, HTTPException) as error:
        raise _unreachable(exchange.service, error) from error
    return exchange.outcome(status, body)


def _size(found: HTTPResponse) -> int:
    """Return how many bytes the recording has. Raises Unavailable, Refused."""
    if found.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
        # As long as it is made ready; a bucket that may not be listed says 403 for what is not there yet.
        raise Unavailable(f"the recording's place answered {found.status}", retry_after_s=AGAIN_S)
    raise_if_temporary("the recording's place", found.status)
    if found.status != HTTPStatus.OK:
        raise Refused(f"the recording's place answered {found.status}")
    if found.length is None:
        raise Refused("the recording's place does not tell its length")
    if found.length == 0:
        raise Refused("the recording is empty")
    if found.length > MOST_BYTES:
        raise Refused(f"the recording is larger than the {MOST_BYTES // 1_000_000} MB that Gladia takes")
    return found.length


def _pieces(found: HTTPResponse, size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left:
        try:
            piece = found.read(min(left, PIECE_BYTES))
        except (OSError, HTTPException) as error:
            raise _unreachable("the recording", error) from error
        if not piece:
            raise Unavailable("the recording broke off", retry_after_s=AGAIN_S)
        left -= len(piece)
        yield piece


def _target(url: SplitResult) -> str:
    return f"{url.path}?{url.query}" if url.query else url.path or "/"


def _unreachable(what: str, error: Exception) -> Unavailable:
    return Unavailable(f"{what} can't be reached: {type(error).__name__}", retry_after_s=AGAIN_S)
