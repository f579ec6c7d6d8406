"""What may differ from one deployment to the next: CDK context, read once and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from infra.bundle import Target

if TYPE_CHECKING:
    from constructs import Node

# Said to a caller whose number has no settings of its own.
DEFAULT_SETTINGS = {"default": {"then": {"say": "This call is transcribed."}}}


_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))


class BadContext(ValueError):
    """A context value that can't be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The values of `-c name=value`, of cdk.json, or the defaults.

    `stage` names the deployment. `bundle` says whom the Lambda packages are for. `settings` is the JSON document of
    number settings. `tasks` is how many bridge tasks run at least, `tasks_max` at most, `calls_per_task` how many calls
    each is to have. With `domain_name` the bridge is reached under it, the zone of its parent name being
    `hosted_zone_id`, and with `client_ca` too, bucket and key of certificates in S3, trunks may show client
    certificates. `account_logs_role` is "make" or "existing": API Gateway
    writes a WebSocket API's access log through a role that is set once an account and region. `origin_prefix_list`
    is the id of `com.amazonaws.global.cloudfront.origin-facing` in the region, or empty. `sip_networks` are the
    private networks that SIP and RTP are taken from, separated by commas; none: there is no SIP. With
    `audiosocket_trunk` Asterisk's AudioSocket is taken from there, as calls of that trunk. `api_origins` are
    the pages that may use the HTTP API from a browser, separated by commas. With `jwt_issuer`, tokens that it made for
    one of `jwt_audience` are let in as well, for the tenant in their claim `jwt_tenant_claim`. `encryption` is "aws",
    or "own" for a customer-managed key. `alarm_email` is told of alarms.
    """

    stage: str
    bundle: Target
    settings: str
    tasks: int
    tasks_max: int
    calls_per_task: int
    domain_name: str
    hosted_zone_id: str
    client_ca: str
    account_logs_role: Literal["make", "existing"]
    origin_prefix_list: str
    sip_networks: tuple[str, ...]
    audiosocket_trunk: str
    api_origins: str
    jwt_issuer: str
    jwt_audience: str
    jwt_tenant_claim: str
    encryption: Literal["aws", "own"]
    alarm_email: str

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the context of the app at `node`. Raises BadContext."""
        return cls.of({name: node.try_get_context(name) for name in cls.__dataclass_fields__})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return what `values` say, with defaults for those that are absent or None. Raises BadContext."""
        given = {name: value for name, value in values.items() if value not in (None, "")}
        return cls(
            stage=_stage(given.get("stage", "dev")),
            bundle=_bundle(given.get("bundle", Target.LAMBDA)),
            settings=_settings(given.get("settings")),
            tasks=(tasks := _number("tasks", given.get("tasks", 1), least=0)),
            tasks_max=_number("tasks_max", given.get("tasks_max", max(10, tasks)), least=max(1, tasks)),
            calls_per_task=_number("calls_per_task", given.get("calls_per_task", 40), least=1),
            domain_name=_domain(given.get("domain_name", ""), given.get("hosted_zone_id", "")),
            hosted_zone_id=given.get("hosted_zone_id", ""),
            client_ca=_client_ca(given.get("client_ca", ""), given.get("domain_name", "")),
            account_logs_role=_account_logs_role(given.get("account_logs_role", "make")),
            origin_prefix_list=_prefix_list(given.get("origin_prefix_list", "")),
            sip_networks=_private_networks(given.get("sip_networks", "")),
            audiosocket_trunk=_trunk(given.get("audiosocket_trunk", ""), given.get("sip_networks", "")),
            api_origins=_origins(given.get("api_origins", "*")),
            jwt_issuer=_issuer(given.get("jwt_issuer", ""), given.get("jwt_audience", "")),
            jwt_audience=given.get("jwt_audience", ""),
            jwt_tenant_claim=given.get("jwt_tenant_claim", "tenant"),
            encryption=_encryption(given.get("encryption", "aws")),
            alarm_email=_email(given.get("alarm_email", "")),
        )


def _stage(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", value):
        raise BadContext(f"stage={value}: 1 to 16 lower-case letters and digits, beginning with a letter")
    return value


def _bundle(value: str) -> Target:
    try:
        return Target(value)
    except ValueError as error:
        raise BadContext(f"bundle={value}: one of {', '.join(Target)}") from error


def _settings(path: str | None) -> str:
    if path is None:
        return json.dumps(DEFAULT_SETTINGS)
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadContext(f"settings={path}: {error}") from error
    if not isinstance(document, dict):
        raise BadContext(f"settings={path}: not a JSON object")
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _number(name: str, value: str | int, *, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise BadContext(f"{name}={value}: a number from {least}")
    return number


def _domain(name: str, hosted_zone_id: str) -> str:
    if name and not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.){2,}[a-z]{2,}", name):
        raise BadContext(f"domain_name={name}: a name below a zone, such as media.example.com")
    if bool(name) != bool(hosted_zone_id):
        raise BadContext(f"domain_name={name}, hosted_zone_id={hosted_zone_id}: both or neither")
    if hosted_zone_id and not re.fullmatch(r"Z[A-Z0-9]{1,31}", hosted_zone_id):
        raise BadContext(f"domain_name={name}, hosted_zone_id={hosted_zone_id}: an id such as Z0123456789ABCDEFGHIJ")
    return name


def _client_ca(value: str, domain_name: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S+", value):
        raise BadContext(f"client_ca={value}: bucket and key of certificates in PEM, such as my-bucket/ca.pem")
    if value and not domain_name:
        raise BadContext(f"client_ca={value}: needs domain_name, as CloudFront's name asks for no client certificates")
    return value


def _account_logs_role(value: str) -> Literal["make", "existing"]:
    if value == "make":
        return "make"
    if value == "existing":
        return "existing"
    raise BadContext(f"account_logs_role={value}: make or existing")


def _encryption(value: str) -> Literal["aws", "own"]:
    if value == "aws":
        return "aws"
    if value == "own":
        return "own"
    raise BadContext(f"encryption={value}: aws or own")


def _email(value: str) -> str:
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise BadContext(f"alarm_email={value}: an address such as team@example.com")
    return value


def _prefix_list(value: str) -> str:
    if value and not re.fullmatch(r"pl-[0-9a-f]{8,17}", value):
        raise BadContext(f"origin_prefix_list={value}: an id such as pl-0123456789abcdef0")
    return value


def _private_networks(value: str) -> tuple[str, ...]:
    try:
        networks = [ip_network(each.strip()) for each in value.split(",") if each.strip()]
    except ValueError as error:
        raise BadContext(f"sip_networks={value}: networks such as 10.20.0.0/16, separated by commas") from error
    if not all(any(network.version == 4 and network.subnet_of(each) for each in _PRIVATE) for network in networks):
        raise BadContext(f"sip_networks={value}: within {', '.join(map(str, _PRIVATE))}, as RTP is not encrypted")
    return tuple(map(str, networks))


def _trunk(name: str, networks: str) -> str:
    if name and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
        raise BadContext(f"audiosocket_trunk={name}: a trunk, as `callscribe trunks list` shows it")
    if name and not networks:
        raise BadContext(f"audiosocket_trunk={name}: needs sip_networks, where its calls come from")
    return name


def _origins(value: str) -> str:
    wrong = [each for each in value.split(",") if not re.fullmatch(r"\*|https?://[^/\s]+", each)]
    if wrong:
        raise BadContext(f"api_origins={value}: * or origins such as https://app.example.test, separated by commas")
    return value


def _issuer(value: str, audience: str) -> str:
    if value and not re.fullmatch(r"https://\S+", value):
        raise BadContext(f"jwt_issuer={value}: the https URL of an OpenID Connect issuer")
    if value and not audience:
        raise BadContext(f"jwt_issuer={value}: needs jwt_audience, for whom its tokens have to be made")
    return value
