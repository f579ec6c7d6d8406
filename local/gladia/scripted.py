"""A recogniser for tests: it hears text that is written in the audio itself, to the byte and without a clock.

Audio made by `spoken` is no speech; it looks like mu-law at 8000 Hz to whatever carries bytes. Each word is

    0xFC  text in UTF-8  0x1F  its length in bytes, in digits  0xFD  filler

where the filler at place i of the word is i modulo 241, up to the length; for 127 it is 0xF1, as 0x7F is mu-law's other
zero, which no decoder and encoder brings back. So a byte that was lost, repeated, changed
or put into another channel shows: the word comes out with "�", or other words come out. Silence is 0xFF, as in
mu-law; anything else between words comes out as the word "�".
"""

from types import TracebackType
from typing import Final, Self

import numpy as np

from local.audio import mulaw_encode
from local.gladia.recogniser import Finished, Listened, SpeechEnded, SpeechStarted, Spoken, Tell, Track, Word

RATE_HZ: Final = 8000
SILENCE: Final = 0xFF
DAMAGED: Final = "\N{REPLACEMENT CHARACTER}"
# Bytes that UTF-8 never contains.
_OPEN: Final = 0xFC
_CLOSE: Final = 0xFD
_LENGTH: Final = 0x1F
# A prime: no whole number of 20 ms frames shorter than 4.8 s is a multiple of it.
_FILLER_PERIOD: Final = 241
_OTHER_ZERO: Final = 0x7F
_INSTEAD: Final = 0xF1
_FILLER: Final = bytes(range(_FILLER_PERIOD)).replace(bytes([_OTHER_ZERO]), bytes([_INSTEAD])) * 400
_LONGEST_HEAD_BYTES: Final = 512


def spoken(text: str, *, ms_per_word: int = 240) -> bytes:
    """Return the words of `text` as audio, `ms_per_word` each, without a pause between or after them.

    Raises ValueError if a word is too long for its time.
    """
    return b"".join(_word(word, ms_per_word * RATE_HZ // 1000) for word in text.split())


def place_of(byte: int) -> int:
    """Return at which place of its word, modulo 241, a byte of filler is."""
    return _OTHER_ZERO if byte == _INSTEAD else byte


def silence(ms: int) -> bytes:
    """Return `ms` milliseconds of silence."""
    return bytes([SILENCE]) * (ms * RATE_HZ // 1000)


def _word(text: str, length: int) -> bytes:
    head = bytes([_OPEN]) + text.encode() + bytes([_LENGTH]) + str(length).encode() + bytes([_CLOSE])
    if not len(head) <= min(length, _LONGEST_HEAD_BYTES) or length > len(_FILLER):
        raise ValueError(f"a word of {len(head)} bytes does not fit into {length}")
    return head + _FILLER[len(head) : length]


class ScriptedRecogniser:
    """Reads what `spoken` wrote. Deterministic: the same audio gives the same events, however it is cut up."""

    languages: frozenset[str] = frozenset()

    def listen(self, track: Track, tell: Tell) -> "ScriptedEar":
        """Return a reader of one channel."""
        return ScriptedEar(track, tell)

    async def __aenter__(self) -> Self:
        """Nothing to load."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to let go of."""


class ScriptedEar:
    """Reads one channel; tells at the very byte at which something is certain."""

    def __init__(self, track: Track, tell: Tell) -> None:
        form = track.audio_format
        self._is_linear = (
            form.encoding == "wav/pcm" and form.sample_bytes == 2
        )  # of carriers that decode what they have
        self._half = b""  # of a sample that isn't all there
        self._rate = form.rate_hz if self._is_linear else form.rate_hz * form.sample_bytes
        self._language = track.languages[0] if track.languages else "en"
        self._wants_partials = track.wants_partials
        self._endpoint = round(track.endpointing_s * self._rate)
        self._maximum = round(track.maximum_s * self._rate)
        self._tell = tell
        self._audio = b""  # not yet read
        self._position = 0  # of its first byte, since the session began
        self._quiet = 0  # bytes of silence just before it
        self._words: list[Word] = []
        self._number = 0
        self._is_speaking = False
        self._damaged_from: int | None = None
        self._damaged_text = ""

    def hear(self, audio: bytes) -> None:
        """Read as far as `audio` goes."""
        self._audio += self._coded(audio) if self._is_linear else audio
        self._read(complete=False)
        self._tell(Listened(self._position / self._rate))

    def finish(self) -> None:
        """Read the rest; a word that stops short is damaged."""
        self._read(complete=True)
        self._end_damage()
        self._end_utterance()
        self._tell(Finished())

    def close(self) -> None:
        """Tell nothing more."""
        self._tell = lambda _: None

    def _coded(self, audio: bytes) -> bytes:
        """Return linear samples as the mu-law that they were."""
        samples = self._half + audio
        whole = len(samples) - len(samples) % 2
        self._half = samples[whole:]
        return mulaw_encode(np.frombuffer(samples[:whole], "<i2"))

    def _read(self, *, complete: bool) -> None:
        while self._audio:
            first = self._audio[0]
            if first == SILENCE:
                self._read_silence()
            elif first == _OPEN:
                if not self._read_word(complete=complete):
                    return
            else:
                self._read_damage()

    def _read_silence(self) -> None:
        self._end_damage()
        count = len(self._audio) - len(self._audio.lstrip(bytes([SILENCE])))
        self._take(count)
        self._quiet += count
        if self._quiet >= self._endpoint:
            self._end_utterance()

    def _read_word(self, *, complete: bool) -> bool:
        """Read a word, sound or damaged; return False if more audio is needed to tell."""
        self._end_damage()
        self._begin_utterance()
        head, closed, _ = self._audio[1 : _LONGEST_HEAD_BYTES + 1].partition(bytes([_CLOSE]))
        text, _, digits = head.rpartition(bytes([_LENGTH]))
        is_broken = SILENCE in head or _OPEN in head
        if not closed and not is_broken and not complete and len(head) < _LONGEST_HEAD_BYTES:
            return False
        if not closed or is_broken or not text or not digits.isdigit():
            self._read_damage()
            return True
        start, length = len(head) + 2, int(digits)
        sound = _common(self._audio, self._audio[:start] + _FILLER[start:length])
        if sound == length:
            self._take(length)
            self._add(text.decode(errors="replace"), self._position - length)
        elif sound < len(self._audio) or complete:
            self._read_damage(text.decode(errors="replace"), sound)
        else:
            return False
        return True

    def _read_damage(self, text: str = "", count: int = 1) -> None:
        """Skip `count` bytes, and more up to what may begin something; what they said was `text`, if anything."""
        self._begin_utterance()
        if self._damaged_from is None:
            self._damaged_from = self._position
            self._damaged_text = text
        self._take(count)
        places = [self._audio.find(SILENCE), self._audio.find(_OPEN), len(self._audio)]
        self._take(min(place for place in places if place >= 0))

    def _end_damage(self) -> None:
        if self._damaged_from is not None:
            start, self._damaged_from = self._damaged_from, None
            self._add(self._damaged_text + DAMAGED, start)

    def _take(self, count: int) -> None:
        self._audio = self._audio[count:]
        self._position += count

    def _begin_utterance(self) -> None:
        if not self._is_speaking:
            self._is_speaking = True
            self._tell(SpeechStarted(self._position / self._rate))

    def _add(self, text: str, start: int) -> None:
        self._words.append(Word(f" {text}", start / self._rate, self._position / self._rate, 1.0))
        self._quiet = 0
        if self._position - round(self._words[0].start_s * self._rate) >= self._maximum:
            self._end_utterance()
        elif self._wants_partials:
            self._tell(self._utterance(is_final=False))

    def _end_utterance(self) -> None:
        if self._words:
            self._tell(SpeechEnded(self._words[-1].end_s))
            self._tell(self._utterance(is_final=True))
            self._words.clear()
            self._number += 1
            self._is_speaking = False

    def _utterance(self, *, is_final: bool) -> Spoken:
        return Spoken(
            number=self._number,
            is_final=is_final,
            words=tuple(self._words),
            start_s=self._words[0].start_s,
            end_s=self._words[-1].end_s,
            confidence=1.0,
            language=self._language,
        )


def _common(left: bytes, right: bytes) -> int:
    """Return how many bytes `left` and `right` have in common from their start."""
    if left[: len(right)] == right:
        return len(right)
    return next((place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
