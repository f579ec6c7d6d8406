"""Requests to Twilio's and Gladia's HTTP APIs, performed in a Lambda."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeVar
from urllib.parse import urlsplit

from callscribe.errors import Unavailable
from callscribe.exchange import AGAIN_S, Exchange

T = TypeVar("T")

TIMEOUT_S = 5.0  # for the connection, and for each piece of the answer


def perform(exchange: Exchange[T], /, *, timeout_s: float = TIMEOUT_S) -> T:
    """Ask once and return what the answer means; redirects are not followed, as the key is for this address.

    Raises what the exchange's `outcome` raises, and Unavailable where no answer comes: the request may have been
    carried out all the same.
    """
    request = exchange.request
    url = urlsplit(request.url)
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    try:
        connection = connect(url.netloc, timeout=timeout_s)
        try:
            target = f"{url.path}?{url.query}" if url.query else url.path
            connection.request(request.method, target, body=request.body, headers=dict(request.headers))
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
    except (OSError, HTTPException) as error:
        reason = f"{exchange.service} can't be reached: {type(error).__name__}"
        raise Unavailable(reason, retry_after_s=AGAIN_S) from error
    return exchange.outcome(response.status, body)
