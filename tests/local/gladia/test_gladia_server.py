"""The emulated Gladia over HTTP and WebSocket, as a client without a library would use it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from local.gladia.scripted import ScriptedRecogniser, silence, spoken
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings

KEY = {"x-gladia-key": "k"}
MULAW = {"encoding": "wav/ulaw", "bit_depth": 8, "sample_rate": 8000, "endpointing": 0.3}
STOP = {"type": "stop_recording"}


class Client:
    """One HTTP client and what a test says with it."""

    def __init__(self, http: aiohttp.ClientSession, gladia: EmulatedGladia) -> None:
        self.http = http
        self.gladia = gladia

    async def answer(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        headers = kwargs.pop("headers", KEY)
        async with self.http.request(method, self.gladia.url + path, headers=headers, **kwargs) as response:
            content = await response.read()
            return response.status, json.loads(content) if content else None

    async def open(self, **body: Any) -> dict[str, str]:
        status, opened = await self.answer("POST", "/v2/live", json=MULAW | body)
        assert status == 201
        return opened

    async def record(self, *audio: bytes, **body: Any) -> str:
        """Go through a whole session with `audio`; return its id."""
        opened = await self.open(**body)
        async with self.http.ws_connect(opened["url"]) as socket:
            for chunk in audio:
                await socket.send_bytes(chunk)
            await socket.send_json(STOP)
            await messages(socket)
        return opened["id"]


async def messages(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Return all that the server says until it closes."""
    return [json.loads(message.data) async for message in socket]


def serving(**settings: Any) -> EmulatedGladia:
    return EmulatedGladia(ScriptedRecogniser(), settings=Settings(**settings))


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving() as gladia, aiohttp.ClientSession() as http:
        yield Client(http, gladia)


async def test_it_says_that_it_is_well(client):
    assert await client.answer("GET", "/health", headers={}) == (200, {"health": "OK"})


async def test_it_listens_on_loopback_only(client):
    assert client.gladia.url.startswith("http://127.0.0.1:")


async def test_opening_answers_an_id_a_date_and_a_socket_with_a_token_of_its_own(client):
    status, opened = await client.answer("POST", "/v2/live?region=us-west", json={})

    assert status == 201
    assert opened.keys() == {"id", "created_at", "url"}
    assert opened["url"].startswith(client.gladia.url.replace("http", "ws") + "/v2/live?token=")
    assert opened["id"] not in opened["url"]
    assert opened["created_at"].endswith("Z")


@pytest.mark.parametrize("headers", [{}, {"x-gladia-key": ""}, {"authorization": "Bearer k"}])
async def test_without_a_key_nothing_is_opened(client, headers):
    status, error = await client.answer("POST", "/v2/live", headers=headers, json={})

    assert (status, error["statusCode"], error["message"]) == (401, 401, "gladia key not found")
    assert error.keys() == {"timestamp", "path", "request_id", "statusCode", "message"}


async def test_only_known_keys_come_in_where_keys_are_known():
    async with serving(keys=frozenset({"good"})) as gladia, aiohttp.ClientSession() as http:
        client = Client(http, gladia)

        assert (await client.answer("POST", "/v2/live", headers={"x-gladia-key": "bad"}, json={}))[0] == 401
        assert (await client.answer("POST", "/v2/live", headers={"x-gladia-key": "good"}, json={}))[0] == 201


async def test_a_wrong_body_is_answered_with_its_faults(client):
    status, error = await client.answer("POST", "/v2/live", json={"region": "eu-west", "channels": 9})

    assert (status, error["path"], error["message"]) == (400, "/v2/live", "Invalid parameter")
    assert error["validation_errors"] == [
        "property region should not exist",
        "channels must not be greater than 8",
    ]


async def test_a_region_that_is_none_is_a_fault(client):
    status, error = await client.answer("POST", "/v2/live?region=mars", json={})

    assert (status, error["validation_errors"]) == (
        400,
        ["region must be one of the following values: eu-west, us-west"],
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/history", 404), ("PUT", "/v2/live", 405), ("GET", "/v2/live/unknown", 404)],
)
async def test_every_error_has_the_one_shape(client, method, path, status):
    answered, error = await client.answer(method, path)

    assert (answered, error["statusCode"], error["path"]) == (status, status, path)


async def test_a_key_has_only_so_many_sessions_open_at_once():
    async with serving(sessions_per_key=1) as gladia, aiohttp.ClientSession() as http:
        client = Client(http, gladia)
        opened = await client.open()

        assert (await client.answer("POST", "/v2/live", json={}))[0] == 429
        assert (await client.answer("POST", "/v2/live", headers={"x-gladia-key": "other"}, json={}))[0] == 201
        async with http.ws_connect(opened["url"]) as socket:
            await socket.send_json(STOP)
            await messages(socket)
        assert (await client.answer("POST", "/v2/live", json={}))[0] == 201


async def test_a_session_goes_from_audio_to_words_to_1000(client):
    opened = await client.open(messages_config={"receive_partial_transcripts": True, "receive_lifecycle_events": True})
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(spoken("good morning") + silence(300))
        await socket.send_json(STOP)
        heard = await messages(socket)

    assert [message["type"] for message in heard] == [
        "start_session",
        "start_recording",
        "audio_chunk",
        "speech_start",
        "transcript",
        "transcript",
        "speech_end",
        "transcript",
        "stop_recording",
        "end_recording",
        "post_transcript",
        "post_final_transcript",
        "end_session",
    ]
    assert socket.close_code == 1000


async def test_two_channels_are_heard_apart(client):
    left = spoken("how can I help you") + silence(600)
    right = silence(600) + spoken("good morning to you")
    audio = bytes(byte for pair in zip(left, right.ljust(len(left), b"\xff"), strict=True) for byte in pair)

    session_id = await client.record(*(audio[at : at + 1600] for at in range(0, len(audio), 1600)), channels=2)

    finals = client.gladia.sessions[session_id].finals
    assert {(final.channel, final.text) for final in finals} == {
        (0, " how can I help you"),
        (1, " good morning to you"),
    }


async def test_a_session_goes_on_where_a_dropped_socket_left_it(client):
    opened = await client.open()
    audio = spoken("nothing gets lost here") + silence(300)
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(audio[:1000])
        assert (await socket.receive_json())["data"]["byte_range"] == [0, 1000]
        await socket.close(code=1011)
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(audio[1000:])
        await socket.send_json(STOP)
        heard = await messages(socket)

    positions = [m["data"]["byte_range"] for m in heard if m["type"] == "audio_chunk"]
    assert positions == [[1000, len(audio)]]
    assert [m["data"]["utterance"]["text"] for m in heard if m["type"] == "transcript"] == [" nothing gets lost here"]


async def test_a_message_of_one_mebibyte_is_taken_and_a_longer_one_closes_the_socket_but_not_the_session(client):
    opened = await client.open()
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(silence(1) * (1 << 17))
        assert (await socket.receive_json())["data"]["byte_range"] == [0, 1 << 20]
        await socket.send_bytes(b"\xff" * ((1 << 20) + 1))
        assert await messages(socket) == []
        assert socket.close_code == 1009
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(silence(20))
        assert (await socket.receive_json())["data"]["byte_range"] == [1 << 20, (1 << 20) + 160]


async def test_a_session_that_keeps_sending_too_much_at_once_is_refused_at_the_handshake():
    async with serving(message_limit_bytes=1000, too_long_limit=2) as gladia, aiohttp.ClientSession() as http:
        opened = await Client(http, gladia).open()
        for _ in range(2):
            async with http.ws_connect(opened["url"]) as socket:
                await socket.send_bytes(bytes(1001))
                await messages(socket)
                assert socket.close_code == 1009

        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(opened["url"])
        assert refused.value.status == 403


async def test_text_that_is_too_long_closes_the_socket_as_well(client):
    async with client.http.ws_connect((await client.open())["url"]) as socket:
        await socket.send_str("x" * ((1 << 20) + 1))
        assert await messages(socket) == []
        assert socket.close_code == 1009


async def test_a_session_that_is_over_accepts_the_handshake_and_then_closes_with_4403(client):
    opened = await client.open()
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_json(STOP)
        await messages(socket)

    async with client.http.ws_connect(opened["url"]) as socket:
        assert await messages(socket) == []
        assert socket.close_code == 4403


async def test_a_token_that_never_was_is_refused_at_the_handshake(client):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.http.ws_connect(client.gladia.url + "/v2/live?token=unknown")
    assert refused.value.status == 403


async def test_a_second_socket_takes_over(client):
    opened = await client.open()
    async with client.http.ws_connect(opened["url"]) as first, client.http.ws_connect(opened["url"]) as second:
        assert await messages(first) == []
        assert first.close_code == 4409
        await second.send_bytes(silence(20))
        assert (await second.receive_json())["acknowledged"]


async def test_a_second_socket_can_be_refused():
    async with serving(second_socket="refused") as gladia, aiohttp.ClientSession() as http:
        opened = await Client(http, gladia).open()
        async with http.ws_connect(opened["url"]) as first, http.ws_connect(opened["url"]) as second:
            assert await messages(second) == []
            assert second.close_code == 4409
            await first.send_bytes(silence(20))
            assert (await first.receive_json())["acknowledged"]


async def test_a_session_without_audio_is_closed_with_4408():
    async with serving(idle_limit_s=0.05) as gladia, aiohttp.ClientSession() as http:
        opened = await Client(http, gladia).open()
        async with http.ws_connect(opened["url"]) as socket:
            assert await messages(socket) == []
            assert socket.close_code == 4408
        assert gladia.sessions[opened["id"]].status == "done"


async def test_a_client_that_reads_nothing_is_dropped_and_may_come_back():
    async with serving(unread_limit_messages=6) as gladia, aiohttp.ClientSession() as http:
        opened = await Client(http, gladia).open(messages_config={"receive_partial_transcripts": True})
        async with http.ws_connect(opened["url"]) as socket:
            await socket.send_bytes(spoken("a b c d e f g h i"))  # more at once than it may leave
            await messages(socket)
            assert socket.close_code == 1006
        async with http.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["type"] == "transcript"


async def test_a_server_that_stops_says_1001():
    async with aiohttp.ClientSession() as http:
        async with serving() as gladia:
            socket = await http.ws_connect((await Client(http, gladia).open())["url"])
            await socket.send_bytes(silence(20))
            assert (await socket.receive_json())["acknowledged"]
            reading = asyncio.create_task(messages(socket))
        assert await reading == []
        assert socket.close_code == 1001


async def test_a_code_that_the_client_closes_with_is_echoed(client):
    async with client.http.ws_connect((await client.open())["url"], autoclose=False) as socket:
        await socket.close(code=3001)
        assert socket.close_code == 3001


async def test_closing_with_1000_finishes_the_job(client):
    opened = await client.open()
    async with client.http.ws_connect(opened["url"]) as socket:
        await socket.send_bytes(spoken("see you tomorrow"))
        await socket.receive_json()
        await socket.close(code=1000)

    _, job = await client.answer("GET", f"/v2/live/{opened['id']}")

    assert (job["status"], job["result"]["transcription"]["full_transcript"]) == ("done", "see you tomorrow")


async def test_a_job_has_no_result_until_it_is_done(client):
    opened = await client.open(custom_metadata={"call_id": "CA0"})

    status, job = await client.answer("GET", f"/v2/live/{opened['id']}")

    assert (status, job["status"], job["result"], job["completed_at"]) == (200, "queued", None, None)
    assert (job["kind"], job["version"], job["custom_metadata"]) == ("live", 2, {"call_id": "CA0"})


async def test_a_job_that_is_done_has_all_that_was_said(client):
    session_id = await client.record(spoken("good morning"), channels=1)

    _, job = await client.answer("GET", f"/v2/live/{session_id}")

    assert job["status"] == "done"
    assert job["file"]["audio_duration"] == 0.48
    assert job["request_params"]["sample_rate"] == 8000
    assert job["request_params"]["messages_config"]["receive_partial_transcripts"] is False
    assert job["result"]["metadata"]["billing_time"] == 0.48
    assert job["result"]["transcription"]["utterances"][0]["words"][1]["word"] == " morning"
    assert json.loads(job["result"]["messages"][-1])["type"] == "post_final_transcript"


async def test_the_file_is_the_audio_bit_for_bit(client):
    audio = bytes(range(256)) * 4
    session_id = await client.record(audio[:100], audio[100:])

    async with client.http.get(f"{client.gladia.url}/v2/live/{session_id}/file", headers=KEY) as response:
        content = await response.read()

    assert response.content_type == "application/octet-stream"
    assert content[:4] == b"RIFF"
    assert content[content.index(b"data") + 8 :] == audio


async def test_a_session_without_audio_has_no_file(client):
    assert (await client.answer("GET", f"/v2/live/{(await client.open())['id']}/file"))[0] == 404


async def test_a_job_is_deleted_once_it_is_done(client):
    opened = await client.open()
    assert (await client.answer("DELETE", f"/v2/live/{opened['id']}"))[0] == 403

    session_id = await client.record(silence(20))
    assert (await client.answer("DELETE", f"/v2/live/{session_id}"))[0] == 202
    assert (await client.answer("GET", f"/v2/live/{session_id}"))[0] == 404


async def test_metadata_can_be_added_afterwards(client):
    path = f"/v2/live/{(await client.open())['id']}"

    assert (await client.answer("PATCH", path, json={"post_session_metadata": {"ticket": 1}}))[0] == 204
    assert (await client.answer("GET", path))[1]["post_session_metadata"] == {"ticket": 1}
    assert (await client.answer("PATCH", path, json={"post_session_metadata": 1}))[0] == 400
    assert (await client.answer("PATCH", path, data=b"{"))[0] == 400
    assert (await client.answer("PATCH", path, json={"post_session_metadata": {"x": "x" * 100_000}}))[0] == 413


async def test_the_list_has_pages_newest_first(client):
    ids = [(await client.open())["id"] for _ in range(5)]

    first = (await client.answer("GET", "/v2/live?limit=2"))[1]
    last = (await client.answer("GET", "/v2/live?limit=2&offset=4"))[1]

    assert [item["id"] for item in first["items"]] == [ids[4], ids[3]]
    assert first["next"].endswith("/v2/live?offset=2&limit=2")
    assert [item["id"] for item in last["items"]] == [ids[0]]
    assert last["next"] is None


async def test_the_list_filters_by_status_metadata_and_date(client):
    done = await client.record(silence(20), custom_metadata={"call": "a"})
    queued = (await client.open(custom_metadata={"call": "b"}))["id"]
    today = client.gladia.sessions[done].created_at_s

    async def ids(query: str) -> list[str]:
        return [item["id"] for item in (await client.answer("GET", f"/v2/live?{query}"))[1]["items"]]

    assert await ids("status=done") == [done]
    assert await ids("status=done&status=queued") == [queued, done]
    assert await ids("custom_metadata[call]=b") == [queued]
    assert await ids('custom_metadata={"call":"a"}') == [done]
    assert await ids("after_date=2100-01-01") == []
    assert await ids("before_date=2100-01-01") == [queued, done]
    assert today > 0


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "offset=-1", "status=gone", "custom_metadata=x"])
async def test_a_filter_that_makes_no_sense_is_a_fault(client, query):
    await client.open()
    assert (await client.answer("GET", f"/v2/live?{query}"))[0] == 400


async def test_one_key_never_sees_the_sessions_of_another(client):
    opened = await client.open()
    other = {"x-gladia-key": "other"}

    assert (await client.answer("GET", f"/v2/live/{opened['id']}", headers=other))[0] == 404
    assert (await client.answer("GET", "/v2/live", headers=other))[1]["items"] == []
