"""Serves the page on loopback; on AWS it stands in a bucket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web

WEB = Path(__file__).parents[1] / "web"


@contextlib.asynccontextmanager
async def serve_page(address_of: Callable[[str], str]) -> AsyncIterator[str]:
    """Serve `web/` while inside, on a free port; give its address.

    `/call/<call_id>` leads to the page with `address_of(call_id)` after the #: what the page needs to follow that call.
    Browsers do not send that part, so that a ticket in it stands in no server's log.
    """

    async def call(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"/#{address_of(request.match_info['call_id'])}")

    app = web.Application()
    app.router.add_get("/", _index)
    app.router.add_get("/call/{call_id}", call)
    app.router.add_static("/", WEB)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _index(_request: web.Request) -> web.StreamResponse:
    return web.FileResponse(WEB / "index.html")
