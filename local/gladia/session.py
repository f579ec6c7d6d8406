"""One live session: what comes in by socket, by ear and by time, and what is to be done about it.

Source: Gladia, AsyncAPI document; docs, "Live STT"; support, "How to handle the WebSocket connection".
"""

import base64
import binascii
import json
from enum import Enum, auto
from typing import Any, Literal

import msgspec

from local.gladia import messages, results
from local.gladia.analysis import AddOnFailedError, Analysis
from local.gladia.audio import AudioFormat, Intake
from local.gladia.effects import Close, Effect, Finish, Listen, Send
from local.gladia.recogniser import Finished, Heard, Listened, SpeechEnded, SpeechStarted, Spoken, Track
from local.gladia.request import InitRequest
from local.gladia.settings import Settings

SESSION_OVER = 4403  # what a client that comes back too late is told, after a handshake that succeeds


class Phase(Enum):
    """Where a session stands. It only ever goes down this list."""

    QUEUED = auto()  # no audio yet
    RECORDING = auto()
    DRAINING = auto()  # no more audio is taken; what was heard is still owed its words
    ENDED = auto()


class Session:
    """A session from its POST to its result. It outlives its sockets.

    `now` is POSIX seconds throughout. Positions are bytes received since the session began, on whatever socket.
    """

    def __init__(
        self, *, session_id: str, token: str, key: str, request: InitRequest, settings: Settings, now: float
    ) -> None:
        self.session_id = session_id
        self.token = token
        self.key = key
        self.request = request
        self.audio_format = AudioFormat.of(request)
        self.created_at_s = now
        self.completed_at_s: float | None = None
        self.post_session_metadata: dict[str, Any] = {}
        self.audio = bytearray()
        """The samples as they came, without a header."""
        self.received_bytes = 0
        self.messages: list[str] = []
        """What was said to the client, but for the acknowledgements of audio."""
        self.finals: list[messages.Utterance] = []
        self.ignored = 0
        """Messages of the client that made no sense."""
        self.too_long = 0
        """Closes with 1009."""
        self.refused_bytes = 0
        """Audio left untaken, and said to be, while the session would have taken it."""
        self.analysis = Analysis(request, settings)
        """What its add-ons make of its words."""
        self.phase = Phase.QUEUED
        self.connected = False
        self._settings = settings
        self._intake = Intake(self.audio_format)
        self._waiting: list[Effect] = []
        self._listened_s = dict.fromkeys(range(request.channels), 0.0)
        self._unfinished = set(range(request.channels))
        self._idle_since_s: float | None = now if settings.idle_from_creation else None
        self._first_audio_s = now
        self._end_code = 1000
        self._waiting += self._say("start_session", now=now)

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """What the client gave with the session."""
        return self.request.custom_metadata

    @property
    def status(self) -> Literal["queued", "processing", "done"]:
        """The job's status as GET tells it."""
        if self.phase is Phase.QUEUED:
            return "queued"
        return "done" if self.phase is Phase.ENDED else "processing"

    @property
    def is_barred(self) -> bool:
        """Whether it takes no socket any more: it was sent too many messages that are too long."""
        return self.too_long >= self._settings.too_long_limit

    @property
    def duration_s(self) -> float:
        """Seconds of audio received."""
        return self.audio_format.seconds(len(self.audio))

    @property
    def deadline_s(self) -> float | None:
        """When `tick` has something to do, unless audio comes before."""
        if self.phase not in (Phase.QUEUED, Phase.RECORDING):
            return None
        end_s = self.created_at_s + self._settings.duration_limit_s
        return end_s if self._idle_since_s is None else min(end_s, self._idle_since_s + self._settings.idle_limit_s)

    def tracks(self) -> list[Track]:
        """Return the channels to listen to, and how."""
        return [
            Track(
                channel=channel,
                audio_format=self.audio_format,
                languages=self.request.language_config.languages,
                endpointing_s=self.request.endpointing,
                maximum_s=self.request.maximum_duration_without_endpointing,
                wants_partials=self.request.messages_config.receive_partial_transcripts,
            )
            for channel in range(self.request.channels)
        ]

    def connect(self) -> list[Effect]:
        """Take a socket into use, the first or another: it gets what waited for it."""
        if self.phase is Phase.ENDED:
            return [Close(SESSION_OVER, "session already ended")]
        self.connected = True
        waiting, self._waiting = self._waiting, []
        return waiting

    def disconnect(self, code: int | None) -> list[Effect]:
        """Go on without a socket; one that the client closed with 1000 means that it has no more to say."""
        self.connected = False
        return self._finish() if code == 1000 else []

    def receive(self, message: bytes | str, *, now: float) -> list[Effect]:
        """Take a message of the client: binary audio, or a JSON text."""
        if isinstance(message, bytes):
            return self._take_audio(message, now=now)
        try:
            content = json.loads(message)
        except (ValueError, RecursionError):
            content = None
        match content:
            case {"type": "stop_recording"}:
                return self._stop(now=now)
            case {"type": "audio_chunk", "data": {"chunk": str(chunk)}}:
                try:
                    return self._take_audio(base64.b64decode(chunk, validate=True), now=now)
                except binascii.Error:
                    return self.refuse("data.chunk is not base64", now=now)
            case {"type": "audio_chunk"}:
                return self.refuse("data.chunk is missing", now=now)
        self.ignored += 1
        return []

    def turn_away(self, audio_bytes: int, *, now: float) -> list[Effect]:
        """Refuse audio that would have been taken, as a fault demands."""
        self.refused_bytes += audio_bytes
        return self.refuse("not accepted, on demand", now=now)

    def refuse(self, why: str, *, now: float) -> list[Effect]:
        """Leave a message of audio untaken: a negative acknowledgement says why."""
        refusal = messages.Acknowledgement(
            "audio_chunk", self.session_id, messages.timestamp(now), acknowledged=False, error=messages.Problem(why)
        )
        return self._pass(refusal)

    def heard(self, channel: int, heard: Heard, *, now: float) -> list[Effect]:
        """Take what the ear of `channel` tells."""
        match heard:
            case SpeechStarted(at_s):
                return self._say("speech_start", messages.Speech(round(at_s, 3), channel), now=now)
            case SpeechEnded(at_s):
                return self._say("speech_end", messages.Speech(round(at_s, 3), channel), now=now)
            case Spoken():
                return self._transcribe(channel, heard, now=now)
            case Listened(until_s):
                self._listened_s[channel] = until_s
                return []
            case Finished():
                self._unfinished.discard(channel)
                return [] if self._unfinished else self._end(now=now)

    def tick(self, *, now: float) -> list[Effect]:
        """End a session that has had its time, or no audio for too long."""
        if self.deadline_s is None or now < self.deadline_s:
            return []
        if now >= self.created_at_s + self._settings.duration_limit_s:
            self._end_code = self._settings.duration_close_code
            return self._finish()
        closed: list[Effect] = [Close(self._settings.idle_close_code, "no audio received")] if self.connected else []
        self.connected = False
        return [*closed, *self._finish()]

    def result(self) -> dict[str, Any] | None:
        """Return the result without its messages, or None before the end."""
        if self.completed_at_s is None:
            return None
        return results.result(
            self.finals,
            request=self.request,
            duration_s=self.duration_s,
            transcription_s=self.completed_at_s - self._first_audio_s,
            add_ons=self.analysis.results(),
        )

    def _take_audio(self, chunk: bytes, *, now: float) -> list[Effect]:
        if self.phase in (Phase.DRAINING, Phase.ENDED):
            return self.refuse("the recording has been stopped", now=now)
        if chunk or self._settings.empty_chunks_are_audio:
            self._idle_since_s = now
        effects: list[Effect] = []
        if chunk and self.phase is Phase.QUEUED:
            self.phase = Phase.RECORDING
            self._first_audio_s = now
            effects += self._say("start_recording", now=now)
        start, start_s = self.received_bytes, self.duration_s
        self.received_bytes += len(chunk)
        audio = self._intake.take(chunk)
        self.audio += audio
        end = self.received_bytes
        if self._settings.inclusive_byte_range:
            end = max(start, end - 1)
        received = messages.AudioChunk((start, end), (round(start_s, 6), round(self.duration_s, 6)))
        effects += self._acknowledge("audio_chunk", received, now=now)
        if audio:
            effects.append(Listen(self.audio_format.split(audio)))
        return effects

    def _stop(self, *, now: float) -> list[Effect]:
        # A client that lost its socket may well send this again; each is acknowledged.
        left_s = max(0.0, self.duration_s - min(self._listened_s.values()))
        stopped = messages.StoppedRecording(round(self.duration_s, 3), round(left_s, 3))
        return [*self._acknowledge("stop_recording", stopped, now=now), *self._finish()]

    def _finish(self) -> list[Effect]:
        if self.phase not in (Phase.QUEUED, Phase.RECORDING):
            return []
        self.phase = Phase.DRAINING
        return [Finish()]

    def _transcribe(self, channel: int, spoken: Spoken, *, now: float) -> list[Effect]:
        wanted = self.request.messages_config
        utterance = messages.utterance(spoken, channel)
        transcript = messages.Transcript(f"{channel:02d}_{spoken.number:08d}", spoken.is_final, utterance)
        effects: list[Effect] = []
        if wanted.receive_final_transcripts if spoken.is_final else wanted.receive_partial_transcripts:
            effects += self._say("transcript", transcript, now=now)
        if spoken.is_final:
            self.finals.append(utterance)
            for name in self.analysis.realtime:
                effects += self._analyse(name, transcript.id, utterance, now=now)
        return effects

    def _analyse(self, name: str, utterance_id: str, utterance: messages.Utterance, *, now: float) -> list[Effect]:
        try:
            found = self.analysis.of_final(name, utterance_id, utterance)
        except AddOnFailedError as error:
            return self._fail_add_on(name, str(error), now=now)
        return [] if found is None else self._pass_add_on(name, found, now=now)

    def _summarize(self, *, now: float) -> list[Effect]:
        try:
            summary = self.analysis.summarize(self.finals)
        except AddOnFailedError as error:
            return self._fail_add_on("post_summarization", str(error), now=now)
        return self._pass_add_on("post_summarization", {"results": summary}, now=now)

    def _end(self, *, now: float) -> list[Effect]:
        self.completed_at_s = now
        effects = [
            *self._say("end_recording", messages.Recording(round(self.duration_s, 3)), now=now),
            *self._say("post_transcript", results.transcription(self.finals), now=now),
        ]
        if self.request.post_processing.summarization:
            effects += self._summarize(now=now)
        effects += self._say("post_final_transcript", self.result(), now=now)
        effects += self._say("end_session", now=now)
        self.phase = Phase.ENDED
        self._waiting.clear()
        if self.connected:
            effects.append(Close(self._end_code))
            self.connected = False
        return effects

    def _acknowledge(self, kind: str, data: Any, *, now: float) -> list[Effect]:
        return self._pass(messages.Acknowledgement(kind, self.session_id, messages.timestamp(now), data=data))

    def _pass_add_on(self, kind: str, data: Any, *, now: float) -> list[Effect]:
        return self._pass(messages.AddOn(kind, self.session_id, messages.timestamp(now), data=data))

    def _fail_add_on(self, kind: str, why: str, *, now: float) -> list[Effect]:
        return self._pass(messages.AddOn(kind, self.session_id, messages.timestamp(now), error=messages.Problem(why)))

    def _say(self, kind: str, data: Any = None, *, now: float) -> list[Effect]:
        """Say `kind`, with `data` if it carries any, should the client want to hear of it."""
        if data is None:
            return self._pass(messages.Event(kind, self.session_id, messages.timestamp(now)))
        return self._pass(messages.DataEvent(kind, self.session_id, messages.timestamp(now), data))

    def _pass(self, message: messages.Message) -> list[Effect]:
        """Return the sending of `message`, unless it was not asked for; without a socket it waits for one."""
        switch = messages.SWITCHES.get(message.type)
        if switch is not None and not getattr(self.request.messages_config, switch):
            return []
        text = msgspec.json.encode(message).decode()
        if message.type != "audio_chunk":
            self.messages.append(text)
        if self.connected:
            return [Send(text, message.type)]
        if self._settings.keep_while_away:
            self._waiting.append(Send(text, message.type))
        return []
