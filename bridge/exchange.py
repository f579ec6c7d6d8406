"""Requests to Twilio's and Gladia's HTTP APIs, performed without blocking."""

from __future__ import annotations

from typing import TypeVar

import aiohttp

from callscribe.errors import Unavailable
from callscribe.exchange import AGAIN_S, Exchange

T = TypeVar("T")

TIMEOUT_S = 10.0


async def perform(http: aiohttp.ClientSession, exchange: Exchange[T], *, timeout_s: float = TIMEOUT_S) -> T:
    """Ask once and return what the answer means.

    Raises what the exchange's `outcome` raises, and Unavailable where no answer comes within `timeout_s`: the request
    may have been carried out all the same.
    """
    request = exchange.request
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with http.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            timeout=timeout,
            allow_redirects=False,  # the key is for this address
        ) as response:
            body = await response.read()
            return exchange.outcome(response.status, body)
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = f"{exchange.service} can't be reached: {type(error).__name__}"
        raise Unavailable(reason, retry_after_s=AGAIN_S) from error
