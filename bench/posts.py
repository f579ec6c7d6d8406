"""`python -m bench.posts`: the CPU time of a post to a connection, by boto3's client and by ours, in turns."""

from __future__ import annotations

import asyncio
import multiprocessing
import platform
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import boto3
from aiohttp import web
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from functions.straight_posts import StraightPosts

ROUNDS = 7
POSTS = 500
FRAME = b"x" * 400  # an utterance of some words
CONNECTION = "L0SM9cOFvHcCIhw="


def serve(told: Connection) -> None:
    """Take posts in a process of its own, and tell the port."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/live/@connections/{id}", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def cpu_ms(post: Callable[[], object]) -> float:
    """Return the CPU time of this process for one post."""
    began = time.process_time()
    for _ in range(POSTS):
        post()
    return 1000 * (time.process_time() - began) / POSTS


def main() -> None:
    """Measure and print."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    endpoint = f"http://127.0.0.1:{here.recv()}/live"
    session = boto3.Session("AKIDEXAMPLE", "example-key-not-a-secret", "t" * 300, "eu-west-1")
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    client = session.client("apigatewaymanagementapi", endpoint_url=endpoint, config=config)
    straight = StraightPosts.of(session, endpoint)
    ways: dict[str, Callable[[], object]] = {
        "boto3's client": lambda: client.post_to_connection(ConnectionId=CONNECTION, Data=FRAME),
        "functions/straight_posts.py": lambda: straight.post(CONNECTION, FRAME),
    }
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, post in ways.items():
            rounds[name].append(cpu_ms(post))
    table = Table("a post by", "CPU time", title=f"{platform.machine()}, Python {platform.python_version()}")
    for name, (_warm, *measured) in rounds.items():
        table.add_row(name, f"{statistics.median(measured):.2f} ms ({min(measured):.2f} to {max(measured):.2f})")
    Console().print(table)
    server.terminate()


if __name__ == "__main__":
    main()
