"""`callscribe doctor` and `callscribe status` on the laptop: all is right, and each thing that is broken is found."""

from __future__ import annotations

import asyncio
import json
import sys

import httpx
import msgspec
import pytest

from local.commands.doctor import examine_laptop
from local.doctor import doors
from local.doctor.check import Check, Outcome
from local.doctor.probes import NO_CALL, Probes
from local.laptop import Addresses
from local.placing import SIMULATED
from tests.path.test_one_call import conversation

NOBODY = "127.0.0.1:9"


async def callscribe(up, *arguments: str) -> tuple[int, str]:
    """Run the program beside the laptop; return its status and what it prints."""
    command = [sys.executable, "-m", "local.cli", *arguments, "--state", str(up.state)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


def wrong(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks if check.outcome is Outcome.WRONG}


async def broken(up, **addresses: str) -> dict[str, Check]:
    """What is wrong with the laptop if it were at other addresses, or had other keys."""
    return wrong(await examine_laptop(msgspec.structs.replace(up.addresses, **addresses)))


async def test_all_is_right_and_nothing_secret_is_told(up):
    status, printed = await callscribe(up, "doctor", "--number", SIMULATED.to_number, "--json")
    said = json.loads(printed)

    assert [check for check in said["checks"] if check["outcome"] != "ok"] == []
    assert (status, said["ok"]) == (0, True)
    names = {check["name"].partition(":")[0] for check in said["checks"]}
    assert names >= {"AWS credentials", "Gladia", "Twilio", "number", "webhook", "media", "HTTP API", "push"}
    secrets = (up.addresses.auth_token, up.addresses.signing_key, up.addresses.api_key, SIMULATED.to_number)
    assert [secret for secret in secrets if secret in printed] == []


async def test_no_log_of_a_call_is_written_and_no_ticket_is_told_in_any_log(up):
    async with up.addresses.callscribe() as callscribe:
        before = [call.call_id async for call in callscribe.calls()]
        await examine_laptop(up.addresses, number=SIMULATED.to_number)
        after = [call.call_id async for call in callscribe.calls()]

    assert after == before
    assert NO_CALL not in after
    # A ticket begins as its claims do: {"use":"push" or {"use":"media".
    assert [text for text in ("eyJ1c2Ui", up.addresses.auth_token, up.addresses.api_key) if text in up.logs()] == []


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        (
            {"media_url": f"ws://{NOBODY}"},
            {"media: address", "media: health", "media: a stranger", "media: Twilio"},
        ),
        ({"gladia_url": f"http://{NOBODY}"}, {"Gladia"}),
        ({"api_url": f"http://{NOBODY}"}, {"HTTP API", "push: ticket"}),
        ({"api_key": "cs_wrong"}, {"HTTP API", "push: ticket"}),
        ({"auth_token": "another account's"}, {"Twilio"}),
        ({"voice_url": f"http://{NOBODY}/twilio/voice"}, {"webhook: a stranger", "webhook: Twilio"}),
        ({"aws_url": f"http://{NOBODY}"}, {"AWS credentials"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_is_broken_is_found_and_nothing_else(up, addresses, found):
    checks = await broken(up, **addresses)

    assert checks.keys() == found
    assert all(check.todo for check in checks.values())


async def test_a_bridge_that_has_other_secrets_is_told_apart(up):
    real: Addresses = up.addresses
    async with httpx.AsyncClient(trust_env=False) as http:
        probes = Probes(http)
        forged = await probes.twilio_at_media(real.media_url, signing_key="another", token=real.auth_token)
        unsigned = await probes.twilio_at_media(real.media_url, signing_key=real.signing_key, token="another")
        webhook = await probes.webhook(real.status_url.partition("/status")[0] + "/stream", token="another")

    assert doors.twilio_at_media(forged).found == "its ticket is refused"
    assert doors.twilio_at_media(unsigned).found == "its signature is refused"
    assert doors.signed_webhook(webhook).found == "its signature is refused"


async def test_status_tells_what_the_bridge_counted(up):
    async def counts() -> dict[str, float]:
        status, printed = await callscribe(up, "status", "--json", "--minutes", "60")
        assert status == 0
        return json.loads(printed)["metrics"]

    before = await counts()
    await up.place(conversation("good morning", "this is the bank"))

    async with asyncio.timeout(60):
        while (after := await counts())["entries_written"] <= before.get("entries_written", 0) or after["live"]:
            pass  # the next line is due within five seconds

    assert after["sessions"] > before.get("sessions", 0)
    assert after["sent_bytes"] == after["acknowledged_bytes"] > before.get("sent_bytes", 0)
