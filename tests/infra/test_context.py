"""What may be set at synth, and what is said to who sets it wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.bundle import ROOT, Target
from infra.context import BadContext, Context


def test_without_any_context_it_is_a_small_deployment_for_lambda() -> None:
    context = Context.of({})

    assert context.stage == "dev"
    assert context.bundle is Target.LAMBDA
    assert context.tasks == 1
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


@pytest.mark.parametrize("text", ["[]", "{", '"settings"'])
def test_settings_that_are_no_json_object_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)

    with pytest.raises(BadContext, match=r"^settings="):
        Context.of({"settings": str(path)})
