"""Audio that carries its own position, as words that the emulated Gladia's recogniser reads.

Each frame of 20 ms is one word of `local.gladia.scripted`: it says its track and its number (`a0042`), and the byte at
place i of it, after that, tells i. So each byte tells what it is, and a final tells which frames were heard. The last
frame of an utterance is half a word and half silence, which is what makes a final of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from local.gladia.scripted import place_of, spoken
from local.twilio.spans import Span

FRAME_BYTES = 160
FRAME_MS = 20
BYTES_A_MS = 8
LETTERS = {"inbound": "a", "outbound": "b"}
UTTERANCE_FRAMES = 40
# The least silence that Gladia takes for the end of an utterance.
ENDPOINTING_S = 0.01
SILENT_BYTES = 80
_SILENCE = b"\xff"
_HEAD = re.compile(rb"\xfc([ab])([0-9]{4})\x1f(?:160|80)\xfd")
_WORD = re.compile(r"\b([ab])([0-9]{4})")


@cache
def frame(track: str, number: int) -> bytes:
    """Return frame `number` of `track`, from 0 to 9999."""
    word = f"{LETTERS[track]}{number:04d}"
    if number % UTTERANCE_FRAMES < UTTERANCE_FRAMES - 1:
        return spoken(word, ms_per_word=FRAME_MS)
    return spoken(word, ms_per_word=FRAME_MS // 2) + _SILENCE * SILENT_BYTES


def voice(track: str, frames: int) -> bytes:
    """Return all that `track` says in a call of so many frames."""
    return b"".join(frame(track, number) for number in range(frames))


def between(track: str, spans: Iterable[Span]) -> bytes:
    """Return what `track` says in `spans` of media time."""
    return b"".join(_between(track, span) for span in spans)


def _between(track: str, span: Span) -> bytes:
    first, last = span.start_ms // FRAME_MS, -(-span.end_ms // FRAME_MS)
    audio = b"".join(frame(track, number) for number in range(first, last))
    skipped_ms = span.start_ms - first * FRAME_MS
    return audio[skipped_ms * BYTES_A_MS : (span.end_ms - first * FRAME_MS) * BYTES_A_MS]


def audible(audio: bytes) -> bytes:
    """Return `audio` without its silence, which is the same wherever it came from."""
    return audio.translate(None, _SILENCE)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `begin` to before `end` of frame `number`; None: no audible byte of this track, so many of them."""

    number: int | None
    begin: int
    end: int

    def positions(self) -> range:
        """Return the positions of its bytes, counted from the call's first frame."""
        first = 0 if self.number is None else self.number * FRAME_BYTES
        return range(first + self.begin, first + self.end)


def read(track: str, audio: bytes) -> Iterator[Piece]:
    """Yield what `track` says in `audio`, silence left out.

    Bytes without the beginning of their frame belong to the one before, which they go on with or repeat; unless the
    frame that follows shows that they are the end of another. A beginning too short to say its frame is the next one's.
    """
    at, before = 0, -1
    while at < len(audio):
        if audio[at] == _SILENCE[0]:
            at += 1
            continue
        number = _number_at(track, audio, at)
        if number is None and _is_cut_off(audio, at, frame(track, before + 1)):
            number = before + 1
        if number is not None:
            piece = Piece(number, 0, _common(audio, at, frame(track, number).rstrip(_SILENCE)))
        else:
            end = _end_of_run(audio, at)
            after = _number_at(track, audio, end)
            number = before if after is None or after <= before + 1 else after - 1
            place = place_of(audio[at])
            fits = place < FRAME_BYTES and number >= 0
            piece = Piece(number, place, place + end - at) if fits else Piece(None, 0, end - at)
        yield piece
        before = before if piece.number is None else piece.number
        at += piece.end - piece.begin


def words(track: str, text: str) -> list[int]:
    """Return the frames of `track` that `text` says, in its order; of a damaged one, the beginning is enough."""
    return [int(number) for letter, number in _WORD.findall(text) if letter == LETTERS[track]]


def frames_in(track: str, audio: bytes) -> set[int]:
    """Return the frames of `track` whose beginning is in `audio`."""
    return {int(head[2]) for head in _HEAD.finditer(audio) if head[1] == LETTERS[track].encode()}


def _number_at(track: str, audio: bytes, at: int) -> int | None:
    head = _HEAD.match(audio, at)
    return None if head is None or head[1] != LETTERS[track].encode() else int(head[2])


def _is_cut_off(audio: bytes, at: int, sound: bytes) -> bool:
    """Return whether what stands here is the beginning of `sound`, too short to say so, and nothing after it."""
    end = at + _common(audio, at, sound)
    return end > at + 1 and audio[end : end + 1] in {b"", _SILENCE}


def _end_of_run(audio: bytes, at: int) -> int:
    """Return where the bytes from `at` on no longer count upwards by one."""
    end = at + 1
    while end < len(audio) and place_of(audio[end]) == place_of(audio[end - 1]) + 1 < FRAME_BYTES:
        end += 1
    return end


def _common(audio: bytes, at: int, sound: bytes) -> int:
    if audio.startswith(sound, at):
        return len(sound)
    here = audio[at : at + len(sound)]
    return next((place for place, (a, b) in enumerate(zip(here, sound, strict=False)) if a != b), len(here))
