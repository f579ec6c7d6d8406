"""Twilio's signed HTTP requests, with its time limits and its retries.

Source: Twilio, "Webhooks connection overrides"; error pages 11200 and 11205.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urldefrag, urlencode

import httpx

from local.twilio.account import Account
from local.twilio.loopback import connect_host, origin, without_secrets
from local.twilio.mediasocket import trusted
from local.twilio.overrides import Overrides
from local.twilio.problems import Code, Problem
from local.twilio.signing import sign_webhook


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered; a `problem` if that is not what Twilio takes for an answer."""

    status: int | None  # None: no answer
    content_type: str
    body: bytes
    problem: Problem | None


class Webhooks:
    """Sends one call's webhooks."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client = httpx.AsyncClient(verify=trusted(), trust_env=False)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()

    async def send(self, url: str, fields: Mapping[str, str], method: str = "POST") -> Answer:
        """Send `fields` to `url`, signed, and return the answer; it never raises for what the other side does.

        How long to wait and what to ask again for is in the fragment of `url`: see Overrides.
        """
        overrides = Overrides.of(url)
        try:
            async with asyncio.timeout(overrides.total_s):
                response = await self._send(url, fields, "GET" if method == "GET" else "POST", overrides)
        except (TimeoutError, httpx.TimeoutException):
            text = (
                f"{without_secrets(url)} did not answer within {overrides.total_s:g} s, which is all that Twilio waits"
            )
            return _none(Code.HTTP_CONNECTION_FAILURE, text)
        except httpx.ConnectError as error:
            text = f"no connection to {origin(url)} ({error}): is it running, and is this its address?"
            return _none(Code.HTTP_CONNECTION_FAILURE, text)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return _none(Code.HTTP_RETRIEVAL_FAILURE, f"{without_secrets(url)} is no address of a webhook ({error})")
        except httpx.TransportError as error:
            text = f"{without_secrets(url)} broke off its answer ({error})"
            return _none(Code.HTTP_RETRIEVAL_FAILURE, text)
        problem = None
        if not response.is_success:
            text = f"{without_secrets(url)} answered {response.status_code}{_advice(response.status_code)}"
            problem = Problem(Code.HTTP_RETRIEVAL_FAILURE, text)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, content_type, response.content, problem)

    async def _send(
        self, url: str, fields: Mapping[str, str], method: Literal["GET", "POST"], overrides: Overrides
    ) -> httpx.Response:
        url = urldefrag(url).url  # holds Twilio's connection overrides; never sent and never signed
        body = urlencode(fields)
        if method == "GET":
            url = f"{url}{'&' if '?' in url else '?'}{body}"
        signature = sign_webhook(self._account, url, fields if method == "POST" else {})
        headers = {
            "Accept": "*/*",
            "Cache-Control": "max-age=259200",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),  # a retry carries the same
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature,
        }
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        target = httpx.URL(url)
        extensions: dict[str, str] = {}
        if (host := connect_host(target.host)) != target.host:
            headers["Host"] = target.netloc.decode("ascii")
            extensions["sni_hostname"] = target.host
            target = target.copy_with(host=host)
        content = body.encode() if method == "POST" else None
        timeout = httpx.Timeout(overrides.read_s, connect=overrides.connect_s)
        for left in range(overrides.retries, -1, -1):
            try:
                response = await self._client.request(
                    method, target, content=content, headers=headers, extensions=extensions, timeout=timeout
                )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout) as error:
                reason = "rt" if isinstance(error, httpx.ReadTimeout) else "ct"
                if not left or reason not in overrides.reasons:
                    raise
            else:
                if not left or f"{response.status_code // 100}xx" not in overrides.reasons:
                    return response
        raise AssertionError("unreachable: the last attempt returns or raises")


def _none(code: Code, text: str) -> Answer:
    return Answer(None, "", b"", Problem(code, text))


def _advice(status: int) -> str:
    if status in (401, 403):
        return ": does it know this account's auth token, and is this the public address that it checks signatures for?"
    if status == 404:
        return ": is this the right path?"
    if status >= 500:
        return ": its own log says why"
    return ""
