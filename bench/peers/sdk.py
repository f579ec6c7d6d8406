"""A bridge on Gladia's own SDK (`gladiaio-sdk`), and `websockets` on Twilio's side.

    GLADIA_URL=http://localhost:8000 GLADIA_API_KEY=... PORT=8080 python bench/peers/sdk.py

A session a track, as a frame holds one track. Source: the SDK's README, "Live" with the asynchronous client.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

from gladiaio_sdk import GladiaClient
from gladiaio_sdk.v2.live.async_client import LiveV2AsyncClient
from gladiaio_sdk.v2.live.async_session import LiveV2AsyncSession
from websockets.asyncio.server import ServerConnection, serve

FORM = {"encoding": "wav/ulaw", "sample_rate": 8000, "bit_depth": 8, "channels": 1}


def open_session(gladia: LiveV2AsyncClient, metadata: dict[str, str]) -> LiveV2AsyncSession:
    """Return a new session, which opens itself."""
    session = gladia.start_session({**FORM, "custom_metadata": metadata})
    session.on("message", print_words)
    return session


def print_words(message: Any) -> None:
    """Print what is said."""
    if message.type == "transcript":
        print(message.data.utterance.text)


async def relay(stream: ServerConnection, gladia: LiveV2AsyncClient) -> None:
    """Relay one media stream."""
    sessions: dict[str, LiveV2AsyncSession] = {}
    async for text in stream:
        message: dict[str, Any] = json.loads(text)
        if message["event"] == "start":
            for track in message["start"]["tracks"]:
                sessions[track] = open_session(gladia, {"call_id": message["start"]["callSid"], "track": track})
        elif message["event"] == "media":
            sessions[message["media"]["track"]].send_audio(base64.b64decode(message["media"]["payload"]))
    for session in sessions.values():
        session.stop_recording()


async def main() -> None:
    """Listen."""
    gladia = GladiaClient(api_key=os.environ["GLADIA_API_KEY"], api_url=os.environ["GLADIA_URL"]).live_v2_async()
    async with serve(lambda stream: relay(stream, gladia), "127.0.0.1", int(os.environ["PORT"])) as server:
        print(json.dumps({"message": "listening"}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
