"""One recording session: what was asked in it, and what its answers have to repeat. Source: RFC 3261, 12; RFC 4028."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from aiosipua.message import SipRequest, SipResponse

from callscribe.audio_format import AudioFormat

PHRASES: Final = {
    100: "Trying",
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    503: "Service Unavailable",
}
METHODS = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"
LEAST_EXPIRY_S = 90  # of a session timer, as its standard has it


@dataclass(frozen=True, slots=True)
class Way:
    """How a request came, and its answer goes."""

    connection: Hashable
    here: str  # our address on it, as `192.0.2.1:5060`
    peer: tuple[str, int] = ("", 0)  # where it came from


@dataclass(eq=False, slots=True, repr=False)  # its requests may hold a secret, and who calls whom
class Dialog:
    """The state of one, beyond what its media are."""

    call_id: str
    remote_tag: str
    way: Way  # of its last request
    asked: SipRequest | None  # the INVITE or UPDATE that waits for its answer
    local_tag: str = field(default_factory=lambda: secrets.token_hex(8))
    is_open: bool = False  # an INVITE was accepted
    remote_seq: int = 0
    local_seq: int = 0
    remote_target: str = ""
    routes: tuple[str, ...] = ()
    remote: str = ""  # the party of our requests' To
    local: str = ""
    form: AudioFormat | None = None  # of what was offered last
    session: int = field(default_factory=lambda: secrets.randbits(48))  # of its answers' `o=`
    version: int = 0
    answer: bytes = b""  # sent again until it is acknowledged
    answered_seq: int = -1
    again_at: float | None = None
    again_s: float = 0.0
    given_up_at: float = 0.0
    expires_s: int = 0  # of its session timer; 0: it has none
    expires_at: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What requests of this dialog have in common."""
        return self.call_id, self.remote_tag

    def take(self, request: SipRequest, way: Way) -> None:
        """Take note of a request that may change where ours go."""
        self.way = way
        if request.cseq is not None:
            self.remote_seq = request.cseq.seq
        if request.contact:
            target = request.get_header("contact") or ""
            self.remote_target = target.partition("<")[2].partition(">")[0] or target.partition(";")[0]
        if not self.is_open:
            self.routes = tuple(request.get_header_values("record-route"))
            self.remote, self.local = request.get_header("from") or "", request.get_header("to") or ""

    def next_version(self) -> int:
        """Return the number of another answer's session description."""
        self.version += 1
        return self.version

    def bye(self) -> bytes:
        """Return the request that ends it from our side."""
        self.local_seq += 1
        request = SipRequest(method="BYE", uri=self.remote_target)
        request.add_header("Via", f"SIP/2.0/TCP {self.way.here};branch=z9hG4bK{secrets.token_hex(8)};alias")
        request.add_header("Max-Forwards", "70")
        for route in self.routes:
            request.add_header("Route", route)
        request.add_header("From", f"{self.local};tag={self.local_tag}")
        request.add_header("To", self.remote)
        request.add_header("Call-ID", self.call_id)
        request.add_header("CSeq", f"{self.local_seq} BYE")
        return bytes(request)


def response_to(
    request: SipRequest, status: int, *, tag: str = "", headers: Iterable[tuple[str, str]] = (), body: bytes = b""
) -> bytes:
    """Return a response; `tag` is the dialog's on our side."""
    response = SipResponse(status_code=status, reason_phrase=PHRASES[status], body=body)
    for name in ("Via", "Record-Route") if status != 100 and request.method == "INVITE" else ("Via",):
        for value in request.get_header_values(name):
            response.add_header(name, value)
    response.add_header("From", request.get_header("from") or "")
    to = request.get_header("to") or ""
    response.add_header("To", f"{to};tag={tag}" if tag and ";tag=" not in to else to)
    for name in ("Call-ID", "CSeq"):
        response.add_header(name, request.get_header(name) or "")
    response.add_header("Server", "callscribe")
    for name, value in headers:
        response.add_header(name, value)
    return bytes(response)
