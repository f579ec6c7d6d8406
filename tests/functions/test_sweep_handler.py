"""The sweep function as EventBridge invokes it, against the simulated Twilio and the emulated Gladia."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from callscribe.call import fold
from callscribe.entries import CallEnded, CallStarted, LegGap, Utterance, timestamp
from callscribe.lane_record import LaneRecord, LegRecord
from callscribe.log import Log
from callscribe.sessions import Sessions
from callscribe.tickets import verify
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.twilio.account import Account
from local.twilio.rest import RestServer
from local.twilio.switchboard import CallRecord, StreamRecord, Switchboard

MINUTE = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T10:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/sweep"],
    "detail": {},
}
TOKEN = "example-token-not-a-secret"
KEY = "example-key-of-gladia"
SESSIONS = Sessions("Sessions")


class Line:
    """A call at the simulated Twilio."""

    sid = "CA1"

    def __init__(self) -> None:
        self.ended_at_s: float | None = None
        self.asked: list = []

    def record(self) -> CallRecord:
        over = self.ended_at_s is not None
        began_at_s = time.time() - 60
        status = "completed" if over else "in-progress"
        return CallRecord("CA1", "+1", "+2", "inbound", status, began_at_s, self.ended_at_s, 42 if over else None)

    def attach(self, verb) -> StreamRecord:
        self.asked.append(verb)
        return StreamRecord("MZ2", verb.name, "in-progress")

    def detach(self, _name) -> None:
        return None

    def hang_up(self) -> None:
        self.ended_at_s = time.time()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
async def twilio(line):
    switchboard = Switchboard()
    switchboard.connect(line)
    async with RestServer(Account("AC1", TOKEN), switchboard) as server:
        yield server


@pytest.fixture
async def gladia():
    async with EmulatedGladia(ScriptedRecogniser()) as gladia:
        yield gladia


@pytest.fixture
def sweep(aws, start, environment, *, context, twilio, gladia):
    environment.setenv("TWILIO_URL", twilio.url)
    environment.setenv("GLADIA_URL", gladia.url)
    handler = start("sweep")

    async def sweep() -> None:
        await asyncio.to_thread(handler, MINUTE, context)

    return sweep


@pytest.fixture
def crashed(aws, gladia):
    """A bridge had call CA1, of which Gladia has heard a few words, and died half a minute ago."""

    async def crashed() -> str:
        body = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "channels": 1}
        async with aiohttp.ClientSession(headers={"x-gladia-key": KEY}) as http:
            async with http.post(f"{gladia.url}/v2/live", json=body) as answer:
                opened = await answer.json()
            async with http.ws_connect(opened["url"]) as socket:
                await socket.send_bytes(spoken("I have lost my card") + silence(500))
                await socket.send_str('{"type":"stop_recording"}')
                async for _ in socket:
                    pass
        died = datetime.now(UTC) - timedelta(seconds=30)
        died_ms = round(1000 * died.timestamp())
        leg = LegRecord(
            name="MZ1/inbound", party="caller", track="inbound", channel=0, heard=13_600, filled=0, dropped=0
        )
        record = LaneRecord(
            call_id="CA1", tenant="acme", lane="inbound", owner="task-a", media_stream="MZ1", account="AC1",
            legs=(leg,), session_id=opened["id"], url=opened["url"], begin=0, acknowledged=13_600,
            sent=13_600, position_ms=1700, at_ms=died_ms, offset_ms=0, sessions=1, reconnects=0,
            encoding="mulaw", rate_hz=8000,
        )  # fmt: skip
        started = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")
        at = timestamp(died - timedelta(seconds=5))
        aws.table(Log("Calls", "CA1").open(started, at=at, tenant="acme", token="CA1"))
        aws.table(SESSIONS.keep(record))
        aws.table(SESSIONS.beat("task-a", now_ms=died_ms, leaving=False))
        return str(opened["url"])

    return crashed


async def test_a_call_that_goes_on_is_sent_to_another_bridge_with_a_ticket_of_its_own(sweep, crashed, line):
    await crashed()
    await sweep()

    (verb,) = line.asked
    address, _, ticket = verb.url.rpartition("/")
    assert address == "wss://d111111abcdef8.cloudfront.net/twilio"
    assert verb.track == "inbound_track"
    claims = verify(ticket, ["example-key-not-a-secret"], use="media", now_s=time.time())
    assert (claims.tenant, claims.calls) == ("acme", ("CA1",))


async def test_a_call_that_ended_unseen_is_whole_in_its_log(aws, sweep, crashed, line):
    await crashed()
    line.hang_up()
    await sweep()
    await sweep()

    entries = aws.log("CA1")
    assert fold(entries).settled
    bodies = [entry.body for entry in entries]
    assert [each.text for each in bodies if isinstance(each, Utterance)] == ["I have lost my card"]
    assert [each for each in bodies if isinstance(each, CallEnded)] == [
        CallEnded(reason="completed", duration_ms=42_000)
    ]
    (gap,) = (each for each in bodies if isinstance(each, LegGap))
    assert gap.start_ms == 1700
    assert 29_000 <= gap.end_ms - gap.start_ms <= 60_000
    assert aws.table(SESSIONS.find("CA1")) == []
    assert aws.table(SESSIONS.tasks()) == []


async def test_a_twilio_in_trouble_is_logged_and_counted_and_the_call_left_for_the_next_minute(
    aws, sweep, crashed, *, twilio, logged, capsys
):
    await crashed()
    twilio.refusals.append(503)
    await sweep()

    lines = [json.loads(line) for line in logged().splitlines()]
    assert [(line["message"], line.get("call_id"), line.get("why")) for line in lines] == [
        ("call not looked after", "CA1", "twilio answered 503"),
        ("swept", None, None),
    ]
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["CallsNotLookedAfter"] == [1.0]
    assert len(aws.table(SESSIONS.find("CA1"))) == 1


async def test_logs_hold_no_words_keys_tickets_or_addresses_of_sessions(sweep, crashed, line, logged):
    url = await crashed()
    await sweep()
    line.hang_up()
    await sweep()

    secrets = (url.rpartition("=")[2], line.asked[0].url.rpartition("/")[2], TOKEN, KEY, "card", "+1")
    assert not [secret for secret in secrets if secret in logged()]
    assert "swept" in logged()


async def test_a_secret_that_is_not_filled_in_leaves_calls_for_the_next_minute(aws, sweep, crashed, logged):
    await crashed()
    aws.secrets.put_secret_value(SecretId="twilio", SecretString="{}")
    await sweep()

    assert "Twilio's secret is not of its shape" in logged()
    assert len(aws.table(SESSIONS.find("CA1"))) == 1


async def test_with_nothing_to_do_nothing_is_asked(sweep, twilio, gladia):
    await sweep()

    assert twilio.requests == []
    assert gladia.sessions == {}
