"""Recordings of simulated calls, with Twilio's own library as the client, and ours beside it."""

from __future__ import annotations

import asyncio
import io
import wave

import httpx
import numpy as np
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from callscribe.second_pass import RecordingEnded
from callscribe.twilio_recordings import Recordings, asked_for
from callscribe.twilio_rest import CallOver, TwilioRest
from functions.exchange import perform
from local.audio import mulaw_encode
from local.twilio import place
from local.twilio.recordings import RecordingFaults
from local.twilio.rest import RestServer
from local.twilio.switchboard import Switchboard

TWILIO = "https://api.twilio.com"
CALLER, CALLEE = bytes([0x10]) * 16000, bytes([0x90]) * 16000  # two seconds of each


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


class Recorded:
    """A call that was recorded from its first TwiML on, and what Twilio's client knows of it."""

    def __init__(self, rest, account, application) -> None:
        self.rest, self.account, self.application = rest, account, application
        self.call_sid = self.sid = ""

    async def audio(self, query: str = "?RequestedChannels=2", *, token: str | None = None) -> httpx.Response:
        url = f"{self.rest.url}/2010-04-01/Accounts/{self.account.sid}/Recordings/{self.sid}.wav{query}"
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.get(url, auth=(self.account.sid, token or self.account.auth_token))

    @property
    def told(self) -> list[dict[str, str]]:
        return [request.form for request in self.application.on("/recording") if request.genuine]


@pytest.fixture
def record(application, placement, switchboard, rest, client):
    """Have a call recorded while it is on; return it when it and its callbacks are over."""

    async def record(**asked) -> Recorded:
        application.twiml("/voice", "<Pause/><Redirect>/next</Redirect>")
        application.twiml("/next", "<Dial><Number>+12025550100</Number></Dial>")
        release = application.holds["/next"] = asyncio.Event()
        account = application.account
        found = Recorded(rest, account, application)
        call = placement(inbound_audio=CALLER, outbound_audio=CALLEE)
        placed = asyncio.create_task(place(call, account=account, switchboard=switchboard))
        await application.reached["/next"].wait()
        found.call_sid = application.on("/voice")[0].form["CallSid"]
        try:
            started = await client.calls(found.call_sid).recordings.create_async(**asked)
            found.sid = started.sid
            assert started.status == "in-progress"
        finally:
            release.set()
            await placed
        return found

    return record


async def test_a_call_is_recorded_with_each_party_on_a_channel(record, client, application):
    found = await record(
        recording_channels="dual",
        recording_status_callback=f"{application.url}/recording",
        recording_status_callback_event=["in-progress", "completed"],
    )

    recording = await client.recordings(found.sid).fetch_async()
    assert (recording.status, recording.channels, recording.source) == ("completed", 2, "StartCallRecordingAPI")
    assert [each.sid for each in await client.calls(found.call_sid).recordings.list_async()] == [found.sid]
    assert [each.sid for each in await client.recordings.list_async()] == [found.sid]
    answer = await found.audio()
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    inbound, outbound = (mulaw_encode(samples[:, channel]) for channel in (0, 1))
    # From when it was asked for: a second of the call was over, and the callee came after it.
    assert len(inbound) == len(outbound)
    assert set(inbound.rstrip(b"\xff")) == {0x10}
    assert outbound.strip(b"\xff") == CALLEE
    assert len(answer.content) == int(answer.headers["content-length"]) == 44 + 4 * len(inbound)

    first, last = found.told
    assert (first["RecordingStatus"], first["RecordingDuration"]) == ("in-progress", "-1")
    assert (last["RecordingStatus"], last["RecordingSid"], last["CallSid"]) == ("completed", found.sid, found.call_sid)
    assert (last["RecordingChannels"], last["RecordingTrack"]) == ("2", "both")
    assert last["RecordingDuration"] == recording.duration


async def test_both_parties_are_on_the_one_channel_of_a_mono_recording(record):
    found = await record()

    with wave.open(io.BytesIO((await found.audio("")).content)) as file:
        assert file.getnchannels() == 1
    answer = await found.audio("?RequestedChannels=2")
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


async def test_our_own_client_reads_the_same(record, rest, account):
    found = await record(recording_channels="dual")
    ours = Recordings(TwilioRest(rest.url, account.auth_token))

    def ask(exchange):
        return asyncio.to_thread(perform, exchange)

    recording = await ask(ours.fetch(account.sid, found.sid))
    assert isinstance(recording.ended, RecordingEnded)
    assert (recording.ended.status, recording.ended.channels) == ("completed", 2)
    assert asked_for(await ask(ours.of_call(account.sid, found.call_sid))).sid == found.sid
    assert await ask(ours.of_call(account.sid, "CA0")) == ()
    assert await ask(ours.fetch(account.sid, "RE0")) == CallOver(known=False)
    over = await ask(ours.start(account.sid, found.call_sid, status_callback="https://v.test/twilio/recording"))
    assert over == CallOver(known=True)
    audio = ours.audio(account.sid, found.sid, channels=2)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(audio.url, headers=dict(audio.headers))).status_code == 200


async def test_what_our_own_client_asks_for_is_taken(application, account, placement, switchboard, rest):
    application.twiml("/voice", "<Pause/><Redirect>/next</Redirect>")
    application.twiml("/next", "<Pause/>")
    release = application.holds["/next"] = asyncio.Event()
    placed = asyncio.create_task(place(placement(), account=account, switchboard=switchboard))
    await application.reached["/next"].wait()
    call_sid = application.on("/voice")[0].form["CallSid"]
    ours = Recordings(TwilioRest(rest.url, account.auth_token))

    callback = f"{application.url}/recording"
    started = await asyncio.to_thread(perform, ours.start(account.sid, call_sid, status_callback=callback))
    release.set()
    await placed

    assert (started.status, started.channels) == ("in-progress", 2)
    (told,) = application.on("/recording")
    assert (told.genuine, told.form["RecordingStatus"]) == (True, "completed")


async def test_recordings_are_deleted(record, client):
    found = await record()

    assert await client.recordings(found.sid).delete_async()
    with pytest.raises(TwilioRestException) as gone:
        await client.recordings(found.sid).fetch_async()
    assert gone.value.status == 404


async def test_audio_is_for_whoever_has_the_token(record):
    found = await record()

    assert (await found.audio("", token="another")).status_code == 401


async def test_a_call_that_is_over_can_not_be_recorded(record, client):
    found = await record()

    with pytest.raises(TwilioRestException) as refused:
        await client.calls(found.call_sid).recordings.create_async()
    assert (refused.value.status, refused.value.code) == (400, 21220)


@pytest.mark.parametrize(
    "wrong", [{"recording_channels": "both"}, {"recording_track": "left"}, {"trim": "x"},
              {"recording_status_callback_event": ["what"]}],
)  # fmt: skip
async def test_what_a_recording_can_not_be_given_is_refused(record, wrong):
    with pytest.raises(TwilioRestException) as refused:
        await record(**wrong)
    assert refused.value.status == 400


@pytest.mark.parametrize(("times", "status"), [(0, "completed"), (2, "completed"), (1, "absent")])
async def test_its_end_is_told_as_it_is_on_demand(record, switchboard, application, times, status):
    switchboard.recordings.faults = RecordingFaults(becomes=status, callbacks=times)

    found = await record(
        recording_status_callback=f"{application.url}/recording",
        recording_status_callback_event=["completed", "absent"],
    )

    assert [each["RecordingStatus"] for each in found.told] == [status] * times


async def test_its_file_is_late_empty_or_of_another_call_on_demand(record, switchboard):
    switchboard.recordings.faults = RecordingFaults(not_found_first=1, is_empty=True)
    found = await record(recording_channels="dual")
    assert [(await found.audio()).status_code for _ in range(2)] == [404, 200]
    assert (await found.audio()).content == b""


async def test_and_so_is_that_of_another_call(record, switchboard):
    switchboard.recordings.faults = RecordingFaults(other=(b"\x20" * 8000, b""))
    found = await record(recording_channels="dual")

    with wave.open(io.BytesIO((await found.audio()).content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert mulaw_encode(samples[:, 0]) == b"\x20" * 8000
