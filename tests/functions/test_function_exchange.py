"""A Lambda asks Twilio and Gladia as the bridge does."""

from __future__ import annotations

import asyncio

import pytest

from callscribe.errors import Refused, Unavailable
from callscribe.exchange import Exchange, HttpRequest
from callscribe.twilio_rest import CallOver, TwilioRest
from functions.exchange import perform
from local.twilio.account import Account
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
async def twilio(account):
    async with RestServer(account, Switchboard()) as server:
        yield server


async def asked(exchange: Exchange, **options):
    return await asyncio.to_thread(perform, exchange, **options)


async def test_an_answer_is_told_as_what_it_means(twilio, account):
    rest = TwilioRest(twilio.url, account.auth_token)

    assert await asked(rest.fetch_call(account.sid, "CA1")) == CallOver(known=False)
    assert await asked(rest.start_stream(account.sid, "CA1", url="wss://m.test", track="both_tracks")) == CallOver(
        known=False
    )
    assert [method for method, _ in twilio.requests] == ["GET", "POST"]


async def test_what_the_answer_raises_is_raised(twilio, account):
    with pytest.raises(Refused):
        await asked(TwilioRest(twilio.url, "wrong").fetch_call(account.sid, "CA1"))
    twilio.refusals.append(503)
    with pytest.raises(Unavailable):
        await asked(TwilioRest(twilio.url, account.auth_token).fetch_call(account.sid, "CA1"))


async def test_a_query_is_part_of_what_is_asked(twilio):
    await asked(Exchange("twilio", HttpRequest("GET", f"{twilio.url}/x?y=1", {}), lambda *_: None))

    assert twilio.requests == [("GET", "/x")]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "http://127.0.0.1:none/"])
def test_a_service_that_cannot_be_reached_may_be_later(url):
    with pytest.raises(Unavailable, match="gladia can't be reached"):
        perform(Exchange("gladia", HttpRequest("GET", url, {}), lambda *_: None))


async def test_an_answer_that_does_not_come_is_not_waited_for():
    async def never(_reader, _writer):
        await asyncio.Event().wait()

    async with await asyncio.start_server(never, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match="TimeoutError"):
            await asked(
                Exchange("gladia", HttpRequest("GET", f"http://127.0.0.1:{port}/", {}), lambda *_: None), timeout_s=0.01
            )
        server.close()
