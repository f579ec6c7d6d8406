"""Serves the page on loopback, as the function `page` does on AWS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from functions.page.site import Site

WEB = Path(__file__).parents[1] / "web"


@contextlib.asynccontextmanager
async def serve_page(api_url: str, api_key: str) -> AsyncIterator[str]:
    """Serve `web/` while inside, on a free port of loopback; give its address.

    Its `config.json` says where the HTTP API is and what to ask it with. On AWS that holds no key: whoever looks at
    calls there brings one, or an issuer's token.
    """
    site = Site.of(WEB, config={"api": api_url, "key": api_key})

    async def serve(request: web.Request) -> web.StreamResponse:
        answer = site.answer(request.path, tag=request.headers.get("if-none-match", ""))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.text.encode())

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
