"""A phone number at Twilio, made to lead to a deployment.

Source: Twilio, "IncomingPhoneNumber resource".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import httpx
from msgspec import Struct, json

from callscribe.decoding import NOT_DECODABLE

T = TypeVar("T")


class NotConnected(Exception):
    """The number is as it was; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """Where a number leads: whom Twilio asks when a call comes in, and whom it tells how calls go on."""

    voice_url: str
    status_url: str


class _Number(Struct, frozen=True):
    sid: str
    trunk_sid: str | None = None
    voice_application_sid: str | None = None
    voice_url: str | None = None
    status_callback: str | None = None


class _Numbers(Struct, frozen=True):
    incoming_phone_numbers: tuple[_Number, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioNumbers:
    """The numbers of one account, over `http`."""

    http: httpx.AsyncClient
    url: str  # of Twilio's REST API
    account_sid: str
    auth_token: str

    async def connect(self, phone_number: str, to: Led) -> Led:
        """Let `phone_number` lead there, and return where it led before. Raises NotConnected."""
        number = await self._find(phone_number)
        if number.trunk_sid:
            raise NotConnected(
                "the number is on a SIP trunk, which comes first: take it off the trunk in Twilio's console"
            )
        if number.voice_application_sid:
            raise NotConnected("the number belongs to a TwiML app, which comes first: set the app's voice URL instead")
        told = {
            "VoiceUrl": to.voice_url,
            "VoiceMethod": "POST",
            "StatusCallback": to.status_url,
            "StatusCallbackMethod": "POST",
        }
        _decoded(await self._ask("POST", f"IncomingPhoneNumbers/{number.sid}", data=told), _Number)
        return Led(voice_url=number.voice_url or "", status_url=number.status_callback or "")

    async def _find(self, phone_number: str) -> _Number:
        answer = await self._ask("GET", "IncomingPhoneNumbers", params={"PhoneNumber": phone_number})
        # Twilio also lists numbers that merely contain what was asked for.
        found = _decoded(answer, _Numbers).incoming_phone_numbers
        if len(found) != 1:
            raise NotConnected(
                f"the account has {len(found) or 'no'} such numbers: name one as Twilio does, +, country code, number"
            )
        return found[0]

    async def _ask(
        self, method: str, path: str, *, params: dict[str, str] | None = None, data: dict[str, str] | None = None
    ) -> bytes:
        url = f"{self.url}/2010-04-01/Accounts/{self.account_sid}/{path}.json"
        try:
            answer = await self.http.request(
                method, url, params=params, data=data, auth=(self.account_sid, self.auth_token)
            )
        except httpx.HTTPError as error:
            raise NotConnected(f"Twilio can't be reached: {type(error).__name__}") from error
        if answer.status_code in (401, 404):
            raise NotConnected(
                "Twilio refuses the token in the secret TwilioSecret for this account: see --account-sid"
            )
        if not answer.is_success:
            raise NotConnected(f"Twilio answered {answer.status_code}")
        return answer.content


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return json.decode(body, type=kind)
    except NOT_DECODABLE as error:
        raise NotConnected("Twilio's answer makes no sense") from error
