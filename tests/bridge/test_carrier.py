"""The bridge asks a simulated Twilio for media streams, and copes with one that is not there."""

from __future__ import annotations

import time

import aiohttp
import pytest

from bridge.carrier import Carrier
from bridge.exchange import perform
from callscribe.errors import Refused, Unavailable
from callscribe.exchange import Exchange, HttpRequest
from callscribe.reconciliation import Place, missing
from callscribe.stored_result import fetch
from callscribe.twilio_rest import CallOver, CallState, StreamStarted, StreamStopped
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.twilio.account import Account, new_sid
from local.twilio.rest import RestServer
from local.twilio.switchboard import CallRecord, StreamRecord, Switchboard

MEDIA = "wss://media.example.test/twilio/ticket"


class Line:
    """A call on the switchboard, as far as REST sees it."""

    def __init__(self, status: str = "in-progress") -> None:
        self.sid = new_sid("CA")
        self.status = status
        self.streams: dict[str, object] = {}

    def record(self) -> CallRecord:
        over = self.status == "completed"
        return CallRecord(
            self.sid,
            "+1",
            "+2",
            "inbound",
            self.status,
            time.time() - 7,
            time.time() if over else None,
            7 if over else None,
        )

    def attach(self, verb):
        stream = StreamRecord(new_sid("MZ"), verb.name, "in-progress")
        self.streams[stream.sid] = verb
        return stream

    def detach(self, name):
        if name not in self.streams:
            return None
        del self.streams[name]
        return StreamRecord(name, None, "stopped")

    def hang_up(self) -> None:
        self.status = "completed"


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def switchboard() -> Switchboard:
    return Switchboard()


@pytest.fixture
async def twilio(account, switchboard):
    async with RestServer(account, switchboard) as server:
        yield server


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def carrier(http, twilio, account) -> Carrier:
    return Carrier(http, url=twilio.url, auth_token=lambda: account.auth_token)


@pytest.fixture
def line(switchboard) -> Line:
    line = Line()
    switchboard.connect(line)
    return line


async def test_a_call_in_progress_gets_another_media_stream(carrier, account, line):
    started = await carrier.start_stream(
        account.sid, line.sid, url=MEDIA, name="again", status_callback="https://voice.example.test/twilio/stream"
    )

    assert isinstance(started, StreamStarted)
    verb = line.streams[started.sid]
    assert (verb.url, verb.track, verb.name) == (MEDIA, "both_tracks", "again")
    assert verb.status_callback == "https://voice.example.test/twilio/stream"


async def test_a_media_stream_is_stopped_once_and_again_without_harm(carrier, account, line):
    started = await carrier.start_stream(account.sid, line.sid, url=MEDIA)

    for _ in range(2):
        assert await carrier.stop_stream(account.sid, line.sid, started.sid) == StreamStopped()
    assert line.streams == {}


async def test_a_call_is_on_then_over_with_its_duration(carrier, account, line):
    state = await carrier.fetch_call(account.sid, line.sid)
    assert isinstance(state, CallState)
    assert state.in_progress
    line.hang_up()
    ended = await carrier.fetch_call(account.sid, line.sid)
    assert (ended.over, ended.duration_s) == (True, 7)
    assert abs(ended.ended_at.timestamp() - time.time()) < 60


async def test_a_call_that_is_over_or_unknown_gets_no_stream(carrier, account, line):
    line.hang_up()
    assert await carrier.start_stream(account.sid, line.sid, url=MEDIA) == CallOver(known=True)
    assert await carrier.start_stream(account.sid, "CA1", url=MEDIA) == CallOver(known=False)
    assert await carrier.fetch_call(account.sid, "CA1") == CallOver(known=False)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_twilio_in_trouble_may_answer_later(carrier, account, line, twilio, status):
    twilio.refusals.append(status)
    with pytest.raises(Unavailable):
        await carrier.fetch_call(account.sid, line.sid)
    state = await carrier.fetch_call(account.sid, line.sid)
    assert isinstance(state, CallState)
    assert state.in_progress


async def test_a_wrong_token_is_refused(http, twilio, account, line):
    with pytest.raises(Refused):
        await Carrier(http, url=twilio.url, auth_token=lambda: "wrong").fetch_call(account.sid, line.sid)


async def test_a_twilio_that_cannot_be_reached_may_be_later(http, account):
    with pytest.raises(Unavailable, match="twilio can't be reached: ClientConnectorError"):
        await Carrier(http, url="http://127.0.0.1:9", auth_token=lambda: "t").fetch_call(account.sid, "CA1")


async def test_without_an_address_nobody_is_asked(http, account):
    with pytest.raises(Unavailable):
        await Carrier(http, url="", auth_token=lambda: "t").fetch_call(account.sid, "CA1")


async def test_an_answer_that_does_not_come_is_not_waited_for(http, twilio):
    exchange = Exchange("twilio", HttpRequest("GET", f"{twilio.url}/", {}), lambda status, body: (status, body))

    with pytest.raises(Unavailable, match="TimeoutError"):
        await perform(http, exchange, timeout_s=0.000001)


async def test_the_stored_result_of_a_session_has_what_was_heard_under_the_sockets_ids(http, spoken_by):
    async with EmulatedGladia(ScriptedRecogniser()) as gladia:
        body = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "channels": 2}
        async with http.post(f"{gladia.url}/v2/live", json=body, headers={"x-gladia-key": "key"}) as answer:
            opened = await answer.json()
        ask = fetch(gladia.url, "key", opened["id"])
        before = await perform(http, ask)
        inbound, outbound = spoken_by("good morning", "this is the bank")
        audio = bytes(byte for pair in zip(inbound, outbound, strict=True) for byte in pair)
        async with http.ws_connect(opened["url"]) as socket:
            await socket.send_bytes(audio)
            await socket.send_str('{"type":"stop_recording"}')
            async for _ in socket:
                pass
        stored = await perform(http, ask)

    assert not before.settled
    assert stored.settled
    place = Place(opened["id"], ("caller", "callee"), begin_ms=0)
    found = missing([], stored, place)
    assert [(each.leg, each.text) for each in found] == [("caller", "good morning"), ("callee", "this is the bank")]
    assert [each.id.rpartition("/")[2] for each in found] == ["00_00000000", "01_00000000"]
    assert missing(found[:1], stored, place) == found[1:]


async def test_a_gladia_that_does_not_know_the_session_has_nothing_to_wait_for(http):
    async with EmulatedGladia(ScriptedRecogniser()) as gladia:
        stored = await perform(http, fetch(gladia.url, "key", "none"))

    assert (stored.settled, stored.transcripts) == (True, ())
