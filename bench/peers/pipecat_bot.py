"""A bridge on Pipecat: its transport for Twilio, its Gladia service, a processor that prints what is said.

    GLADIA_URL=http://localhost:8000 GLADIA_API_KEY=... PORT=8080 python bench/peers/pipecat_bot.py

Its serializer does not look at the track, so it is given a media stream a track. Sources: Pipecat's examples
"twilio-chatbot" and "transcription-gladia", without the bot's own voice; its `runner` extra, for the server (uvicorn on
asyncio's loop).
"""

# It runs where Pipecat is, which is not where mypy is.
# mypy: disable-error-code="misc, untyped-decorator"

from __future__ import annotations

import json
import os
import sys

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import Frame, TranscriptionFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.gladia.stt import GladiaSTTService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner


class Printer(FrameProcessor):
    """Prints what is said."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take a frame, and pass it on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            print(frame.text)
        await self.push_frame(frame, direction)


app = FastAPI()


@app.websocket("/{path:path}")
async def relay(websocket: WebSocket) -> None:
    """Relay one media stream, of one track."""
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=websocket, params=FastAPIWebsocketParams(audio_in_enabled=True, serializer=serializer)
    )
    gladia = GladiaSTTService(
        api_key=os.environ["GLADIA_API_KEY"],
        url=f"{os.environ['GLADIA_URL']}/v2/live",
        settings=GladiaSTTService.Settings(custom_metadata={"call_id": call["call_id"]}),
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), gladia, Printer()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(_transport: FastAPIWebsocketTransport, _client: WebSocket) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


class Server(uvicorn.Server):
    """Says when it listens."""

    async def startup(self, sockets: object = None) -> None:
        """Bind, and say so."""
        await super().startup(sockets)
        print(json.dumps({"message": "listening"}), flush=True)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="INFO")
    Server(uvicorn.Config(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")).run()
