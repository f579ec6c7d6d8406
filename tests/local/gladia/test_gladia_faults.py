"""Faults on demand, as a client meets them on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from local.gladia.faults import (
    AcknowledgementsInclusive,
    AcknowledgementsMissing,
    AcknowledgementsNegative,
    AcknowledgementsSlow,
    Closed,
    Dropped,
    EndLate,
    Fault,
    FinalsRepeated,
    HalfOpen,
    HandshakeHangs,
    HandshakeRefused,
    MessageHuge,
    MessageMalformed,
    OpeningHangs,
    OpeningRefused,
    OpeningSlow,
    kind,
)
from local.gladia.plan import Faults, Rule
from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings

KEY = {"x-gladia-key": "k"}
MULAW = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "endpointing": 0.3}
STOP = {"type": "stop_recording"}
NEVER_S = 0.02  # how long a test waits for what must not come


class Client:
    """One HTTP client of a Gladia with faults."""

    def __init__(self, http: aiohttp.ClientSession, gladia: EmulatedGladia) -> None:
        self.http = http
        self.gladia = gladia

    def post(self, **metadata: Any) -> Any:
        body = MULAW | {"custom_metadata": metadata}
        return self.http.post(f"{self.gladia.url}/v2/live", headers=KEY, json=body)

    async def open(self, **metadata: Any) -> dict[str, str]:
        async with self.post(**metadata) as answer:
            assert answer.status == 201
            return await answer.json()

    def connect(self, opened: dict[str, str]) -> Any:
        return self.http.ws_connect(opened["url"], max_msg_size=0)

    async def gives_up(self, request: Coroutine[Any, Any, Any]) -> None:
        """Make `request`, which a fault is to leave unanswered, and give it up once it struck."""
        hung = asyncio.ensure_future(request)
        before = len(self.injected)
        while len(self.injected) == before:  # noqa: ASYNC110 - each turn is one of the server's, on this loop
            await asyncio.sleep(0)
        assert not hung.done()
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung

    @property
    def injected(self) -> list[str]:
        return [kind(each.fault) for each in self.gladia.injected]


@asynccontextmanager
async def meeting(*faults: Fault, rules: Sequence[Rule] = (), **settings: Any) -> AsyncIterator[Client]:
    """Serve with `faults` for every session."""
    plan = Faults(rules=(*rules, Rule(faults=faults)))
    gladia = EmulatedGladia(ScriptedRecogniser(), settings=Settings(faults=plan, **settings))
    async with gladia, aiohttp.ClientSession() as http:
        yield Client(http, gladia)


@asynccontextmanager
async def talking(*faults: Fault) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Serve with `faults`, and open a session and its socket."""
    async with meeting(*faults) as client, client.connect(await client.open()) as socket:
        yield socket


async def rest(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return all that the server says until it is gone."""
    return [json.loads(message.data) async for message in socket]


def kinds(heard: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in heard]


def finals(heard: list[dict[str, Any]]) -> list[str]:
    return [message["data"]["utterance"]["text"] for message in heard if message["type"] == "transcript"]


async def positions(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    return [(await socket.receive_json())["data"]["byte_range"] for _ in range(count)]


async def nothing_comes(socket: aiohttp.ClientWebSocketResponse) -> bool:
    with pytest.raises(TimeoutError):
        await socket.receive(timeout=NEVER_S)
    return True


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_an_opening_is_refused_in_the_shape_of_the_api_and_the_next_is_not(status):
    async with meeting(OpeningRefused(status=status)) as client:
        async with client.post() as answer:
            error = await answer.json()
            assert (answer.status, error["statusCode"], error["path"]) == (status, status, "/v2/live")
            assert "Retry-After" not in answer.headers
        assert await client.open()
        assert client.injected == ["opening_refused"]


async def test_a_refusal_may_say_when_to_come_again():
    async with meeting(OpeningRefused(status=429, retry_after_s=3)) as client, client.post() as answer:
        assert answer.headers["Retry-After"] == "3"


async def test_an_opening_that_hangs_is_not_answered_and_the_next_is():
    async with meeting(OpeningHangs()) as client:
        await client.gives_up(client.open())
        assert await client.open()
        assert client.gladia.injected[0].number == 1


async def test_a_slow_opening_is_answered_in_the_end():
    async with meeting(OpeningSlow(delay_s=0.01)) as client:
        started_s = asyncio.get_running_loop().time()
        await client.open()
        assert asyncio.get_running_loop().time() - started_s >= 0.01


@pytest.mark.parametrize("status", [401, 403, 404, 429])
async def test_a_handshake_is_refused_and_the_next_is_not(status):
    async with meeting(HandshakeRefused(status=status)) as client:
        opened = await client.open()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.connect(opened)
        assert refused.value.status == status
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert (await socket.receive_json())["acknowledged"]


async def test_a_handshake_that_hangs_is_not_answered_and_the_next_is():
    async with meeting(HandshakeHangs()) as client:
        opened = await client.open()
        await client.gives_up(client.connect(opened).__aenter__())
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert (await socket.receive_json())["acknowledged"]


async def test_a_drop_has_no_close_frame_and_what_was_acknowledged_before_it_is_all_that_was_taken():
    async with meeting(Dropped(at="audio", count=400)) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            for _ in range(3):
                await socket.send_bytes(silence(20))
            heard = await rest(socket)
            assert [message["data"]["byte_range"] for message in heard] == [[0, 160], [160, 320]]
            assert socket.close_code == 1006
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert await positions(socket, 1) == [[320, 480]]


async def test_a_drop_may_leave_audio_taken_without_a_word():
    async with meeting(Dropped(at="audio", count=160, taken=True)) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert await rest(socket) == []
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert await positions(socket, 1) == [[160, 320]]


async def test_several_drops_come_one_a_socket():
    async with meeting(*(Dropped(at="messages", count=count) for count in (1, 1, 2))) as client:
        opened = await client.open()
        for _ in range(3):
            async with client.connect(opened) as socket:
                await socket.send_bytes(silence(20))
                assert await rest(socket) == []
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert await positions(socket, 1) == [[0, 160]]


@pytest.mark.parametrize("code", [1001, 1009, 1011, 4403, 4504])
async def test_a_close_has_its_code_and_the_session_goes_on(code):
    async with meeting(Closed(at="audio", count=320, code=code)) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            await socket.send_bytes(silence(20))
            assert kinds(await rest(socket)) == ["audio_chunk"]
            assert socket.close_code == code
        async with client.connect(opened) as socket:
            await socket.send_bytes(silence(20))
            assert await positions(socket, 1) == [[160, 320]]


async def test_a_socket_may_be_closed_as_soon_as_it_is_open():
    async with meeting(Closed(at="connect", code=4504)) as client, client.connect(await client.open()) as socket:
        assert await rest(socket) == []
        assert socket.close_code == 4504


async def test_repeated_1009_on_demand_bars_the_session():
    async with meeting(*[Closed(at="connect", code=1009)] * 2, too_long_limit=2) as client:
        opened = await client.open()
        for _ in range(2):
            async with client.connect(opened) as socket:
                await rest(socket)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.connect(opened)
        assert refused.value.status == 403


async def test_a_half_open_socket_says_nothing_and_stays_until_another_takes_over():
    async with meeting(HalfOpen(at="audio", count=320)) as client:
        opened = await client.open()
        async with client.connect(opened) as dead:
            await dead.send_bytes(silence(20))
            await dead.send_bytes(silence(20))
            assert await positions(dead, 1) == [[0, 160]]
            await dead.ping()
            assert await nothing_comes(dead)
            async with client.connect(opened) as socket:
                await socket.send_bytes(silence(20))
                assert await positions(socket, 1) == [[160, 320]]
                assert await rest(dead) == []
                assert dead.close_code == 1006


@pytest.mark.parametrize(("meanwhile", "said"), [("lost", []), ("waits", [" good morning"])])
async def test_what_is_said_to_a_half_open_socket_is_lost_or_waits(meanwhile, said):
    frozen = HalfOpen(at="messages", count=1, taken=True, meanwhile=meanwhile)
    async with meeting(frozen) as client:
        opened = await client.open()
        async with client.connect(opened) as dead:
            await dead.send_bytes(spoken("good morning") + silence(400))
            assert await nothing_comes(dead)
            async with client.connect(opened) as socket:
                await socket.send_json(STOP)
                assert finals(await rest(socket)) == said


async def test_a_server_stops_though_sockets_are_half_open_and_requests_hang():
    async with meeting(OpeningHangs(), HalfOpen(at="connect")) as client:
        await client.gives_up(client.open())
        dead = await client.connect(await client.open())
        assert await nothing_comes(dead)
    assert client.injected == ["opening_hangs", "half_open"]


async def test_slow_acknowledgements_come_late_in_order_and_before_the_end():
    async with talking(AcknowledgementsSlow(at="connect", delay_s=0.01)) as socket:
        for _ in range(3):
            await socket.send_bytes(silence(20))
        assert await positions(socket, 3) == [[0, 160], [160, 320], [320, 480]]
        await socket.send_bytes(silence(20))
        await socket.send_json(STOP)
        heard = await rest(socket)
    assert [kind for kind in kinds(heard) if kind in ("audio_chunk", "stop_recording")] == [
        "audio_chunk",
        "stop_recording",
    ]
    assert socket.close_code == 1000


async def test_a_missing_acknowledgement_is_of_audio_that_was_taken():
    async with talking(AcknowledgementsMissing(at="audio", count=320)) as socket:
        for _ in range(3):
            await socket.send_bytes(silence(20))
        assert await positions(socket, 2) == [[0, 160], [320, 480]]


async def test_acknowledgements_may_stay_away_altogether():
    async with talking(AcknowledgementsMissing(at="connect", messages=None)) as socket:
        await socket.send_bytes(spoken("good morning"))
        await socket.send_json(STOP)
        heard = await rest(socket)
    assert "audio_chunk" not in kinds(heard)
    assert finals(heard) == [" good morning"]


async def test_a_negative_acknowledgement_is_of_audio_that_was_not_taken():
    async with talking(AcknowledgementsNegative(at="audio", count=320)) as socket:
        for _ in range(3):
            await socket.send_bytes(silence(20))
        first, second, third = [await socket.receive_json() for _ in range(3)]
    assert (second["acknowledged"], second["data"], bool(second["error"]["message"])) == (False, None, True)
    assert [each["data"]["byte_range"] for each in (first, third)] == [[0, 160], [160, 320]]


async def test_inclusive_acknowledgements_end_with_the_last_byte():
    async with talking(AcknowledgementsInclusive(at="connect")) as socket:
        await socket.send_bytes(silence(20))
        await socket.send_bytes(silence(20))
        assert await positions(socket, 2) == [[0, 159], [160, 319]]


async def test_finals_are_repeated_to_the_socket_that_resumes():
    async with meeting(FinalsRepeated(finals=2)) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_bytes(b"".join(spoken(word) + silence(400) for word in ("one", "two", "three")))
            said = [(await socket.receive_json()) for _ in range(10)]
            await socket.close(code=1011)
        async with client.connect(opened) as socket:
            await socket.send_json(STOP)
            heard = await rest(socket)
    assert finals(said) == [" one", " two", " three"]
    assert finals(heard) == [" two", " three"]


async def test_a_huge_message_is_well_formed_and_above_its_size():
    async with meeting(MessageHuge(at="audio", count=1)) as client, client.connect(await client.open()) as socket:
        await socket.send_bytes(silence(20))
        assert (await socket.receive_json())["type"] == "audio_chunk"
        huge = await socket.receive_str()
    assert len(huge) > 1 << 20
    assert json.loads(huge)["type"] == "post_summarization"


async def test_malformed_messages_come_in_three_ways():
    ways = [MessageMalformed(at="messages", how=how) for how in ("not_json", "wrong_shape", "unknown_type")]
    async with meeting(*ways) as client, client.connect(await client.open()) as socket:
        await socket.send_bytes(silence(20))
        await socket.receive()
        not_json, wrong_shape, unknown_type = [await socket.receive_str() for _ in range(3)]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(not_json)
    assert json.loads(wrong_shape)["data"] == {"id": 7, "is_final": "yes"}
    assert json.loads(unknown_type)["type"] == "weather_report"


async def test_a_drop_at_the_stop_takes_it_along():
    async with meeting(Dropped(at="stop")) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_json(STOP)
            assert await rest(socket) == []
        async with client.connect(opened) as socket:
            await socket.send_bytes(spoken("still here"))
            await socket.send_json(STOP)
            assert finals(await rest(socket)) == [" still here"]


async def test_after_a_drop_between_stop_and_end_the_last_words_are_had_by_resuming_while_the_end_is_late():
    async with meeting(Dropped(at="stopped"), EndLate(delay_s=2.0)) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_bytes(spoken("last words"))
            await socket.send_json(STOP)
            assert kinds(await rest(socket))[-1] == "stop_recording"
            assert socket.close_code == 1006
        async with client.connect(opened) as socket:
            await socket.send_json(STOP)
            assert finals(await rest(socket)) == [" last words"]
            assert socket.close_code == 1000


async def test_after_a_drop_between_stop_and_end_the_last_words_may_be_had_by_get_alone():
    async with meeting(Dropped(at="stopped")) as client:
        opened = await client.open()
        async with client.connect(opened) as socket:
            await socket.send_bytes(spoken("last words"))
            await socket.send_json(STOP)
            assert finals(await rest(socket)) == []
        async with client.connect(opened) as socket:
            await rest(socket)
            assert socket.close_code == 4403
        async with client.http.get(f"{client.gladia.url}/v2/live/{opened['id']}", headers=KEY) as answer:
            assert (await answer.json())["result"]["transcription"]["full_transcript"] == "last words"


@pytest.mark.parametrize(("what", "last"), [("results", "stop_recording"), ("close", "post_final_transcript")])
async def test_an_end_that_never_comes_leaves_out_the_results_or_the_close_alone(what, last):
    async with meeting(EndLate(delay_s=None, what=what)) as client, client.connect(await client.open()) as socket:
        await socket.send_json(STOP)
        while (await socket.receive_json())["type"] != last:
            pass
        assert await nothing_comes(socket)


@pytest.mark.parametrize("what", ["results", "close"])
async def test_an_end_that_is_late_comes_whole(what):
    async with meeting(EndLate(delay_s=0.01, what=what)) as client, client.connect(await client.open()) as socket:
        await socket.send_json(STOP)
        assert kinds(await rest(socket)) == ["stop_recording", "post_transcript", "post_final_transcript"]
        assert socket.close_code == 1000


async def test_a_session_that_the_plan_does_not_name_is_spared():
    rule = Rule(faults=(Dropped(at="audio"),), metadata={"call_id": "CA1"})
    async with meeting(rules=[rule]) as client:
        struck = await client.open(call_id="CA1")
        async with client.connect(struck) as hit, client.connect(await client.open(call_id="CA2")) as spared:
            await hit.send_bytes(silence(20))
            await spared.send_bytes(silence(20))
            assert await rest(hit) == []
            assert await positions(spared, 1) == [[0, 160]]
        [one] = client.gladia.injected
        assert (one.session_id, one.who, one.fault) == (struck["id"], "CA1/1", Dropped(at="audio"))


async def test_without_a_plan_nothing_is_injected():
    async with EmulatedGladia(ScriptedRecogniser()) as gladia, aiohttp.ClientSession() as http:
        client = Client(http, gladia)
        async with client.connect(await client.open()) as socket:
            await socket.send_bytes(spoken("good morning"))
            await socket.send_json(STOP)
            assert finals(await rest(socket)) == [" good morning"]
        assert client.injected == []
