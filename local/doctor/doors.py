"""What a deployment's own doors do with whoever comes: strangers out, Twilio and key holders in."""

from __future__ import annotations

from dataclasses import dataclass

from local.doctor.account import KNOWN
from local.doctor.check import Answer, Check, NoAnswer, Reply, ok, told, warning, wrong

OPENED = 101


def unsigned_webhook(reply: Reply) -> Check:
    """Decide on the answer to a webhook without Twilio's signature."""
    name = "webhook: a stranger"
    match reply:
        case Answer(status=403):
            return ok(name, "refused")
        case Answer(status=status) if status < 400:
            return wrong(name, f"let in ({status})", "whoever answers there is not the function `voice`: deploy Api")
        case _:
            return wrong(name, told(reply), "see the log of the function `voice`; is VoiceUrl its address?")


def signed_webhook(reply: Reply) -> Check:
    """Decide on the answer to a webhook that is signed as Twilio signs."""
    name = "webhook: Twilio"
    match reply:
        case Answer(status=204):
            return ok(name, "let in")
        case Answer(status=403):
            todo = "a token replaced a minute ago is known by now: ask again; else deploy Api, which sets PUBLIC_URL"
            return wrong(name, "its signature is refused", todo)
        case Answer(status=500 | 503):
            return wrong(name, f"not served ({reply.status})", "see the log of the function `voice` for the reason")
        case _:
            return wrong(name, told(reply), "see the log of the function `voice`; is VoiceUrl its address?")


def health(reply: Reply) -> Check:
    """Decide on the answer to a health check from outside."""
    name = "media: health"
    match reply:
        case Answer(status=200, body=b"ok\n"):
            return ok(name, "the bridge answers")
        case Answer(status=502 | 503 | 504):
            return wrong(name, f"no bridge behind the address ({reply.status})", "see the service's events and tasks")
        case _:
            return wrong(name, told(reply), "see that the bridge runs, and that MediaUrl leads to it")


def stranger_at_media(reply: Reply) -> Check:
    """Decide on the answer to an upgrade without a ticket."""
    name = "media: a stranger"
    match reply:
        case Answer(status=403, body=body) if body.startswith(b"ticket "):
            return ok(name, "refused by the bridge")
        case Answer(status=403):
            todo = (
                "something before the bridge refused it: see the distribution and the load balancer of the Bridge stack"
            )
            return wrong(name, "refused, but not by the bridge", todo)
        case Answer(status=status) if status == OPENED:
            return wrong(name, "let in", "whoever answers at MediaUrl is not the bridge: deploy Bridge")
        case _:
            return wrong(name, told(reply), "see that the bridge runs, and that upgrades get through to it")


def twilio_at_media(reply: Reply) -> Check:
    """Decide on the answer to an upgrade with a ticket and Twilio's signature."""
    name = "media: Twilio"
    match reply:
        case Answer(status=status) if status == OPENED:
            return ok(name, "let in")
        case Answer(status=403, body=b"ticket forged\n"):
            return wrong(
                name, "its ticket is refused", f"the bridge has another signing secret; if it was replaced, {KNOWN}"
            )
        case Answer(status=403, body=b"signature wrong\n"):
            todo = f"the bridge has another token of Twilio's, or another MEDIA_URL; if the token was replaced, {KNOWN}"
            return wrong(name, "its signature is refused", todo)
        case Answer(status=403, body=b"signature missing\n"):
            return wrong(name, "its signature got lost", "what is before the bridge must pass all headers on")
        case _:
            return wrong(name, told(reply), "see that the bridge runs, and that upgrades get through to it")


def http_api(reply: Reply | None, *, keys_table: str) -> Check:
    """Decide on the answer to whoever lists calls with the API key; None without a key."""
    name = "HTTP API"
    make = f"callscribe keys create --table {keys_table} --name doctor"
    match reply:
        case None:
            return warning(name, "not asked, nor push, for want of a key", f"--key, or CALLSCRIBE_API_KEY; {make}")
        case Answer(status=200):
            return ok(name, "answers, and takes the key")
        case Answer(status=401):
            return wrong(name, "refuses the key", f"it is another's, or revoked: {make}")
        case _:
            return wrong(name, told(reply), "see the log of the function `calls`")


@dataclass(frozen=True, slots=True)
class Talk:
    """What came of a client's first steps, as far as it got."""

    ticket: Reply
    opened: Reply | None = None
    pong: bool = False
    again: Reply | None = None  # to a second connection with the same ticket


def push(talk: Talk) -> list[Check]:
    """Decide on a client's ticket, its connection, the answer to its ping, and what the ticket is worth then."""
    checks = [_ticket(talk.ticket)]
    if talk.opened is not None:
        checks.append(_connection(talk.opened, pong=talk.pong))
    if talk.again is not None:
        checks.append(_again(talk.again))
    return checks


def _ticket(reply: Reply) -> Check:
    name = "push: ticket"
    if isinstance(reply, Answer) and reply.status == 201:
        return ok(name, "made over HTTP")
    return wrong(name, told(reply), "see the log of the function `calls`")


def _connection(reply: Reply, *, pong: bool) -> Check:
    name = "push: connection"
    if isinstance(reply, NoAnswer):
        return wrong(name, told(reply), "see that PushUrl can be reached from here")
    if reply.status != OPENED:
        return wrong(name, f"refused ({reply.status})", "see the log of the function `authorize`")
    if not pong:
        return wrong(name, "opens, but no pong came", "see the log of the function `subscribe`: it posts the answer")
    return ok(name, "opens; ping got pong")


def _again(reply: Reply) -> Check:
    name = "push: a used ticket"
    match reply:
        case Answer(status=403):
            return ok(name, "refused")
        case Answer(status=status) if status == OPENED:
            return wrong(name, "let in a second time", "see the table Tickets, and the log of the function `authorize`")
        case _:
            return wrong(name, told(reply), "see the log of the function `authorize`")
