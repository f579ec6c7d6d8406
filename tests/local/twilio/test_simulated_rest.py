"""The REST resources of a live call, with Twilio's own library as the client."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from local.twilio import place
from local.twilio.account import Account, Number
from local.twilio.events import StreamFailed, StreamOpened, StreamStopped
from local.twilio.faults import Death
from local.twilio.rest import RestServer
from local.twilio.spans import Span
from local.twilio.switchboard import Switchboard

TWILIO = "https://api.twilio.com"


@pytest.fixture
def switchboard() -> Switchboard:
    return Switchboard()


@pytest.fixture
async def rest(account, switchboard):
    async with RestServer(account, switchboard) as rest:
        yield rest


@pytest.fixture
async def client(rest, account):
    """Twilio's client as it is, but for where it finds api.twilio.com."""

    class Here(AsyncTwilioHttpClient):
        async def request(self, method, url, *args, **kwargs):
            return await super().request(method, url.replace(TWILIO, rest.url, 1), *args, **kwargs)

    async with Here() as here:
        yield Client(account.sid, account.auth_token, http_client=here)


class Held:
    """A call that is in progress, and waits for its next TwiML until it is released."""

    def __init__(self, release: asyncio.Event):
        self.sid = ""
        self.placed: asyncio.Task
        self._release = release
        self._events = []
        self._more = asyncio.Event()

    def observe(self, event) -> None:
        self._events.append(event)
        self._more.set()

    async def seen(self, kind, count: int = 1):
        while len(found := [event for event in self._events if isinstance(event, kind)]) < count:
            self._more.clear()
            await self._more.wait()
        return found[count - 1]

    async def go_on(self):
        self._release.set()
        return await self.placed


@pytest.fixture
def held(application, account, placement, switchboard):
    """Hold a call after its first second, for the time of an `async with`; it lasts another second."""

    @asynccontextmanager
    async def held(verbs: str = "", **changes):
        application.twiml("/voice", f"{verbs}<Pause/><Redirect>/next</Redirect>")
        application.twiml("/next", "<Pause/>")
        release = application.holds["/next"] = asyncio.Event()
        call = Held(release)
        call.placed = asyncio.create_task(
            place(placement(**changes), account=account, observe=call.observe, switchboard=switchboard)
        )
        await application.reached["/next"].wait()
        call.sid = application.on("/voice")[0].form["CallSid"]
        yield call
        await call.go_on()

    return held


@pytest.fixture
async def with_numbers(account, switchboard):
    """Twilio's own client of an account that has two numbers."""
    numbers = (
        Number(phone_number="+12025550188", voice_url="https://v.test/voice", status_callback="https://v.test/status"),
        Number(phone_number="+12025550189", voice_method="GET", voice_application_sid="AP1", trunk_sid="TK1"),
    )
    async with RestServer(account, switchboard, numbers=numbers) as server:

        class Here(TwilioHttpClient):
            def request(self, method, url, *args, **kwargs):
                return super().request(method, url.replace(TWILIO, server.url, 1), *args, **kwargs)

        yield lambda account: Client(account.sid, account.auth_token, http_client=Here())


async def test_a_number_is_found_with_whom_twilio_asks_about_its_calls(with_numbers, account):
    numbers = with_numbers(account).incoming_phone_numbers

    (found,) = await asyncio.to_thread(numbers.list, phone_number="+12025550188")
    both = await asyncio.to_thread(numbers.list)
    none = await asyncio.to_thread(numbers.list, phone_number="+12025550190")

    assert (found.voice_url, found.voice_method) == ("https://v.test/voice", "POST")
    assert (found.status_callback, found.status_callback_method) == ("https://v.test/status", "POST")
    assert (both[1].voice_method, both[1].voice_application_sid, both[1].trunk_sid) == ("GET", "AP1", "TK1")
    assert none == []


async def test_an_account_is_shown_to_whoever_has_its_token(with_numbers, account):
    shown = await asyncio.to_thread(with_numbers(account).api.accounts(account.sid).fetch)
    assert (shown.sid, shown.status) == (account.sid, "active")

    stranger = with_numbers(Account(sid=account.sid))
    with pytest.raises(TwilioRestException) as refused:
        await asyncio.to_thread(stranger.api.accounts(account.sid).fetch)
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_a_media_stream_is_attached_to_a_call_in_progress(application, receiver, client, account, held):
    async with held() as call:
        stream = await client.calls(call.sid).streams.create_async(
            url=receiver.url,
            name="again",
            track="both_tracks",
            status_callback=application.url + "/s",
            parameter1_name="tenant",
            parameter1_value="t-42",
            parameter12_name="ticket",
            parameter12_value="one",
        )
        opened = await call.seen(StreamOpened)
        report = await call.go_on()

    assert (stream.sid, stream.call_sid, stream.account_sid) == (opened.stream_sid, call.sid, account.sid)
    assert (stream.name, stream.status) == ("again", "in-progress")
    assert stream.uri == f"/2010-04-01/Accounts/{account.sid}/Calls/{call.sid}/Streams/{stream.sid}.json"
    assert stream.date_updated is not None
    got = await receiver.heard()
    assert got.events[1]["start"]["customParameters"] == {"tenant": "t-42", "ticket": "one"}
    assert len(got.media("inbound")) == len(got.media("outbound")) == 50  # the second that was left
    assert [r.form["StreamEvent"] for r in application.on("/s")] == ["stream-started", "stream-stopped"]
    assert all(request.genuine for request in application.on("/s"))
    assert report.media_streams[0].starts_ms == 1000
    assert report.undelivered("inbound") == (Span(0, 1000),)


async def test_a_call_whose_media_stream_died_is_heard_again_on_another(receiver, client, held, stream):
    async with held(stream(name="live"), faults=((Death(600, "cut"),),)) as call:
        await call.seen(StreamFailed)
        await client.calls(call.sid).streams.create_async(url=receiver.url, name="live", track="both_tracks")
        await call.seen(StreamOpened, 2)
        report = await call.go_on()
    assert report.undelivered("inbound") == report.undelivered("outbound") == (Span(600, 1000),)
    assert [media.problem is None for media in report.media_streams] == [False, True]


async def test_a_media_stream_is_stopped_by_its_name_or_its_identifier(receiver, client, held, stream):
    async with held(stream(name="one") + stream(name="two")) as call:
        by_name = await client.calls(call.sid).streams("one").update_async(status="stopped")
        await call.seen(StreamStopped)
        second = await call.seen(StreamOpened, 2)
        by_sid = await client.calls(call.sid).streams(second.stream_sid).update_async(status="stopped")
        await call.seen(StreamStopped, 2)
    assert [(stopped.name, stopped.status) for stopped in (by_name, by_sid)] == [("one", "stopped"), ("two", "stopped")]
    assert [len(upgrade.media("inbound")) for upgrade in await receiver.heard_all()] == [50, 50]


async def test_a_call_is_shown_while_it_is_on_and_when_it_is_over(client, held):
    async with held() as call:
        on = await client.calls(call.sid).fetch_async()
    over = await client.calls(call.sid).fetch_async()
    assert (on.sid, on.status, on.duration, on.end_time) == (call.sid, "in-progress", None, None)
    assert (on._from, on.to, on.direction) == ("+12025550123", "+12025550188", "inbound")
    assert (over.status, over.duration) == ("completed", "2")
    assert over.end_time >= on.start_time


async def test_a_call_is_ended_at_once(application, receiver, client, held, stream):
    async with held(stream(), status_url=application.url + "/status") as call:
        answered = await client.calls(call.sid).update_async(status="completed")
        report = await call.placed
    assert answered.status == "completed"
    assert (report.ended_normally, report.heard_ms) == (True, 1000)
    assert (await receiver.heard()).events[-1]["event"] == "stop"
    assert application.on("/status")[0].form["CallStatus"] == "completed"


async def test_a_call_in_real_time_is_ended_while_its_webhook_is_still_asked(receiver, client, held, stream):
    async with held(stream(), pace=20) as call:
        await client.calls(call.sid).update_async(status="completed")
        report = await call.placed  # and the webhook was never answered
    assert report.ended_normally
    assert [webhook.kind for webhook in report.webhooks] == ["voice"]
    assert report.undelivered("inbound") == ()


async def test_the_synchronous_client_is_understood_too(rest, account, held):
    class Here(TwilioHttpClient):
        def request(self, method, url, *args, **kwargs):
            return super().request(method, url.replace(TWILIO, rest.url, 1), *args, **kwargs)

    client = Client(account.sid, account.auth_token, http_client=Here())
    async with held() as call:
        assert (await asyncio.to_thread(client.calls(call.sid).fetch)).status == "in-progress"
    client.http_client.session.close()


async def refused(request) -> tuple[int, int]:
    """Return the status and Twilio's number of the error that its client raises for `request`."""
    with pytest.raises(TwilioRestException) as error:
        await request
    return error.value.status, error.value.code


async def test_what_is_not_there_is_a_20404(client, held):
    assert await refused(client.calls("CA0").fetch_async()) == (404, 20404)
    async with held() as call:
        assert await refused(client.calls(call.sid).streams("gone").update_async("stopped")) == (404, 20404)
        other = client.api.v2010.accounts("AC0").calls(call.sid)
        assert await refused(other.fetch_async()) == (404, 20404)


async def test_a_call_that_is_over_takes_no_media_stream_and_cannot_end_again(receiver, client, held):
    async with held() as call:
        pass
    over = client.calls(call.sid)
    assert await refused(over.streams.create_async(url=receiver.url)) == (400, 21220)
    assert await refused(over.update_async(status="completed")) == (400, 21220)
    assert await refused(over.streams("live").update_async("stopped")) == (404, 20404)


async def test_a_call_that_still_rings_takes_no_media_stream(application, account, placement, switchboard, client):
    application.twiml("/voice", "")
    release = application.holds["/voice"] = asyncio.Event()
    placed = asyncio.create_task(place(placement(), account=account, switchboard=switchboard))
    await application.reached["/voice"].wait()
    ringing = client.calls(application.received[0].form["CallSid"])

    assert (await ringing.fetch_async()).status == "ringing"
    assert await refused(ringing.streams.create_async(url="wss://example.test/")) == (400, 21220)

    release.set()
    await placed


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"url": ""}, 20001),
        ({"url": "https://example.test/"}, 31922),
        ({"url": "wss://example.test/", "track": "all"}, 31941),
        ({"url": "wss://example.test/", "name": "live"}, 20001),
    ],
)
async def test_a_media_stream_that_cannot_start_is_refused_and_leaves_no_trace(client, held, stream, asked, code):
    async with held(stream(name="live")) as call:
        assert await refused(client.calls(call.sid).streams.create_async(**asked)) == (400, code)
        report = await call.go_on()
    assert len(report.media_streams) == 1


async def test_a_fifth_forked_track_is_refused(receiver, client, held, stream):
    async with held(stream() + stream()) as call:
        assert await refused(client.calls(call.sid).streams.create_async(url=receiver.url)) == (400, 20001)


@pytest.mark.parametrize(("status", "answer"), [("paused", (400, 20001)), ("canceled", (400, 21220))])
async def test_a_call_in_progress_takes_no_other_status(client, held, status, answer):
    async with held() as call:
        assert await refused(client.calls(call.sid).update_async(status=status)) == answer


def basic(sid: str, token: str) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(sid, token)}


async def test_a_wrong_token_is_a_20003_with_twilios_body(rest, account):
    async with (
        aiohttp.ClientSession(headers=basic(account.sid, "wrong")) as session,
        session.get(f"{rest.url}/2010-04-01/Accounts/{account.sid}/Calls/CA0.json") as answer,
    ):
        assert (answer.status, await answer.json()) == (
            401,
            {
                "code": 20003,
                "message": "Authenticate",
                "more_info": "https://www.twilio.com/docs/errors/20003",
                "status": 401,
            },
        )


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic ???"}, {"Authorization": "Bearer x"}])
async def test_nobody_is_answered_without_credentials(rest, account, header):
    url = f"{rest.url}/2010-04-01/Accounts/{account.sid}/Calls/CA0.json"
    async with aiohttp.ClientSession() as session, session.get(url, headers=header) as answer:
        assert answer.status == 401


async def test_media_streams_cannot_be_listed(rest, account, held):
    async with (
        held() as call,
        aiohttp.ClientSession(headers=basic(account.sid, account.auth_token)) as session,
    ):
        url = f"{rest.url}/2010-04-01/Accounts/{account.sid}/Calls/{call.sid}/Streams.json"
        async with session.get(url) as answer:
            assert (answer.status, (await answer.json())["code"]) == (405, 20004)


async def test_errors_come_on_demand_and_pass(rest, client, held):
    rest.refusals.extend([429, 503, 500])
    async with held() as call:
        answers = [await refused(client.calls(call.sid).fetch_async()) for _ in range(3)]
        assert answers == [(429, 20429), (503, 20503), (500, 20500)]
        assert (await client.calls(call.sid).fetch_async()).status == "in-progress"
    assert len(rest.requests) == 4
