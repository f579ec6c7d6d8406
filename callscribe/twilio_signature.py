"""X-Twilio-Signature: proof that a request comes from Twilio.

Source: Twilio, "Security", "Validating requests"; agreement with Twilio's own library is tested.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

Pairs = Iterable[tuple[str, str]]


def sign(url: str, pairs: Pairs, auth_token: str) -> str:
    """Return the signature of a form POST of `pairs` to `url`; without pairs that of a GET or a WebSocket upgrade.

    `url` is the one configured at Twilio or written in TwiML, letter by letter, without its fragment. Pairs are signed
    in the order of their names, a repeated name once for each different value; blank values count.
    """
    signed = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), hashlib.sha1)).decode()


def is_valid(signature: str, urls: Iterable[str], pairs: Pairs, auth_tokens: Iterable[str]) -> bool:
    """Return whether `signature` is Twilio's for one of `urls` under one of `auth_tokens`.

    Several URLs because Twilio may sign the same address with and without its port; several tokens because a token
    is replaced while calls go on. All are fixed by configuration, none is taken from the request.
    """
    pairs = list(pairs)
    given = signature.encode(errors="replace")
    tokens = list(auth_tokens)
    # Summed, so that every candidate is compared: which of them fits must not show in the time taken.
    return sum(hmac.compare_digest(given, sign(url, pairs, token).encode()) for url in urls for token in tokens) > 0


def spellings(url: str) -> tuple[str, ...]:
    """Return the ways in which Twilio may have written `url` when it signed: with and without the default port.

    Takes and returns URLs of scheme https or wss (http or ws on a laptop). A media stream's URL is also tried with
    https, as the scheme that is signed for its upgrade has not been seen on a live call.
    """
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    schemes = {"wss": ("wss", "https"), "ws": ("ws", "http")}.get(scheme, (scheme,))
    hosts = (host,) if ":" in host or scheme in {"http", "ws"} else (host, f"{host}:443")
    return tuple(f"{each_scheme}://{each_host}{slash}{path}" for each_scheme in schemes for each_host in hosts)
