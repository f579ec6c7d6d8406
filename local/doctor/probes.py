"""Whoever comes to a deployment's doors and to its vendors, over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import MalformedMessage
from callscribe.http_answers import TicketAnswer
from callscribe.media_address import media_stream_url
from callscribe.messages import Ping, PongMessage, decode_frame, encode_action
from callscribe.twilio_signature import sign
from local.doctor.check import Answer, NoAnswer, Reply
from local.doctor.doors import OPENED, Talk

PONG_S = 8.0
TICKET_S = 60  # the shortest that is given out
# A call that never was: no media stream of it ever starts, and nobody's log is written.
NO_CALL = "CA" + "0" * 32
NOTHING = {"CallSid": NO_CALL, "StreamSid": "MZ" + "0" * 32, "StreamEvent": "doctor"}


@dataclass(frozen=True, slots=True)
class Probes:
    """One client for all."""

    http: httpx.AsyncClient

    async def gladia(self, url: str, *, key: str) -> Reply:
        """Ask Gladia for one session of its list, which changes nothing."""
        return await self._ask("GET", f"{url}/v2/live", headers={"x-gladia-key": key}, params={"limit": "1"})

    async def twilio(self, url: str, path: str, *, account: str, token: str, **query: str) -> Reply:
        """Ask Twilio for what is at `path` of the account."""
        credentials = base64.b64encode(f"{account}:{token}".encode()).decode()
        address = f"{url}/2010-04-01/Accounts/{account}{path}.json"
        return await self._ask("GET", address, headers={"Authorization": f"Basic {credentials}"}, params=query)

    async def webhook(self, url: str, *, token: str | None) -> Reply:
        """Tell of a media stream, as Twilio does, something of which nothing follows; sign it with `token`.

        Of all webhooks this one leaves nothing in any call's log and, if signed, no complaint in the function's.
        """
        headers = {} if token is None else {"X-Twilio-Signature": sign(url, NOTHING.items(), token)}
        return await self._ask("POST", url, headers=headers, data=NOTHING)

    async def health(self, media_url: str) -> Reply:
        """Ask the bridge whether it is well."""
        return await self._ask("GET", f"http{media_url.removeprefix('ws')}/healthz")

    async def stranger_at_media(self, media_url: str) -> Reply:
        """Ask for an upgrade without a ticket."""
        return await self._upgrade(f"{media_url}/twilio/none", {})

    async def twilio_at_media(self, media_url: str, *, signing_key: str, token: str) -> Reply:
        """Open a media socket as Twilio does, and close it before a media stream starts."""
        url = media_stream_url(media_url, tenant="doctor", call_id=NO_CALL, key=signing_key, now_s=time.time())
        return await self._upgrade(url, {"X-Twilio-Signature": sign(url, (), token)})

    async def http_api(self, url: str, *, key: str) -> Reply:
        """List one call."""
        return await self._ask("GET", f"{url}/v1/calls", headers=_bearer(key), params={"limit": "1"})

    async def push(self, api_url: str, *, key: str) -> Talk:
        """Go a client's first steps: a ticket, a connection, a ping, and another connection with the same ticket."""
        ticket = await self._ask("POST", f"{api_url}/v1/tickets", headers=_bearer(key), json={"seconds": TICKET_S})
        if not isinstance(ticket, Answer) or ticket.status != httpx.codes.CREATED:
            return Talk(ticket)
        try:
            url = msgspec.json.decode(ticket.body, type=TicketAnswer).url
        except NOT_DECODABLE:
            return Talk(NoAnswer("not a ticket"))
        try:
            async with connect(url, compression=None, proxy=None) as socket:
                pong = await _pings(socket)
        except InvalidStatus as error:
            return Talk(ticket, Answer(error.response.status_code))
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            return Talk(ticket, NoAnswer(type(error).__name__))
        return Talk(ticket, Answer(OPENED), pong, await self._upgrade(url, {}))

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        json: Mapping[str, int] | None = None,
    ) -> Reply:
        try:
            answer = await self.http.request(method, url, headers=headers, params=params, data=data, json=json)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return NoAnswer(type(error).__name__)
        return Answer(answer.status_code, answer.content)

    async def _upgrade(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Open a WebSocket and close it."""
        try:
            async with connect(url, additional_headers=headers, compression=None, proxy=None):
                return Answer(OPENED)
        except InvalidStatus as error:
            return Answer(error.response.status_code, bytes(error.response.body))
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            return NoAnswer(type(error).__name__)


async def _pings(socket: ClientConnection) -> bool:
    """Send a ping; return whether its pong came."""
    await socket.send(encode_action(Ping()))
    try:
        async with asyncio.timeout(PONG_S):
            return any(isinstance(message, PongMessage) for message in decode_frame(await socket.recv()))
    except (TimeoutError, ConnectionClosed, MalformedMessage):
        return False


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
