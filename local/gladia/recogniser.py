"""What stands behind a session and hears: one ear a channel, which reports what it heard as events.

Times are seconds of the channel's own audio since the session began, counted in samples; no clock takes part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from local.gladia.audio import AudioFormat


@dataclass(frozen=True, slots=True)
class Track:
    """One channel to listen to, and how."""

    channel: int
    audio_format: AudioFormat  # of the session; the ear is given this channel's samples alone
    languages: tuple[str, ...]
    endpointing_s: float
    maximum_s: float
    wants_partials: bool


@dataclass(frozen=True, slots=True)
class Word:
    """A word with the space before it, as Gladia writes words."""

    text: str
    start_s: float
    end_s: float
    confidence: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak."""

    at_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """They fell silent, at `at_s`; this is known only after the silence lasted."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is heard of an utterance: so far, or, if final, for good.

    `number` counts the utterances of the channel from 0. There is at least one word.
    """

    number: int
    is_final: bool
    words: tuple[Word, ...]
    start_s: float
    end_s: float
    confidence: float
    language: str

    @property
    def text(self) -> str:
        """The words as one text, with the space that leads it."""
        return "".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Listened:
    """Nothing before `until_s` is waiting to be heard any more."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """All that the ear was given has been heard and told; the last event of an ear."""


Heard = SpeechStarted | SpeechEnded | Spoken | Listened | Finished
Tell = Callable[[Heard], None]


class Ear(Protocol):
    """Hears one channel of one session. Called, and tells, on the event loop's thread."""

    def hear(self, audio: bytes) -> None:
        """Take the channel's next samples. Returns at once."""

    def finish(self) -> None:
        """Take note that no more comes: tell what is still untold, then Finished."""

    def close(self) -> None:
        """Stop: nothing more is told."""


class Recogniser(Protocol):
    """Gives each channel its ear; holds what they share, such as a model and threads, while it is entered."""

    @property
    def languages(self) -> frozenset[str]:
        """The languages it knows; empty for all."""

    def listen(self, track: Track, tell: Tell) -> Ear:
        """Return a new ear for `track`, which tells what it hears through `tell`."""

    async def __aenter__(self) -> Self:
        """Load what is needed."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
