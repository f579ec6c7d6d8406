"""A bridge as one writes it in an afternoon: `websockets` on both sides, `json`, each message passed on as it comes.

    GLADIA_URL=http://localhost:8000 GLADIA_API_KEY=... PORT=8080 python bench/peers/plain.py

A session a track, as a frame holds one track. Sources: websockets, "asyncio" (server, client); Gladia,
"Live" quickstart.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

FORM = {"encoding": "wav/ulaw", "sample_rate": 8000, "bit_depth": 8, "channels": 1}


async def open_session(http: aiohttp.ClientSession, metadata: dict[str, str]) -> ClientConnection:
    """Return the socket of a new session."""
    async with http.post("/v2/live", json={**FORM, "custom_metadata": metadata}) as answer:
        opened = await answer.json()
    return await connect(opened["url"])


async def print_words(session: ClientConnection) -> None:
    """Print what is said."""
    async for message in session:
        said = json.loads(message)
        if said["type"] == "transcript":
            print(said["data"]["utterance"]["text"])


async def relay(stream: ServerConnection, http: aiohttp.ClientSession) -> None:
    """Relay one media stream."""
    sessions: dict[str, ClientConnection] = {}
    async with asyncio.TaskGroup() as readers:
        async for text in stream:
            message: dict[str, Any] = json.loads(text)
            if message["event"] == "start":
                for track in message["start"]["tracks"]:
                    metadata = {"call_id": message["start"]["callSid"], "track": track}
                    sessions[track] = await open_session(http, metadata)
                    readers.create_task(print_words(sessions[track]))
            elif message["event"] == "media":
                audio = base64.b64decode(message["media"]["payload"])
                await sessions[message["media"]["track"]].send(audio)
        for session in sessions.values():
            await session.send(json.dumps({"type": "stop_recording"}))


async def main() -> None:
    """Listen."""
    headers = {"X-Gladia-Key": os.environ["GLADIA_API_KEY"]}
    async with (
        aiohttp.ClientSession(os.environ["GLADIA_URL"], headers=headers) as http,
        serve(lambda stream: relay(stream, http), "127.0.0.1", int(os.environ["PORT"])) as server,
    ):
        print(json.dumps({"message": "listening"}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
