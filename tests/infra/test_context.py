"""What may be set at synth, and what is said to who sets it wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.bundle import Target
from infra.context import BadContext, Context
from infra.packages import ROOT
from infra.region import missing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from aws_cdk import App


def test_without_any_context_it_is_a_small_deployment_for_lambda() -> None:
    context = Context.of({})

    assert context.stage == "dev"
    assert context.bundle is Target.LAMBDA
    assert (context.tasks, context.tasks_max, context.calls_per_task) == (1, 10, 40)
    assert (context.domain_name, context.encryption) == ("", "aws")
    assert context.account_logs_role == "make"
    assert context.origin_prefix_list == ""


def test_cdk_json_names_all_that_can_be_set_with_the_defaults() -> None:
    written = json.loads((ROOT / "cdk.json").read_text())["context"]

    names = Context.__dataclass_fields__
    assert set(names) <= set(written)
    assert Context.of({name: written[name] for name in names}) == Context.of({})


def test_the_settings_of_numbers_come_from_a_file(tmp_path: Path) -> None:
    document = {"+15550100": {"then": {"dial": "sip:desk@example.com"}}}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(document))

    assert json.loads(Context.of({"settings": str(path)}).settings) == document


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", "Dev"),
        ("stage", "a" * 17),
        ("bundle", "docker"),
        ("tasks", "many"),
        ("tasks", "-1"),
        ("tasks_max", "0"),
        ("calls_per_task", "0"),
        ("encryption", "none"),
        ("alarm_email", "team"),
        ("account_logs_role", "yes"),
        ("origin_prefix_list", "cloudfront"),
        ("api_origins", "app.example.test"),
        ("jwt_issuer", "http://issuer.example.test"),
        ("jwt_issuer", "https://issuer.example.test"),
        ("settings", "/nonexistent.json"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(BadContext, match=f"^{name}={value}: "):
        Context.of({name: value})


@pytest.mark.parametrize(
    ("name", "zone"),
    [("example.com", "Z1"), ("https://media.example.com", "Z1"), ("media.example.com", "zone"), ("", "Z1")],
)
def test_a_domain_is_a_name_below_a_zone_of_route_53(name: str, zone: str) -> None:
    assert Context.of({"domain_name": "media.example.com", "hosted_zone_id": "Z1"}).domain_name == "media.example.com"
    with pytest.raises(BadContext, match=r"^domain_name="):
        Context.of({"domain_name": name, "hosted_zone_id": zone})


def test_sip_comes_from_private_networks_alone() -> None:
    assert Context.of({}).sip_networks == ()
    given = Context.of({"sip_networks": "10.20.0.0/16, 192.168.7.0/24"})
    assert given.sip_networks == ("10.20.0.0/16", "192.168.7.0/24")
    for value in ("203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/7", "fd00::/8"):
        with pytest.raises(BadContext, match=r"^sip_networks=.*not encrypted$"):
            Context.of({"sip_networks": value})
    assert Context.of({"sip_networks": "10.0.0.0/8", "audiosocket_trunk": "pbx"}).audiosocket_trunk == "pbx"
    for given in ({"audiosocket_trunk": "pbx"}, {"sip_networks": "10.0.0.0/8", "audiosocket_trunk": "My PBX"}):
        with pytest.raises(BadContext, match=r"^audiosocket_trunk="):
            Context.of(given)
    with pytest.raises(BadContext, match=r"^sip_networks=office: networks such as"):
        Context.of({"sip_networks": "office"})


def test_there_may_be_more_tasks_than_ten_from_the_start() -> None:
    assert Context.of({"tasks": "12"}).tasks_max == 12
    with pytest.raises(BadContext, match=r"^tasks_max=11: a number from 12$"):
        Context.of({"tasks": "12", "tasks_max": "11"})


def test_client_certificates_need_a_domain() -> None:
    domain = {"domain_name": "media.example.com", "hosted_zone_id": "Z0123456789"}
    assert Context.of({**domain, "client_ca": "certificates/ca.pem"}).client_ca == "certificates/ca.pem"
    for given in ({"client_ca": "certificates/ca.pem"}, {**domain, "client_ca": "ca.pem"}):
        with pytest.raises(BadContext, match=r"^client_ca="):
            Context.of(given)


@pytest.mark.parametrize("text", ["[]", "{", '"settings"'])
def test_settings_that_are_no_json_object_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)

    with pytest.raises(BadContext, match=r"^settings="):
        Context.of({"settings": str(path)})


@pytest.mark.parametrize(
    ("region", "lacks"),
    [
        ("eu-west-1", []),
        ("xx-nowhere-1", []),  # nobody knows; it may be a new one
        ("", []),
        ("cn-north-1", ["CloudFront"]),
        ("us-isob-west-1", ["API Gateway", "CloudFront"]),
    ],
)
def test_a_region_is_asked_for_what_is_needed(region: str, lacks: list[str]) -> None:
    assert missing(region) == lacks


def test_a_region_without_it_is_named_at_synth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: ModuleType, compose: Callable[[App], None]
) -> None:
    monkeypatch.setenv("CDK_DEFAULT_REGION", "us-isob-west-1")

    with pytest.raises(BadContext, match=r"^region us-isob-west-1: there is no API Gateway, no CloudFront$"):
        command.synthesize(compose, outdir=tmp_path)
