"""A stage on AWS, examined from its stacks on."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from local.cli import app
from local.doctor import examination
from local.doctor.check import Check, Outcome
from local.doctor.examination import Question, examine
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from local.twilio.account import Account, Number
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard
from tests.local.doctor.conftest import OUTPUTS, REGION


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


async def test_a_stage_is_known_by_its_stacks_and_asked_with_its_own_keys(deploy, cloud, probes):
    number = Number(
        phone_number="+12025550188",
        voice_url=OUTPUTS["Api"]["VoiceUrl"],
        status_callback=OUTPUTS["Api"]["StatusUrl"],
    )
    account = Account(auth_token="t-token")
    async with (
        EmulatedGladia(ScriptedRecogniser(), settings=Settings(keys=frozenset({"g-key"}))) as gladia,
        RestServer(account, Switchboard(), numbers=(number,)) as twilio,
    ):
        deploy(GLADIA_URL=gladia.url, TWILIO_URL=twilio.url, GLADIA_SESSIONS="7")
        question = Question(stage="dev", account_sid=account.sid, number="+12025550188", api_key="cs_1")
        checks = by_name(await examine(question, cloud, probes))

    right = {name for name, check in checks.items() if check.outcome is Outcome.OK}
    assert right == {
        "AWS credentials",
        *(f"stack {name}" for name in OUTPUTS),
        "Gladia's secret",
        "Twilio's secret",
        "signing secret",
        "settings of numbers",
        "media: address",
        "Gladia",
        "Gladia's sessions",
        "Twilio",
        "number: a call comes in",
        "number: call status changes",
    }
    assert checks["Gladia's sessions"].found.startswith("0 of 7 in use")
    # Nothing of it runs.
    assert {name for name, check in checks.items() if check.outcome is Outcome.WRONG} == {
        "tasks of the bridge",
        "webhook: a stranger",
        "webhook: Twilio",
        "media: health",
        "media: a stranger",
        "media: Twilio",
        "HTTP API",
        "push: ticket",
    }


async def test_a_key_that_gladia_does_not_know_is_told_and_not_shown(deploy, cloud, probes):
    async with EmulatedGladia(ScriptedRecogniser(), settings=Settings(keys=frozenset({"g-key"}))) as gladia:
        deploy(GLADIA_URL=gladia.url, secrets={"GLADIA": {"api_key": "a-revoked-key"}})
        checks = by_name(await examine(Question(stage="dev"), cloud, probes))

    assert checks["Gladia's secret"].outcome is Outcome.OK
    assert (checks["Gladia"].outcome, checks["Gladia"].found) == (Outcome.WRONG, "refuses the key (401)")
    assert not [check for check in checks.values() if "a-revoked-key" in f"{check}"]


async def test_what_a_secret_is_needed_for_is_not_asked_without_it(deploy, cloud, probes):
    deploy(secrets={"GLADIA": {"api_key": "x" * 64}, "TWILIO": {}})

    checks = by_name(await examine(Question(stage="dev", account_sid="AC1", number="+1"), cloud, probes))

    assert [checks[name].outcome for name in ("Gladia's secret", "Twilio's secret")] == [Outcome.WRONG] * 2
    unasked = {name for name, check in checks.items() if check.found.startswith("not asked, for want of")}
    assert unasked == {"Gladia", "Twilio", "number", "webhook: Twilio", "media: Twilio"}


@pytest.mark.parametrize("stack", ["Data", "Api", "Bridge"])
async def test_a_stack_that_is_missing_ends_the_examination(deploy, cloud, probes, stack):
    deploy(without=(stack,))

    checks = await examine(Question(stage="dev"), cloud, probes)

    assert [check.name for check in checks if check.outcome is Outcome.WRONG] == [f"stack {stack}"]
    assert checks[-1].name == "stack Watch"


async def test_page_and_dashboard_may_be_missing(deploy, cloud, probes):
    deploy(without=("Web", "Watch"))

    checks = by_name(await examine(Question(stage="dev"), cloud, probes))

    assert (checks["stack Web"].outcome, checks["stack Watch"].outcome) == (Outcome.OK, Outcome.OK)
    assert "HTTP API" in checks


async def test_stacks_of_another_version_are_told_by_what_they_lack(deploy, cloud, probes):
    deploy(SESSIONS_TABLE="")

    check = (await examine(Question(stage="dev"), cloud, probes))[-1]

    assert check.outcome is Outcome.WRONG
    assert "SESSIONS_TABLE is not set" in check.found
    assert "deploy this version" in check.todo


async def test_a_check_that_takes_too_long_is_wrong_and_keeps_no_other_waiting(deploy, cloud, probes, monkeypatch):
    monkeypatch.setattr(examination, "LIMIT_S", 0.5)

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(hold, "127.0.0.1", 0) as silent:
        deploy(GLADIA_URL=f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
        checks = by_name(await examine(Question(stage="dev"), cloud, probes))
        for writer in held:
            writer.close()

    assert checks["Gladia"].found.startswith("nothing within")
    assert checks["Gladia's sessions"].outcome is Outcome.OK


def asked(*arguments: str) -> tuple[int, dict]:
    result = CliRunner().invoke(app, ["doctor", "--stage", "dev", "--region", REGION, "--json", *arguments])
    return result.exit_code, json.loads(result.stdout)


def test_the_command_ends_with_1_if_anything_is_wrong(aws):
    status, said = asked()

    assert (status, said["ok"]) == (1, False)
    assert [check["name"] for check in said["checks"] if check["outcome"] == "wrong"] == [
        "stack Data",
        "stack Api",
        "stack Bridge",
    ]
    assert "deploy it" in said["checks"][1]["todo"]


def test_without_credentials_that_is_all_there_is_to_say(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    status, said = asked()

    assert status == 1
    assert [(check["name"], check["outcome"]) for check in said["checks"]] == [("AWS credentials", "wrong")]
    assert "NoCredentialsError" in said["checks"][0]["found"]


def test_a_table_for_people_says_what_to_do(aws):
    result = CliRunner().invoke(app, ["doctor", "--stage", "dev", "--region", REGION])

    assert result.exit_code == 1
    assert "✗  stack Data" in result.stdout
    assert "→ deploy it" in result.stdout


def test_without_a_laptop_that_is_up_the_command_says_so(tmp_path):
    result = CliRunner().invoke(app, ["doctor", "--state", str(tmp_path)])

    assert result.exit_code == 2
    assert "callscribe up" in result.output
