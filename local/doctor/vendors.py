"""What Gladia and Twilio say when asked with a deployment's own keys.

Sources: Gladia, OpenAPI document, `GET /v2/live`; Twilio, "Account resource", "IncomingPhoneNumber resource".
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from local.doctor.account import KNOWN
from local.doctor.check import Answer, Check, NoAnswer, Reply, ok, told, warning, wrong


class _Account(Struct, frozen=True):
    status: str  # active, suspended, closed


class _Number(Struct, frozen=True):
    voice_url: str | None = None
    voice_method: str | None = None
    voice_application_sid: str | None = None
    trunk_sid: str | None = None
    status_callback: str | None = None
    status_callback_method: str | None = None


class _Numbers(Struct, frozen=True):
    incoming_phone_numbers: tuple[_Number, ...]


def gladia(reply: Reply) -> Check:
    """Decide on Gladia's answer to whoever asks for the list of sessions."""
    name = "Gladia"
    match reply:
        case Answer(status=200):
            return ok(name, "answers, and takes the key")
        case Answer(status=401 | 403):
            return wrong(name, f"refuses the key ({reply.status})", f"put a valid key into Gladia's secret; {KNOWN}")
        case Answer(status=status) if status == 429 or status >= 500:
            return warning(name, f"answered {status}", "ask again; if it stays so, see Gladia's own status page")
        case _:
            return wrong(name, told(reply), "the bridge has to reach GLADIA_URL: see that anybody can")


def twilio(reply: Reply | None) -> Check:
    """Decide on Twilio's answer to whoever asks for the account; None if no account was named."""
    name = "Twilio"
    match reply:
        case None:
            return warning(name, "not asked, as no account is named", "--account-sid, or TWILIO_ACCOUNT_SID")
        case Answer(status=200, body=body):
            return _account(name, body)
        case Answer(status=401 | 404):
            todo = f"put the auth token of this very account into Twilio's secret; {KNOWN}"
            return wrong(name, f"refuses the token for this account ({reply.status})", todo)
        case Answer(status=status) if status == 429 or status >= 500:
            return warning(name, f"answered {status}", "ask again; if it stays so, see Twilio's own status page")
        case _:
            return wrong(name, told(reply), "the bridge has to reach TWILIO_URL: see that anybody can")


def number(reply: Reply, *, voice_url: str, status_url: str) -> list[Check]:
    """Decide on Twilio's answer to whoever asks for the number that was named."""
    name = "number"
    if isinstance(reply, NoAnswer) or reply.status != 200:
        return [wrong(name, f"Twilio {told(reply)}", "see the check of Twilio")]
    try:
        found = msgspec.json.decode(reply.body, type=_Numbers).incoming_phone_numbers
    except NOT_DECODABLE:
        return [wrong(name, "Twilio's answer is no list of numbers", "see that TWILIO_URL is Twilio's")]
    if not found:
        return [wrong(name, "the account has no such number", "name it as Twilio does: +, country code, number")]
    return [_voice(found[0], voice_url), _status(found[0], status_url)]


def _account(name: str, body: bytes) -> Check:
    try:
        status = msgspec.json.decode(body, type=_Account).status
    except NOT_DECODABLE:
        return wrong(name, "its answer is no account", "see that TWILIO_URL is Twilio's")
    if status != "active":
        return wrong(name, f"the account is {status}", "see Twilio's console")
    return ok(name, "answers, and takes the token")


def _voice(number: _Number, url: str) -> Check:
    name = "number: a call comes in"
    todo = f"set “A call comes in” of the number to {url}, HTTP POST"
    # Twilio passes over the address beside either of these.
    if number.trunk_sid:
        return wrong(name, "goes to a SIP trunk", f"take the number off the trunk, and {todo}")
    if number.voice_application_sid:
        return wrong(name, "goes to a TwiML app", f"set the app's voice URL instead, or {todo}")
    return _points(name, number.voice_url, number.voice_method, url, todo)


def _status(number: _Number, url: str) -> Check:
    name = "number: call status changes"
    todo = f"set “Call status changes” to {url}, HTTP POST: else a call's end is known minutes late"
    return _points(name, number.status_callback, number.status_callback_method, url, todo)


def _points(name: str, found: str | None, method: str | None, url: str, todo: str) -> Check:
    if not found:
        return wrong(name, "goes nowhere", todo)
    if found.partition("#")[0] != url.partition("#")[0]:  # behind it is how often and how long Twilio tries
        return wrong(name, f"goes elsewhere, to {urlsplit(found).hostname}", todo)
    if method != "POST":
        return wrong(name, f"comes here as {method}", todo)
    return ok(name, "comes here")
