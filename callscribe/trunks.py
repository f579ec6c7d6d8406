"""Trunks: by what a PBX or a carrier's account proves itself, to whom it belongs and from where it may come.

    pk = TRUNK#<name>
    sk = TRUNK      name, tenant, digest, former_digest, former_until_s, networks, certificates,
                 settings (JSON), created_at, revoked_at

In the table of API keys, and listed by the same index (tenant, created_at). Of secrets only digests are kept. One that
was rotated stays good for a while beside the new one, so that no call is refused while a PBX is given it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import msgspec

from callscribe.api_keys import BY_TENANT, digest_of
from callscribe.errors import MalformedMessage, Refused
from callscribe.log import Steps
from callscribe.requests import Conflict, Item
from callscribe.settings import TrunkSettings, decode_trunk_settings
from callscribe.table import Table, every_item, key, number, when

# mod_audio_fork has room for 85 characters of name and secret.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
DAY_S = 86_400
MOST_NETWORKS = 50
MOST_CERTIFICATES = 10
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Trunk:
    """One PBX, gateway or account of a carrier's."""

    name: str
    tenant: str
    created_at: str  # as in the log
    digest: str = field(repr=False)
    former_digest: str = field(repr=False, default="")
    former_until_s: int = 0  # since 1970; till then the secret before is good too
    networks: tuple[str, ...] = ()  # such as 203.0.113.0/24; none: from anywhere
    certificates: tuple[str, ...] = ()  # fingerprints of its client certificates, each as good as the secret
    settings: TrunkSettings = field(default_factory=TrunkSettings)  # of its calls
    revoked_at: str = ""

    def is_opened_by(self, secret: str, *, now_s: float) -> bool:
        """Tell whether `secret` is this trunk's."""
        shown = digest_of(secret)
        is_current = hmac.compare_digest(shown, self.digest)
        is_former = hmac.compare_digest(shown, self.former_digest) and now_s < self.former_until_s
        return not self.revoked_at and (is_current or is_former)

    def is_proved_by(self, certificate: str) -> bool:
        """Tell whether who holds the key of the client certificate with that fingerprint is this trunk."""
        return not self.revoked_at and certificate in self.certificates

    def is_vouched_for(self, address: str) -> bool:
        """Tell whether `address` alone proves that it is this trunk, where a protocol has no place for a secret."""
        return not self.revoked_at and bool(self.networks) and self.may_come_from(address)

    def may_come_from(self, address: str) -> bool:
        """Tell whether `address`, of IPv4 or IPv6, is in one of its networks."""
        if not self.networks:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in ip_network(network) for network in self.networks)


@dataclass(frozen=True, slots=True)
class NewTrunk:
    """A trunk with a secret that was just made: shown once, kept nowhere."""

    trunk: Trunk
    secret: str = field(repr=False)


def new_trunk(
    tenant: str,
    name: str,
    *,
    at: str,
    networks: Iterable[str] = (),
    certificates: Iterable[str] = (),
    settings: TrunkSettings | None = None,
) -> NewTrunk:
    """Return a trunk and its secret; `certificates` are in PEM. Raises Refused, saying what each has to be."""
    if _NAME.fullmatch(name) is None:
        raise Refused("a trunk's name is 1 to 31 lower-case letters, digits and hyphens")
    secret = _new_secret()
    trunk = Trunk(
        name,
        tenant,
        at,
        digest_of(secret),
        networks=_checked(networks),
        certificates=_fingerprints(certificates),
        settings=settings or TrunkSettings(),
    )
    return NewTrunk(trunk, secret)


@dataclass(frozen=True, slots=True)
class Trunks:
    """The trunks in `table`."""

    table: str

    def add(self, new: NewTrunk) -> Steps[bool]:
        """Keep a new trunk; return False if there is one of its name, which stays as it is."""
        answer = yield Table(self.table).put(_item(new.trunk), when("attribute_not_exists(pk)"))
        return not isinstance(answer, Conflict)

    def find(self, name: str) -> Steps[Trunk | None]:
        """Return the trunk of that name, revoked or not. Raises MalformedMessage if its item makes no sense."""
        if _NAME.fullmatch(name) is None:
            return None
        answer = yield Table(self.table).get(_key(name))
        item: Item | None = answer.get("Item")
        return None if item is None else _of(item)

    def rotate(self, name: str, *, now_s: int, keep_s: int = DAY_S) -> Steps[NewTrunk | None]:
        """Give a trunk a new secret, the present one staying good for `keep_s`; None if there is none, or another did.

        A secret that was rotated before is good no more: there are never more than two.
        """
        found = yield from self.find(name)
        if found is None or found.revoked_at:
            return None
        secret = _new_secret()
        rotated = replace(
            found, digest=digest_of(secret), former_digest=found.digest, former_until_s=now_s + max(keep_s, 0)
        )
        as_it_was = when("digest = :was AND attribute_not_exists(revoked_at)", was={"S": found.digest})
        answer = yield Table(self.table).put(_item(rotated), as_it_was)
        return None if isinstance(answer, Conflict) else NewTrunk(rotated, secret)

    def certify(self, name: str, certificates: Iterable[str]) -> Steps[bool]:
        """Let a trunk in by these client certificates, in PEM, and by none that were good before; tell if it is there.

        Raises Refused, saying what a certificate is.
        """
        shown = {"L": [{"S": each} for each in _fingerprints(certificates)]}
        answer = yield Table(self.table).update(_key(name), {"certificates": shown}, when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)

    def revoke(self, name: str, *, at: str) -> Steps[bool]:
        """Let a trunk open nothing any more; return whether there is such a trunk."""
        answer = yield Table(self.table).update(_key(name), {"revoked_at": {"S": at}}, when("attribute_exists(pk)"))
        return not isinstance(answer, Conflict)

    def of_tenant(self, tenant: str) -> Steps[list[Trunk]]:
        """Return a tenant's trunks, oldest first, the revoked ones too; one of the last second may be missing."""
        items = yield from every_item(
            {
                "TableName": self.table,
                "IndexName": BY_TENANT,
                "KeyConditionExpression": "tenant = :tenant",
                "FilterExpression": "sk = :kind",
                "ExpressionAttributeValues": {":tenant": {"S": tenant}, ":kind": {"S": "TRUNK"}},
            }
        )
        return [_of(item) for item in items]


def _checked(networks: Iterable[str]) -> tuple[str, ...]:
    try:
        checked = tuple(dict.fromkeys(str(ip_network(each.strip())) for each in networks))
    except ValueError as error:
        raise Refused(f"a network is written 203.0.113.0/24 or 2001:db8::/32: {error}") from error
    if len(checked) > MOST_NETWORKS:
        raise Refused(f"a trunk has {MOST_NETWORKS} networks at most")
    return checked


def fingerprint_of(pem: str) -> str:
    """Return the SHA-256, in hexadecimal, of the first certificate in `pem`, as its holder's owner knows it.

    Raises Refused if there is none.
    """
    found = _PEM.search(pem)
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0]) if found is not None else b""
    except ValueError as error:
        raise Refused("a certificate in PEM is base64") from error
    if not der.startswith(b"\x30"):
        raise Refused("no certificate: it is in PEM, between BEGIN CERTIFICATE and END CERTIFICATE")
    return hashlib.sha256(der).hexdigest()


def _fingerprints(certificates: Iterable[str]) -> tuple[str, ...]:
    fingerprints = tuple(dict.fromkeys(map(fingerprint_of, certificates)))
    if len(fingerprints) > MOST_CERTIFICATES:
        raise Refused(f"a trunk has {MOST_CERTIFICATES} certificates at most")
    return fingerprints


def _new_secret() -> str:
    return f"ct_{secrets.token_urlsafe(32)}"


def _key(name: str) -> Item:
    return key(f"TRUNK#{name}", "TRUNK")


def _item(trunk: Trunk) -> Item:
    item: Item = {
        **_key(trunk.name),
        "name": {"S": trunk.name},
        "tenant": {"S": trunk.tenant},
        "created_at": {"S": trunk.created_at},
        "digest": {"S": trunk.digest},
        "former_digest": {"S": trunk.former_digest},
        "former_until_s": number(trunk.former_until_s),
        "networks": {"L": [{"S": network} for network in trunk.networks]},
        "certificates": {"L": [{"S": certificate} for certificate in trunk.certificates]},
        "settings": {"S": msgspec.json.encode(trunk.settings).decode()},
    }
    return item


def _of(item: Item) -> Trunk:
    try:
        settings = decode_trunk_settings(item["settings"]["S"])
    except (KeyError, Refused) as error:
        raise MalformedMessage("a trunk's settings can't be read", kind="trunk") from error
    return Trunk(
        name=item["name"]["S"],
        tenant=item["tenant"]["S"],
        created_at=item["created_at"]["S"],
        digest=item["digest"]["S"],
        former_digest=item["former_digest"]["S"],
        former_until_s=int(item["former_until_s"]["N"]),
        networks=tuple(network["S"] for network in item["networks"]["L"]),
        # Those that were added before there were any have none.
        certificates=tuple(each["S"] for each in item.get("certificates", {"L": []})["L"]),
        settings=settings,
        revoked_at=item.get("revoked_at", {"S": ""})["S"],
    )
