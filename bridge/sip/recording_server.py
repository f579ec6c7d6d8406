"""A SIP recording server: requests in, responses and what becomes of recording sessions out. Source: RFC 7866, 3261.

It takes no other part in calls: whoever sends an INVITE is heard, and hears nothing. One without `siprec`, as a phone
sends it, is the same with one party.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote

from aiosipua.headers import parse_address, parse_uri
from aiosipua.message import SipRequest, missing_required_headers

from bridge.dialects.untimed import is_name
from bridge.rtp.offer import Offer, read_offer
from bridge.sip.dialog import LEAST_EXPIRY_S, METHODS, Dialog, Way, response_to
from bridge.sip.metadata import Metadata, parts_of
from callscribe.errors import MalformedMessage, Refused

# An answer is sent again until it is acknowledged, ever more seldom (RFC 3261, 13.3.1.4).
T1_S, T2_S, GIVEN_UP_S = 0.5, 4.0, 32.0
_EXTENSIONS: Final = frozenset({"siprec", "timer"})
_ACCEPT: Final = "application/sdp, multipart/mixed, application/rs-metadata+xml, application/rs-metadata"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this on that connection, if it still is one."""

    connection: Hashable
    data: bytes


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody wants to be heard: `accept` or `refuse`."""

    dialog: Dialog
    offer: Offer
    metadata: Metadata
    trunk: str
    secret: str = field(repr=False)
    call: str  # as the address names it, or else by the dialog
    caller: str  # the user of From


@dataclass(frozen=True, slots=True)
class Offered:
    """A session's lines are to be others, or on hold: `accept` or `refuse`."""

    dialog: Dialog
    offer: Offer
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Ended:
    """A session is over."""

    dialog: Dialog
    reason: str  # `stop` if the other side said so


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody was refused, for a reason that says what to configure."""

    reason: str


Effect: TypeAlias = Send | Invited | Offered | Ended | Refusal


class RecordingServer:
    """All recording sessions of a process."""

    def __init__(self) -> None:
        self._dialogs: dict[tuple[str, str], Dialog] = {}

    def receive(self, request: SipRequest, way: Way, *, now: float) -> Iterator[Effect]:
        """Take a request that came by `way`; `now` in seconds, of a steady clock."""
        tag = _tag(request.get_header("from") or "")
        if missing_required_headers(request) or _cseq(request) is None or not tag:
            if request.method != "ACK" and request.get_header("via"):
                yield Send(way.connection, response_to(request, 400))
            return
        _mark(request, way)
        dialog = self._dialogs.get((request.call_id or "", tag))
        match request.method:
            case "ACK":
                if dialog is not None:
                    dialog.again_at = None
            case "OPTIONS":
                able = [("Allow", METHODS), ("Accept", _ACCEPT), ("Supported", "siprec, timer")]
                yield Send(way.connection, response_to(request, 200, headers=able))
            case "CANCEL":
                yield from self._cancelled(request, way, dialog)
            case "INVITE" if not _tag(request.get_header("to") or ""):
                yield from self._invited(request, dialog, Dialog(request.call_id or "", tag, way, request))
            case "INVITE" | "UPDATE" | "BYE":
                yield from self._within(request, way, dialog, now)
            case _:
                yield Send(way.connection, response_to(request, 405, headers=[("Allow", METHODS)]))

    def accept(self, dialog: Dialog, sdp: str, *, now: float) -> Iterator[Effect]:
        """Answer what was asked in `dialog` with `sdp`."""
        asked, dialog.asked = dialog.asked, None
        if asked is None:
            return  # it was cancelled
        headers = [
            ("Contact", f"<sip:callscribe@{dialog.way.here};transport=tcp>;+sip.srs"),
            ("Allow", METHODS),
            ("Accept", _ACCEPT),
            ("Supported", "siprec, timer"),
        ]
        dialog.expires_s = _expiry(asked)
        if dialog.expires_s:
            headers += [("Session-Expires", f"{dialog.expires_s};refresher=uac"), ("Require", "timer")]
        if sdp:
            headers.append(("Content-Type", "application/sdp"))
        dialog.answer = response_to(asked, 200, tag=dialog.local_tag, headers=headers, body=sdp.encode())
        dialog.answered_seq = dialog.remote_seq
        dialog.is_open = True
        self._refreshed(dialog, now)
        if asked.method == "INVITE":
            dialog.again_at, dialog.again_s, dialog.given_up_at = now + T1_S, T1_S, now + GIVEN_UP_S
        yield Send(dialog.way.connection, dialog.answer)

    def refuse(
        self, dialog: Dialog, status: int, reason: str = "", *, headers: Iterable[tuple[str, str]] = ()
    ) -> Iterator[Effect]:
        """Answer what was asked in `dialog` with an error; a session that has begun goes on as it was."""
        asked, dialog.asked = dialog.asked, None
        if asked is None:
            return
        if not dialog.is_open:
            self._dialogs.pop(dialog.key, None)
        more = [*headers, ("Warning", f'399 callscribe "{reason}"')] if reason else list(headers)
        yield Send(dialog.way.connection, response_to(asked, status, tag=dialog.local_tag, headers=more))
        if reason:
            yield Refusal(reason)

    def hang_up(self, dialog: Dialog, reason: str) -> Iterator[Effect]:
        """End a session from our side."""
        if self._dialogs.get(dialog.key) is dialog and dialog.is_open:
            yield Send(dialog.way.connection, dialog.bye())
            yield from self._over(dialog, reason)

    @property
    def deadline(self) -> float | None:
        """When to call `wake`; None while nothing is waited for."""
        times = (each for dialog in self._dialogs.values() for each in (dialog.again_at, dialog.expires_at))
        return min((each for each in times if each is not None), default=None)

    def wake(self, *, now: float) -> Iterator[Effect]:
        """Go on after `deadline`."""
        for dialog in list(self._dialogs.values()):
            if dialog.again_at is not None and dialog.again_at <= now:
                if dialog.given_up_at <= now:
                    yield from self.hang_up(dialog, "the answer was not acknowledged")
                    continue
                dialog.again_s = min(2 * dialog.again_s, T2_S)
                dialog.again_at = now + dialog.again_s
                yield Send(dialog.way.connection, dialog.answer)
            if dialog.expires_at is not None and dialog.expires_at <= now:
                yield from self.hang_up(dialog, "the session was not refreshed in time")

    def _invited(self, request: SipRequest, known: Dialog | None, dialog: Dialog) -> Iterator[Effect]:
        if known is not None:  # it came again
            if known.answer and known.answered_seq == _cseq(request):
                yield Send(dialog.way.connection, known.answer)
            return
        dialog.take(request, dialog.way)
        self._dialogs[dialog.key] = dialog
        yield Send(dialog.way.connection, response_to(request, 100))
        if told := (yield from self._told(dialog, request)):
            offer, metadata = told
            trunk, secret, call = addressed(request)
            if call and not is_name(call):
                yield from self.refuse(dialog, 400, "call= is up to 128 letters, digits and . _ @ : + -")
            else:
                yield Invited(
                    dialog, offer, metadata, trunk, secret, call or _call_of(dialog.call_id), _caller(request)
                )

    def _within(self, request: SipRequest, way: Way, dialog: Dialog | None, now: float) -> Iterator[Effect]:
        """Take a request that says it is of a session that has begun."""
        if dialog is None or not dialog.is_open:
            yield Send(way.connection, response_to(request, 481))
        elif request.method == "BYE":
            dialog.take(request, way)
            yield Send(way.connection, response_to(request, 200))
            yield from self._over(dialog, "stop")
        else:
            yield from self._again(request, way, dialog, now)

    def _again(self, request: SipRequest, way: Way, dialog: Dialog, now: float) -> Iterator[Effect]:
        """Take another offer."""
        seq = _cseq(request) or 0
        if seq <= dialog.remote_seq:
            came_again = dialog.answer and dialog.answered_seq == seq
            yield Send(way.connection, dialog.answer if came_again else response_to(request, 500))
            return
        if dialog.asked is not None:
            yield Send(way.connection, response_to(request, 491))
            return
        dialog.take(request, way)
        dialog.asked = request
        self._refreshed(dialog, now)
        if not request.body:  # the session timer's
            yield from self.accept(dialog, "", now=now)
        elif told := (yield from self._told(dialog, request)):
            offer, metadata = told
            yield Offered(dialog, offer, metadata)

    def _told(self, dialog: Dialog, request: SipRequest) -> Generator[Effect, None, tuple[Offer, Metadata] | None]:
        """Return what a request offers; None if it was refused."""
        unknown = [each for each in request.get_header_values("require") if each.lower() not in _EXTENSIONS]
        if unknown:
            yield from self.refuse(dialog, 420, headers=[("Unsupported", ", ".join(unknown))])
        elif 0 < _session_expires(request)[0] < LEAST_EXPIRY_S:
            yield from self.refuse(dialog, 422, headers=[("Min-SE", str(LEAST_EXPIRY_S))])
        else:
            try:
                sdp, metadata = parts_of(request.content_type or "", request.body)
                offer = read_offer(sdp, former=dialog.form)
            except MalformedMessage as error:
                yield from self.refuse(dialog, 400, str(error))
            except Refused as error:
                yield from self.refuse(dialog, 488, str(error))
            else:
                dialog.form = offer.lines[0].form
                return offer, metadata
        return None

    def _cancelled(self, request: SipRequest, way: Way, dialog: Dialog | None) -> Iterator[Effect]:
        if dialog is None or dialog.remote_seq != _cseq(request):
            yield Send(way.connection, response_to(request, 481))
            return
        yield Send(way.connection, response_to(request, 200, tag=dialog.local_tag))
        if dialog.asked is not None:
            yield from self.refuse(dialog, 487)
            if not dialog.is_open:
                yield Ended(dialog, "cancelled")

    def _refreshed(self, dialog: Dialog, now: float) -> None:
        expires_s = dialog.expires_s
        dialog.expires_at = now + expires_s - min(32, expires_s / 3) if expires_s else None

    def _over(self, dialog: Dialog, reason: str) -> Iterator[Effect]:
        if self._dialogs.pop(dialog.key, None) is not None:
            yield Ended(dialog, reason)


def _mark(request: SipRequest, way: Way) -> None:
    """Write into the topmost Via where the request came from, as answers have to say (RFC 3261, 18.2.1; RFC 3581)."""
    top, *others = request.via
    host, port = way.peer
    if "rport" in top.params:
        top.rport = str(port)
    if top.host != host or "rport" in top.params:
        top.received = host
    request.via = [top, *others]


def _cseq(request: SipRequest) -> int | None:
    """Return the number of a request; None if it has none, or is of another method."""
    number, _, method = (request.get_header("cseq") or "").strip().partition(" ")
    return int(number) if number.isdecimal() and len(number) < 11 and method.strip() == request.method else None


def _tag(header: str) -> str:
    return str(parse_address(header).tag or "")


def addressed(request: SipRequest) -> tuple[str, str, str]:
    """Return the trunk, the secret and the call that `sip:<trunk>:<secret>@<host>;call=<call>` names."""
    uri = parse_uri(request.uri)
    trunk, _, secret = unquote(uri.user or "").partition(":")
    return trunk, secret, unquote(uri.params.get("call") or "")


def _caller(request: SipRequest) -> str:
    return parse_address(request.get_header("from") or "").uri.user or ""


def _call_of(call_id: str) -> str:
    """Return what a call is named by whose address names none: its Call-ID, or what stands for one that is no name."""
    return call_id if is_name(call_id) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"sip:{call_id}"))


def _session_expires(request: SipRequest) -> tuple[int, bool]:
    """Return the seconds of a session timer, 0 for none, and whether the other side wants to refresh it."""
    seconds, _, parameters = (request.get_header("session-expires") or request.get_header("x") or "").partition(";")
    number = seconds.strip()
    return (int(number) if number.isdecimal() and len(number) < 8 else 0), "refresher=uas" not in parameters.lower()


def _expiry(request: SipRequest) -> int:
    """Return the seconds that a session lasts without being refreshed; 0: for ever, as we refresh none."""
    supported = {each.lower() for name in ("supported", "require") for each in request.get_header_values(name)}
    seconds, is_theirs = _session_expires(request)
    return seconds if "timer" in supported and is_theirs else 0
