"""The messages of one media stream, to the letter.

Sans-I/O: audio and times in, JSON text out. Every number but those of `mediaFormat` is a string on the wire.
Source: Twilio, Media Streams, "WebSocket messages".
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Literal

from local.twilio.admission import Track

Chunks = Literal["shared", "per_track"]


class MediaStream:
    """Numbers and spells the messages of one unidirectional media stream.

    `chunks` says whether `media.chunk` counts once for the stream or once a track, which Twilio doesn't. Timestamps
    begin at `first_timestamp_ms`: on real calls the first one is never 0 (102 and 171 were seen).
    """

    def __init__(
        self,
        *,
        stream_sid: str,
        call_sid: str,
        account_sid: str,
        tracks: Sequence[Track],
        parameters: Sequence[tuple[str, str]],
        chunks: Chunks,
        first_timestamp_ms: int,
    ) -> None:
        self._stream_sid = stream_sid
        self._call = {"accountSid": account_sid, "callSid": call_sid}
        self._tracks = tuple(tracks)
        self._parameters = dict(parameters)
        self._shared = chunks == "shared"
        self._first_timestamp_ms = first_timestamp_ms
        self._sequence_number = 0
        self._chunks: dict[str, int] = {}

    def opening(self) -> tuple[str, str]:
        """Return `connected`, which isn't numbered, and `start`, which is number 1."""
        start = {
            "streamSid": self._stream_sid,
            **self._call,
            "tracks": self._tracks,
            "customParameters": self._parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        return '{"event":"connected","protocol":"Call","version":"1.0.0"}', self.numbered("start", start)

    def media(self, track: Track, media_ms: int, audio: bytes) -> str:
        """Return the message for `audio` of `track`, heard `media_ms` after the stream's first frame."""
        counter = "" if self._shared else track
        chunk = self._chunks[counter] = self._chunks.get(counter, 0) + 1
        self._sequence_number += 1
        # Spelled by hand: a hundred a second and call, and nothing in it needs escaping.
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence_number}","streamSid":"{self._stream_sid}",'
            f'"media":{{"track":"{track}","chunk":"{chunk}","timestamp":"{self._first_timestamp_ms + media_ms}",'
            f'"payload":"{b64encode(audio).decode("ascii")}"}}}}'
        )

    def stop(self) -> str:
        """Return the last message."""
        return self.numbered("stop", self._call)

    def numbered(self, event: str, body: object) -> str:
        """Return a message of that event, with the next number."""
        self._sequence_number += 1
        message = {
            "event": event,
            "sequenceNumber": str(self._sequence_number),
            "streamSid": self._stream_sid,
            event: body,
        }
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
