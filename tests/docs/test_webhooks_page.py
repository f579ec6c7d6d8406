"""What docs/webhooks.md has people copy does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from string import Template

import boto3
import pytest
from moto import mock_aws
from standardwebhooks import WebhookVerificationError

from callscribe.deliveries import BACKOFF_S
from callscribe.entries import CallEnded, Entry
from callscribe.webhook_message import body_of
from callscribe.webhook_signature import TOLERANCE_S, new_secret, sign
from callscribe.webhooks import DEFAULT_KINDS, KINDS
from functions.post import LIMIT_S
from infra.node import use_packaged_node

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = body_of(Entry("CA1", 7, "2026-11-22T09:15:02.417Z", "acme", CallEnded(reason="completed", duration_ms=1)))
SECRETS = [new_secret(), new_secret()]
FORGED = [
    {"webhook-id": "CA1.8"},
    {"webhook-timestamp": "1"},
    {"webhook-timestamp": "soon"},
    {"webhook-signature": "v1,AAAA"},
    {"webhook-signature": ""},
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def signed() -> dict[str, str]:
    return sign("CA1.7", BODY, SECRETS, now_s=int(time.time()))


def in_python(headers: dict[str, str]) -> dict:
    namespace: dict = {}
    exec(compile(blocks("python")[0], "webhooks.md", "exec"), namespace)
    return namespace["received"](SECRETS[1], headers, BODY)


def in_node(tmp_path, headers: dict[str, str]) -> subprocess.CompletedProcess:
    (tmp_path / "received.mjs").write_text(blocks("js")[0])
    asked = ", ".join(json.dumps(each) for each in (SECRETS[1], headers, BODY.decode()))
    program = f"import {{received}} from './received.mjs'; console.log(JSON.stringify(received({asked})))"
    return subprocess.run(
        [node(), "--input-type=module", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def node() -> str:
    use_packaged_node()
    return os.environ["JSII_NODE"]


def test_a_message_is_checked_in_python():
    assert in_python(signed())["data"]["call_id"] == "CA1"
    for headers in FORGED:
        with pytest.raises(WebhookVerificationError):
            in_python(signed() | headers)


def test_a_message_is_checked_in_node(tmp_path):
    taken = in_node(tmp_path, signed())
    assert json.loads(taken.stdout)["data"]["call_id"] == "CA1", taken.stderr
    for headers in FORGED:
        refused = in_node(tmp_path, signed() | headers)
        assert refused.returncode != 0
        assert "not of now" in refused.stderr or "wrong signature" in refused.stderr


def test_an_example_for_a_crm_is_python_of_today():
    namespace: dict = {}
    exec(compile(blocks("python")[1], "webhooks.md", "exec"), namespace)

    assert callable(namespace["tell_hubspot"])


def test_eventbridge_takes_the_commands_for_api_destinations(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    known = {"ROLE": "arn:aws:iam::123456789012:role/calls", "QUEUE": "arn:aws:sqs:eu-west-1:123456789012:dead"}
    with mock_aws():
        events = boto3.client("events", region_name="eu-west-1")
        events.create_event_bus(Name="callscribe-dev")
        for command in blocks("sh")[0].replace("\\\n", " ").splitlines():
            _, service, operation, *options = shlex.split(Template(command).substitute(known))
            assert service == "events"
            answer = getattr(events, operation.replace("-", "_"))(**arguments(options))
            arns = {"CONNECTION": answer.get("ConnectionArn"), "DESTINATION": answer.get("ApiDestinationArn")}
            known |= {name: arn for name, arn in arns.items() if arn}
        (target,) = events.list_targets_by_rule(Rule="calls-ready", EventBusName="callscribe-dev")["Targets"]

    assert ":api-destination/crm/" in target["Arn"]


def arguments(options: list[str]) -> dict:
    """Return a command line's options as boto3 has them."""
    made = {}
    for name, value in zip(options[::2], options[1::2], strict=True):
        spelt = "".join(word.title() for word in name.removeprefix("--").split("-"))
        is_json = value.startswith("{") and spelt != "EventPattern"
        made[spelt] = (
            json.loads(value) if is_json or value.startswith("[") else int(value) if value.isdigit() else value
        )
    return made


def test_figures_and_kinds_are_those_of_the_code():
    hours = BACKOFF_S[3:]
    assert (*BACKOFF_S[:3], hours) == (5, 300, 1800, (7200, 18_000, 36_000, 36_000))
    assert "5 seconds, 5 minutes, 30 minutes, 2 hours, 5 hours, and twice 10 hours: eight attempts" in PAGE
    assert round(sum(BACKOFF_S) / 3600) == 28
    assert f"within {LIMIT_S:g} seconds" in PAGE
    assert TOLERANCE_S == 300
    table = PAGE[PAGE.index("| `--kind`") : PAGE.index("What is said while")]
    assert set(re.findall(r"`([a-z.]+)`", table)) == set(KINDS)
    assert set(re.findall(r"`([a-z.]+)` \(default\)", table)) == set(DEFAULT_KINDS)
