"""Connections that stay open between requests, and what becomes of a request where one does not."""

from __future__ import annotations

import asyncio
import socket
import ssl
from urllib.parse import urlsplit

import pytest
import uvloop

from bridge.http_pool import HttpPool
from tests.raw_server import OK, RawServer

REQUEST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


@pytest.fixture
async def pool(server):
    pool = HttpPool(urlsplit(server.origin), tls=None, at_once=2)
    yield pool
    pool.close()


async def test_requests_in_turn_share_a_connection(server, pool):
    for _ in range(5):
        assert (await pool.ask(REQUEST)).body == b"{}"

    assert (server.connections, server.requests) == (1, [REQUEST] * 5)


async def test_requests_at_once_have_connections_of_their_own_as_far_as_there_are(server, pool):
    answers = await asyncio.gather(*(pool.ask(REQUEST) for _ in range(10)))

    assert [answer.status for answer in answers] == [200] * 10
    assert server.connections == 2


async def test_an_answer_has_its_status_its_headers_and_its_body_however_it_comes(server, pool):
    server.answers += [
        b"HTTP/1.1 400 Bad Request\r\nX-Amz-CRC32: 7\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ]

    answers = [await pool.ask(REQUEST) for _ in range(4)]

    assert answers[0] == (400, {b"x-amz-crc32": b"7", b"content-length": b"3"}, b"abc")
    assert [(answer.status, answer.body) for answer in answers[1:]] == [(200, b"abc"), (200, b""), (204, b"")]
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}" + RawServer.CUT,
        b"HTTP/1.1 200 OK\r\nConte" + RawServer.CUT,
        b"HTTP/1.1 200 OK\r\n\r\n{}" + RawServer.CUT,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ],
)
async def test_where_no_whole_answer_comes_it_fails_and_the_next_has_another_connection(server, pool, answer):
    server.answers += [OK, answer]
    await pool.ask(REQUEST)

    with pytest.raises(OSError, match=r"^(?!Multiple).+"):
        await pool.ask(REQUEST)

    assert (await pool.ask(REQUEST)).status == 200
    assert server.connections == 2


async def test_an_answer_without_end_is_given_up(server, pool, monkeypatch):
    monkeypatch.setattr("bridge.http_connection.LARGEST_BYTES", 1000)
    server.answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 1500)

    with pytest.raises(OSError, match="more than 1000 bytes"):
        await pool.ask(REQUEST)
    await server.closed.wait()


async def test_one_who_does_not_answer_is_given_up_and_hung_up_on(server, pool, monkeypatch):
    monkeypatch.setattr("bridge.http_connection.ANSWER_S", 0.01)
    server.answers.append("hang")

    with pytest.raises(TimeoutError):
        await pool.ask(REQUEST)

    await server.closed.wait()
    assert (await pool.ask(REQUEST)).status == 200


async def test_an_answer_that_nobody_waits_for_any_more_is_nobody_elses(server, pool):
    server.answers += ["hang"]
    given_up = asyncio.create_task(pool.ask(REQUEST))
    await server.asked.wait()
    given_up.cancel()
    await server.closed.wait()

    assert (await pool.ask(REQUEST)).body == b"{}"
    assert server.connections == 2


async def test_a_connection_that_the_server_will_close_takes_no_other_request(server, pool):
    server.answers.append(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert [(await pool.ask(REQUEST)).body for _ in range(2)] == [b"{}", b"{}"]
    assert server.connections == 2


async def test_a_connection_that_was_closed_while_nobody_used_it_is_not_used(server, pool, monkeypatch):
    await pool.ask(REQUEST)
    lost = asyncio.Event()
    monkeypatch.setattr(pool._free[0], "connection_lost", lambda _error: lost.set())
    server.hang_up()
    await lost.wait()

    assert (await pool.ask(REQUEST)).status == 200
    assert server.connections == 2


async def test_one_who_speaks_unasked_is_hung_up_on(server, pool):
    await pool.ask(REQUEST)
    server.open[0].write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")

    await server.closed.wait()
    assert (await pool.ask(REQUEST)).status == 200


async def test_a_connection_that_was_idle_for_long_is_not_trusted(server, pool, monkeypatch):
    await pool.ask(REQUEST)
    monkeypatch.setattr("bridge.http_pool.IDLE_S", -1.0)

    await pool.ask(REQUEST)
    await server.closed.wait()

    assert server.connections == 2


async def test_where_nobody_listens_it_fails():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

    with pytest.raises(ConnectionRefusedError):
        await HttpPool(urlsplit(f"http://127.0.0.1:{port}"), tls=None).ask(REQUEST)


async def test_a_connection_that_does_not_come_about_is_given_up(monkeypatch):
    monkeypatch.setattr("bridge.http_pool.CONNECT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        pool = HttpPool(urlsplit(url), tls=ssl.create_default_context(), at_once=1)

        for _ in range(2):  # its turn is given back
            with pytest.raises(TimeoutError):
                await pool.ask(REQUEST)


async def test_closing_closes_what_is_open(server, pool):
    await pool.ask(REQUEST)

    pool.close()

    await server.closed.wait()


def test_all_this_holds_on_the_event_loop_that_the_process_has():
    async def asked() -> tuple[int, list[int]]:
        async with RawServer() as server:
            pool = HttpPool(urlsplit(server.origin), tls=None)
            server.answers += [OK, None, b"SSH-2.0-OpenSSH\r\n", OK.replace(b"{}", b"{" + RawServer.CUT)]
            statuses = [(await pool.ask(REQUEST)).status]
            for _ in range(3):
                with pytest.raises(ConnectionError):
                    await pool.ask(REQUEST)
            statuses += [(await pool.ask(REQUEST)).status for _ in range(2)]
            pool.close()
            await server.closed.wait()
            return server.connections, statuses

    assert uvloop.run(asked()) == (4, [200, 200, 200])
