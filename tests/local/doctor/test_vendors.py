"""What Gladia and Twilio say of a deployment's keys, both emulated to their own documents."""

from __future__ import annotations

import pytest

from local.doctor.check import Answer, NoAnswer, Outcome
from local.doctor.probes import Probes
from local.doctor.vendors import gladia, number, twilio
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from local.twilio.account import Account, Number
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard

VOICE = "https://v.test/twilio/voice"
STATUS = "https://v.test/twilio/status"
HERE = Number(phone_number="+12025550188", voice_url=f"{VOICE}#rc=2", status_callback=STATUS)


async def test_gladia_takes_its_key_and_no_other(probes):
    settings = Settings(keys=frozenset({"g-key"}))
    async with EmulatedGladia(ScriptedRecogniser(), settings=settings) as emulated:
        right = gladia(await probes.gladia(emulated.url, key="g-key"))
        other = gladia(await probes.gladia(emulated.url, key="another"))
    gone = gladia(await probes.gladia(emulated.url, key="g-key"))

    assert right.outcome is Outcome.OK
    assert (other.outcome, "refuses the key" in other.found) == (Outcome.WRONG, True)
    assert "Gladia's secret" in other.todo
    assert (gone.outcome, "GLADIA_URL" in gone.todo) == (Outcome.WRONG, True)


@pytest.mark.parametrize("decide", [gladia, twilio])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_is_down_now_is_no_fault_of_the_deployment(decide, status):
    check = decide(Answer(status))

    assert (check.outcome, "ask again" in check.todo) == (Outcome.WARNING, True)


async def asked(probes: Probes, numbers: tuple[Number, ...], *, token: str | None = None, wanted: str = "+12025550188"):
    """What Twilio says of the account, and of the number that is wanted."""
    account = Account()
    async with RestServer(account, Switchboard(), numbers=numbers) as rest:
        known = {"account": account.sid, "token": token or account.auth_token}
        return (
            twilio(await probes.twilio(rest.url, "", **known)),
            number(
                await probes.twilio(rest.url, "/IncomingPhoneNumbers", **known, PhoneNumber=wanted),
                voice_url=VOICE,
                status_url=STATUS,
            ),
        )


async def test_a_number_that_leads_here_is_right(probes):
    account, (voice, status) = await asked(probes, (HERE,))

    assert [account.outcome, voice.outcome, status.outcome] == [Outcome.OK] * 3


async def test_a_wrong_token_is_told_by_twilio(probes):
    account, (asked_number,) = await asked(probes, (HERE,), token="another")

    assert (account.outcome, "refuses the token" in account.found) == (Outcome.WRONG, True)
    assert "auth token" in account.todo
    assert asked_number.outcome is Outcome.WRONG


async def test_a_number_that_the_account_lacks_is_wrong(probes):
    _, (check,) = await asked(probes, (HERE,), wanted="+12025550189")

    assert (check.outcome, check.found) == (Outcome.WRONG, "the account has no such number")
    assert "+1202" not in check.todo


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"voice_url": "https://old.test/voice?key=s3cret"}, "goes elsewhere, to old.test"),
        ({"voice_url": ""}, "goes nowhere"),
        ({"voice_method": "GET"}, "comes here as GET"),
        ({"voice_application_sid": "AP1"}, "goes to a TwiML app"),
        ({"trunk_sid": "TK1"}, "goes to a SIP trunk"),
    ],
)
async def test_a_number_whose_calls_go_elsewhere_is_wrong(probes, changed, found):
    here = {"voice_url": VOICE, "status_callback": STATUS} | changed
    _, (voice, status) = await asked(probes, (Number(phone_number="+12025550188", **here),))

    assert (voice.outcome, voice.found) == (Outcome.WRONG, found)
    assert VOICE in voice.todo
    assert status.outcome is Outcome.OK


async def test_a_number_that_tells_of_no_end_is_wrong(probes):
    _, (voice, status) = await asked(probes, (Number(phone_number="+12025550188", voice_url=VOICE),))

    assert (voice.outcome, status.outcome, status.found) == (Outcome.OK, Outcome.WRONG, "goes nowhere")
    assert STATUS in status.todo


def test_an_account_that_is_not_named_is_not_asked():
    check = twilio(None)

    assert (check.outcome, "--account-sid" in check.todo) == (Outcome.WARNING, True)


def test_an_account_that_is_suspended_is_wrong():
    assert twilio(Answer(200, b'{"status":"suspended"}')).found == "the account is suspended"


def test_whoever_is_no_twilio_is_wrong():
    assert twilio(Answer(200, b"<html>")).outcome is Outcome.WRONG
    assert twilio(NoAnswer("ConnectError")).outcome is Outcome.WRONG
    assert [each.outcome for each in number(Answer(200, b"[]"), voice_url="", status_url="")] == [Outcome.WRONG]
