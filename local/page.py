"""Serves the page on loopback; on AWS it stands in a bucket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

WEB = Path(__file__).parents[1] / "web"


@contextlib.asynccontextmanager
async def serve_page(api_url: str, api_key: str) -> AsyncIterator[str]:
    """Serve `web/` while inside, on a free port of loopback; give its address.

    Its `config.json` says where the HTTP API is and what to ask it with. On AWS that holds no key: whoever looks at
    calls there brings one, or an issuer's token.
    """

    async def config(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"api": api_url, "key": api_key}, headers={"cache-control": "no-store"})

    app = web.Application()
    app.router.add_get("/", _index)
    app.router.add_get("/config.json", config)
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
