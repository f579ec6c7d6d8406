"""A number that is made to lead to a deployment, at the simulated Twilio."""

from __future__ import annotations

import httpx
import pytest
import typer

from local.commands.connect import _connect
from local.connecting import Led, NotConnected, TwilioNumbers
from local.twilio.account import Account, Number
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard

ACCOUNT = Account()
THERE = Led(voice_url="https://voice.example.test/twilio/voice", status_url="https://voice.example.test/twilio/status")


@pytest.fixture
async def twilio():
    numbers = [
        Number(phone_number="+12025550188", voice_url="https://old.example.test/voice", voice_method="GET"),
        Number(phone_number="+12025550189", trunk_sid="TK1"),
        Number(phone_number="+12025550190", voice_application_sid="AP1"),
    ]
    async with RestServer(ACCOUNT, Switchboard(), numbers=numbers) as rest:
        yield rest


@pytest.fixture
async def numbers(twilio):
    async with httpx.AsyncClient(trust_env=False) as http:
        yield TwilioNumbers(http=http, url=twilio.url, account_sid=ACCOUNT.sid, auth_token=ACCOUNT.auth_token)


async def test_a_number_leads_there_by_post_and_where_it_led_before_is_told(twilio, numbers):
    before = await numbers.connect("+12025550188", THERE)

    assert before == Led(voice_url="https://old.example.test/voice", status_url="")
    number = twilio.numbers[0]
    assert (number.voice_url, number.voice_method) == (THERE.voice_url, "POST")
    assert (number.status_callback, number.status_callback_method) == (THERE.status_url, "POST")
    assert await numbers.connect("+12025550188", THERE) == THERE


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+12025550189", "on a SIP trunk"),
        ("+12025550190", "belongs to a TwiML app"),
        ("+12025550000", "no such numbers"),
    ],
)
async def test_a_number_that_would_not_lead_there_all_the_same_is_left_as_it_is(twilio, numbers, number, why):
    before = list(twilio.numbers)

    with pytest.raises(NotConnected, match=why):
        await numbers.connect(number, THERE)

    assert twilio.numbers == before


async def test_a_token_that_twilio_refuses_is_told(twilio):
    async with httpx.AsyncClient(trust_env=False) as http:
        numbers = TwilioNumbers(http=http, url=twilio.url, account_sid=ACCOUNT.sid, auth_token="another")
        with pytest.raises(NotConnected, match="refuses the token"):
            await numbers.connect("+12025550188", THERE)


@pytest.mark.parametrize(("status", "why"), [(503, "answered 503"), (429, "answered 429")])
async def test_a_twilio_that_cannot_answer_is_told(twilio, numbers, status, why):
    twilio.refusals.append(status)

    with pytest.raises(NotConnected, match=why):
        await numbers.connect("+12025550188", THERE)


async def test_a_twilio_that_is_not_reached_is_told():
    async with httpx.AsyncClient(trust_env=False) as http:
        numbers = TwilioNumbers(http=http, url="http://127.0.0.1:9", account_sid="AC1", auth_token="t")
        with pytest.raises(NotConnected, match="can't be reached: ConnectError"):
            await numbers.connect("+12025550188", THERE)


async def test_the_command_finds_the_deployment_and_its_token(twilio, cloud, deploy, capsys):
    deploy(TWILIO_URL=twilio.url, secrets={"TWILIO": {"auth_token": ACCOUNT.auth_token}})

    assert await _connect("dev", "+12025550188", ACCOUNT.sid, cloud) == 0

    said = capsys.readouterr().out
    assert "a call comes in      http://127.0.0.1:9/twilio/voice, before: https://old.example.test/voice" in said
    assert "call status changes  http://127.0.0.1:9/twilio/status, before: nowhere" in said
    assert ACCOUNT.auth_token not in said


async def test_the_command_names_what_is_not_there(twilio, cloud, deploy, capsys):
    with pytest.raises(typer.Exit):
        await _connect("dev", "+12025550188", ACCOUNT.sid, cloud)
    deploy(without=("Api",))
    with pytest.raises(typer.Exit):
        await _connect("dev", "+12025550188", ACCOUNT.sid, cloud)

    assert " ".join(capsys.readouterr().err.split()) == (
        "callscribe: stage dev is not all there: no stack of it is in this account and region "
        "callscribe: stage dev is not all there: VoiceUrl, StatusUrl, ApiUrl"
    )
