"""What the libraries alone take for the same messages: a measure that changes as Pythons and compilers do.

A message of audio is parsed by `websockets`' core and decoded by msgspec, and each ten are sent on as one; no more.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from bench.guard.audio import CALLS, MEDIA_URL
from bench.load import media, upgrade

CHUNK_BYTES = 1600  # 100 ms of both tracks


class _Body(msgspec.Struct):
    track: str
    timestamp: int
    payload: bytes


class _Media(msgspec.Struct):
    event: str
    media: _Body


class Libraries:
    """As many media streams as the hot path has, each in and out."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Media, strict=False)
        self._streams = [(_server(), _client(), bytearray()) for _ in range(CALLS)]

    def say(self, ticks: Iterable[int]) -> int:
        """Take in these ticks of 20 ms; return how many messages that were."""
        messages = 0
        for tick in ticks:
            data = media(tick)
            for server, client, waiting in self._streams:
                server.receive_data(data)
                for event in server.events_received():
                    if isinstance(event, Frame):
                        waiting.extend(self._decoder.decode(event.data).media.payload)
                        messages += 1
                server.data_to_send()
                if len(waiting) >= CHUNK_BYTES:
                    client.send_binary(bytes(waiting))
                    client.data_to_send()
                    waiting.clear()
        return messages


def _server() -> ServerProtocol:
    server = ServerProtocol()
    server.receive_data(upgrade("CA0", MEDIA_URL))
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]  # the only event there can be
    server.data_to_send()
    return server


def _client() -> ClientProtocol:
    client = ClientProtocol(parse_uri(MEDIA_URL))
    client.state = OPEN
    return client
