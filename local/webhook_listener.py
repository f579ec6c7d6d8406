"""An endpoint for webhooks on this machine, which checks what is posted to it and shows it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web
from rich.console import Console
from rich.json import JSON
from rich.text import Text

from callscribe.errors import Refused
from callscribe.exports.plain_text import plain
from callscribe.webhook_message import Message
from callscribe.webhook_signature import InvalidSignature, verify

UNSIGNED = 401
# Told the address that leads here, it returns the secret that is signed with and what to do in the end.
Added = Callable[[str], tuple[str, Callable[[], object]]]


class Listener:
    """Checks messages signed with `secret`, shows them, and answers them with `status`."""

    def __init__(self, secret: str, *, status: int, console: Console) -> None:
        self._secret = secret
        self._status = status
        self._console = console

    def take(self, headers: Mapping[str, str], body: bytes, *, now_s: float) -> int:
        """Show what was posted, and return the status of the answer. Names of `headers` are in lower case."""
        try:
            message_id = verify(headers, body, [self._secret], now_s=now_s)
            message = msgspec.json.decode(body, type=Message)
        except (InvalidSignature, Refused, msgspec.DecodeError) as error:
            self._console.print(Text(f"refused: {plain(str(error))}", style="red"))
            return UNSIGNED
        head = Text(f"{message.timestamp[:19]}  ", style="dim")
        head.append(message.type, style="bold green" if self._status < 300 else "bold yellow")
        head.append(f"  {plain(message.data.call_id)}  {plain(message_id)}, signed as it should be", style="dim")
        self._console.print(head, soft_wrap=True)
        self._console.print(JSON(bytes(message.data.body).decode()), soft_wrap=True)
        return self._status


async def listen(added: Added, *, port: int, status: int, console: Console) -> int:
    """Take webhooks until interrupted; the endpoint is as `added` says."""
    listening: list[Listener] = []

    async def answer(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return web.Response(status=listening[0].take(headers, await request.read(), now_s=time.time()))

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = "http://{}:{}/".format(*runner.addresses[0][:2])
        secret, forget = await asyncio.to_thread(added, url)
        stack.push_async_callback(asyncio.to_thread, forget)
        listening.append(Listener(secret, status=status, console=console))
        console.print(f"listening at {url}; Ctrl-C ends it", style="dim", markup=False)
        await stopped.wait()
    return 0
