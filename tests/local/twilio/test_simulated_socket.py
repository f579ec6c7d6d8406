import asyncio
import socket
from http import HTTPStatus

import pytest
from twilio.request_validator import RequestValidator

from local.twilio import Behaviour, place
from local.twilio.events import StreamFailed
from local.twilio.problems import Code

CALLEE = b"\x55" * 1600
DIAL = "<Dial>+12025550199</Dial>"


@pytest.fixture
def call(application, account, placement, stream):
    """Place a call whose media stream goes to the receiver, or to `url`."""

    async def call(url: str | None = None, *, verbs: str = DIAL, outbound_audio: bytes = CALLEE, **changes):
        application.twiml("/voice", stream(url, statusCallback="/s") + verbs)
        seen = []
        report = await place(placement(outbound_audio=outbound_audio, **changes), account=account, observe=seen.append)
        failed = [event for event in seen if isinstance(event, StreamFailed)]
        return report, report.media_streams[0], failed

    return call


def stream_errors(application) -> list[str]:
    return [r.form["StreamError"] for r in application.on("/s") if r.form["StreamEvent"] == "stream-error"]


async def test_the_upgrade_is_twilios_to_the_letter_and_its_validator_accepts_it(account, call):
    heads = []

    async def answer(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await call(f"ws://127.0.0.1:{port}/twilio/ws")

    request, *lines = heads[0].decode().removesuffix("\r\n\r\n").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    key, signature = headers.pop("sec-websocket-key"), headers.pop("x-twilio-signature")
    assert request == "GET /twilio/ws HTTP/1.1"
    assert headers == {
        "host": f"127.0.0.1:{port}",
        "user-agent": "Twilio.TmeWs/1.0",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "accept-encoding": "gzip",
    }
    assert len(key) == 24
    assert RequestValidator(account.auth_token).validate(f"ws://127.0.0.1:{port}/twilio/ws", {}, signature)


async def test_a_refused_stream_leaves_the_call_running_and_is_reported(application, receiver, call):
    receiver.refuse_with = HTTPStatus.FORBIDDEN

    report, media, (failed,) = await call()

    assert (report.ended_normally, report.duration_s) == (True, 1)
    assert (media.opened, media.status, media.problem.code) == (False, 403, Code.STREAM_HANDSHAKE)
    assert (failed.status, failed.problem) == (403, media.problem)
    assert "answered a media stream's upgrade with 403: does it know this account's auth token" in failed.problem.text
    assert "/media" not in failed.problem.text
    assert stream_errors(application) == [str(media.problem)]


async def test_a_stream_that_nobody_takes_is_reported_as_refused(application, call):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    report, media, _ = await call(f"ws://127.0.0.1:{port}/secret")
    assert report.duration_s == 1
    assert (media.status, media.problem.code) == (None, Code.STREAM_CONNECTION_REFUSED)
    assert f"nothing answers at ws://127.0.0.1:{port} " in media.problem.text
    assert stream_errors(application)[0].startswith("31902: ")


async def test_a_stream_that_is_never_answered_times_out(call):
    hung_up = asyncio.Event()

    async def ignore(reader, writer):
        await reader.read()  # the request, and the end
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(ignore, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        report, media, _ = await call(f"ws://127.0.0.1:{port}/", behaviour=Behaviour(connect_timeout_s=0.05))
        await hung_up.wait()
    assert report.duration_s == 1
    assert media.problem.code is Code.STREAM_CONNECTION_TIMEOUT


async def test_an_answer_that_is_no_http_is_a_failed_handshake(call):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example.test ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, media, _ = await call(f"ws://127.0.0.1:{port}/")
    assert media.problem.code is Code.STREAM_HANDSHAKE


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_a_wss_address_that_speaks_no_tls_is_a_tls_error(call, answer):
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(answer)
        if not answer:
            writer.transport.abort()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, media, _ = await call(f"wss://127.0.0.1:{port}/")
    assert media.problem.code is Code.STREAM_TLS


async def test_a_stream_closed_by_its_receiver_is_an_error_and_the_call_goes_on(application, receiver, call):
    async def close(connection, _):
        if len(receiver.upgrades[0].messages) == 6:
            await connection.close(1011)

    receiver.on_message = close

    report, media, (failed,) = await call(verbs='<Pause length="2"/>', pace=10)

    assert (report.ended_normally, report.duration_s) == (True, 2)
    assert media.opened
    assert media.problem.code is Code.STREAM_CLOSED
    assert "1011" in failed.problem.text
    assert media.bytes_sent["inbound"] < 2 * 8000
    assert [r.form["StreamEvent"] for r in application.on("/s")] == ["stream-started", "stream-error"]


async def test_a_stream_that_is_cut_is_a_broken_pipe(receiver, call):
    receiver.on_message = lambda connection, _: len(receiver.upgrades[0].messages) == 6 and connection.transport.abort()
    report, media, _ = await call(verbs='<Pause length="2"/>', pace=10)
    assert report.duration_s == 2
    assert media.problem.code is Code.STREAM_BROKEN_PIPE


async def test_what_a_receiver_sends_back_is_warned_of_once(receiver, call):
    receiver.on_message = lambda connection, _: connection.send('{"event":"clear"}')
    report, media, _ = await call()
    assert [warning.code for warning in report.warnings] == [Code.STREAM_PROTOCOL]
    assert media.problem is None
    assert (await receiver.heard()).audio("outbound") == CALLEE


async def test_pings_are_answered(receiver, call):
    pongs = []

    async def ping(connection, message):
        if "connected" in message:
            pongs.append(await connection.ping())

    receiver.on_message = ping
    await call()
    await pongs[0]


async def test_a_receiver_that_never_answers_the_close_is_left(receiver, call):
    stuck = asyncio.Event()

    async def never(_, message):
        if '"stop"' in message:
            await stuck.wait()

    receiver.on_message = never
    report, _, _ = await call(behaviour=Behaviour(close_timeout_s=0.05), pace=20)
    stuck.set()
    assert report.ended_normally


async def test_a_receiver_that_reads_too_slowly_loses_audio_and_nothing_else(receiver, call):
    """The stalled receiver's buffers hold some seconds; what comes after is dropped, counted and never sent."""
    stalled = asyncio.Event()

    async def stall(_, message):
        if "connected" in message:
            await stalled.wait()

    receiver.on_message = stall
    report, media, _ = await call(
        verbs=DIAL, outbound_audio=CALLEE * 1500, pace=1e9, behaviour=Behaviour(close_timeout_s=0.05)
    )
    stalled.set()

    assert report.duration_s == 300
    assert [warning.code for warning in report.warnings] == [Code.STREAM_BUFFER_OVERFLOW]
    assert media.bytes_dropped["outbound"] > 0
    assert media.bytes_dropped["outbound"] + media.bytes_sent["outbound"] == len(CALLEE) * 1500
    with pytest.raises(LookupError, match="dropped"):
        media.sent_at("outbound", 300_000)
