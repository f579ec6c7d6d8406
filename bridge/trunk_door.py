"""Who may open a media socket without a ticket: a trunk, at `/<dialect>/<trunk>`, by its secret.

Or by its client certificate, on a port that only a balancer reaches which has checked it.

The secret comes as the password of Basic, whose user is the trunk, as a bearer token or an API key, or as the path's
last part, since each PBX can send one of these and few can send two. Refusals are cheap: Asterisk tries again at once.
"""

from __future__ import annotations

import binascii
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from bridge.dialects.by_name import DIALECTS
from bridge.door import TurnedAway
from callscribe.errors import Refused
from callscribe.trunks import Trunk, fingerprint_of

WRONG = TurnedAway(401, "credentials wrong")
MISSING = TurnedAway(401, "credentials missing")
# An address may be wrong so many times at once, and once more each second; Asterisk tries some times a second per call.
BURST, A_SECOND = 20, 1.0
MOST_ADDRESSES = 10_000
# In which an Application Load Balancer tells a client's own certificate, in mode "verify".
# Source: Elastic Load Balancing, "Mutual authentication with TLS in Application Load Balancer", "HTTP headers".
CERTIFICATE = "X-Amzn-Mtls-Clientcert-Leaf"


@dataclass(frozen=True, slots=True)
class Shown:
    """What an upgrade shows: nothing of it is checked yet."""

    dialect: str
    trunk: str
    secret: str = field(repr=False)  # may be empty where the protocol has no place for one: its networks vouch, then
    certificate: str = ""  # the fingerprint of one whose key it holds


def certified(path: str, headers: Mapping[str, str]) -> Shown | TurnedAway:
    """Return what a request shows that came through a balancer which checks client certificates: that, or a secret."""
    found = shown(path, headers)
    try:
        certificate = fingerprint_of(unquote(headers.get(CERTIFICATE, "")))
    except (Refused, LookupError):  # none, or one of the client's own making beside the balancer's
        return found
    if found == MISSING:
        dialect, _, trunk = path.removeprefix("/").partition("/")
        return Shown(dialect, trunk.rstrip("/"), "", certificate)
    return found if isinstance(found, TurnedAway) else replace(found, certificate=certificate)


def shown(path: str, headers: Mapping[str, str]) -> Shown | TurnedAway:
    """Return what a request without its query shows; 404 for a path that is not ours, 401 without one secret."""
    dialect, _, rest = path.removeprefix("/").partition("/")
    trunk, has_secret, in_path = rest.partition("/")
    if dialect not in DIALECTS or not trunk or "/" in in_path:
        return TurnedAway(404, "unknown path")
    try:
        authorization, api_key = headers.get("Authorization", ""), headers.get("X-API-KEY", "")
    except LookupError:
        return TurnedAway(401, "credentials repeated")
    if has_secret:
        return Shown(dialect, trunk, in_path) if in_path and not authorization else MISSING
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer" if value.strip():
            return Shown(dialect, trunk, value.strip())
        case "basic":
            user, _, password = _plain(value.strip()).partition(":")
            return Shown(dialect, trunk, password) if user == trunk and password else WRONG
        case "" if api_key:
            return Shown(dialect, trunk, api_key)
        case _:
            return MISSING


def admit(trunk: Trunk | None, request: Shown, *, address: str, now_s: float) -> TurnedAway | None:
    """Return why `request` from `address` may not go on, None if it may. Who guesses does not learn what is wrong."""
    if trunk is None:
        return WRONG
    if not request.secret and not request.certificate:
        return None if trunk.is_vouched_for(address) else WRONG
    is_it = trunk.is_opened_by(request.secret, now_s=now_s) or trunk.is_proved_by(request.certificate)
    return None if is_it and trunk.may_come_from(address) else WRONG


class Refusals:
    """How often each address was wrong of late, so that who floods the door is not even looked up."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how full, and when that was

    def count(self, address: str, *, now_s: float) -> None:
        """Take note that `address` was wrong."""
        self._levels[address] = (min(self._level(address, now_s) + 1, BURST), now_s)
        self._levels.move_to_end(address)
        if len(self._levels) > MOST_ADDRESSES:
            self._levels.popitem(last=False)

    def is_too_many(self, address: str, *, now_s: float) -> bool:
        """Tell whether `address` has to wait; a second is enough for one more."""
        return self._level(address, now_s) > BURST - 1

    def _level(self, address: str, now_s: float) -> float:
        level, then_s = self._levels.get(address, (0.0, now_s))
        return max(0.0, level - A_SECOND * (now_s - then_s))


def _plain(text: str) -> str:
    try:
        return binascii.a2b_base64(text, strict_mode=True).decode()
    except ValueError:  # of base64 and of UTF-8
        return ""
