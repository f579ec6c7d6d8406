"""Telephone audio from files: every track as 8000 Hz mu-law bytes, the format in which Twilio sends a call.

A byte is one sample, 8 bytes are one millisecond, 160 bytes one frame. Mu-law at 8000 Hz passes through bit for bit;
everything else is converted.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
SILENCE = b"\xff"  # mu-law zero

Party = Literal["caller", "agent"]
PARTIES: tuple[Party, ...] = ("caller", "agent")  # Twilio's inbound and outbound track of an incoming call

_RAW_SUFFIXES = frozenset({".ulaw", ".ul", ".mulaw"})
_PCM, _ALAW, _MULAW, _EXTENSIBLE = 1, 6, 7, 0xFFFE  # wFormatTag, RFC 2361
_DECIMATIONS = {8000: 1, 16000: 2, 48000: 6}
_PASS_BAND_HZ = 3600  # telephone speech ends at 3400; what is above 4000 would fold back into it
_CALLS = Path(__file__).with_name("calls")

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it was said, in seconds from the start of the recording."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said, and when, in seconds from the start of the recording."""

    text: str
    start_s: float
    end_s: float
    language: str  # ISO 639-1
    words: tuple[Word, ...]  # empty where the recording's source gives no times for words


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """One party's side of a recorded call, with the text of what is said."""

    party: Party
    path: Path | None  # None: the call has no recording of this party, and `audio` is silence
    audio: bytes  # 8000 Hz mu-law
    utterances: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A recorded telephone call; both tracks begin together and are equally long."""

    name: str
    duration_s: float
    caller: RecordedTrack  # Twilio's inbound track
    agent: RecordedTrack  # Twilio's outbound track


class NotAudio(Exception):
    """This file holds no telephone audio that can be used; the message is one line that says what to do."""


def read_tracks(path: Path) -> tuple[bytes, ...]:
    """Return the 8000 Hz mu-law bytes of each track in the file at `path`: one, or two if it is a stereo WAV.

    Takes raw mu-law (`.ulaw`, `.ul`, `.mulaw`: 8000 Hz, one track, no header) and WAV with mu-law, A-law or 16-bit
    samples at 8000, 16000 or 48000 Hz. Raises NotAudio for anything else.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotAudio(f"{path}: no such file; give the path of a .wav or .ulaw file") from None
    except OSError as error:
        raise NotAudio(f"{path}: {error.strerror}; give the path of a .wav or .ulaw file") from error
    if not content:
        raise NotAudio(f"{path}: the file is empty; give one that holds audio")
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _read_wav(path, content)
    if path.suffix.lower() in _RAW_SUFFIXES:
        return (content,)
    raise NotAudio(f"{path}: neither a WAV file nor raw mu-law named .ulaw; {_convert(path)}")


def recorded_calls() -> tuple[str, ...]:
    """Return the names of the recorded calls that come with the project."""
    return tuple(dict.fromkeys(entry["call"] for entry in _manifest()))


def recorded_call(name: str) -> RecordedCall:
    """Return the recorded call `name`. Raises NotAudio, naming the calls there are, if it isn't one of them."""
    entries = {entry["leg"]: entry for entry in _manifest() if entry["call"] == name}
    if not entries:
        raise NotAudio(f"{name}: no recorded call of that name; there are {', '.join(recorded_calls())}")
    duration_s = max(entry["seconds"] for entry in entries.values())
    caller, agent = (_recorded_track(party, entries.get(party), duration_s) for party in PARTIES)
    return RecordedCall(name=name, duration_s=duration_s, caller=caller, agent=agent)


def mulaw_silence(ms: int) -> bytes:
    """Return `ms` milliseconds of silence."""
    return SILENCE * (ms * RATE_HZ // 1000)


def mulaw_encode(samples: Samples) -> bytes:
    """Return 16-bit samples as mu-law (ITU-T G.711)."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32635) + 132
    exponent = np.frexp(magnitude)[1] - 8  # 132 to 32767 lie in 2^7 to 2^15
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    encoded: bytes = (~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return encoded


def mulaw_decode(audio: bytes) -> Samples:
    """Return mu-law bytes as 16-bit samples (ITU-T G.711)."""
    code = ~np.frombuffer(audio, np.uint8).astype(np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def alaw_decode(audio: bytes) -> Samples:
    """Return A-law bytes as 16-bit samples (ITU-T G.711)."""
    code = np.frombuffer(audio, np.uint8).astype(np.int32) ^ 0x55
    segment = (code >> 4) & 7
    step = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, step, (step + 256) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _alaw_levels() -> tuple[Samples, Samples]:
    """Return the middles between A-law's levels in rising order, and the code of each level."""
    levels = alaw_decode(bytes(range(256)))
    order = np.argsort(levels)
    rising = levels[order].astype(np.int32)
    return (rising[1:] + rising[:-1]) // 2, order.astype(np.uint8)


def alaw_encode(samples: Samples) -> bytes:
    """Return 16-bit samples as A-law (ITU-T G.711): the nearest level of each."""
    middles, codes = _alaw_levels()
    encoded: bytes = codes[np.searchsorted(middles, samples)].tobytes()
    return encoded


class _UtteranceEntry(TypedDict):
    text: str
    start: float
    end: float
    lang: str
    words: NotRequired[Sequence[tuple[str, float, float]]]


class _FileEntry(TypedDict):
    file: str
    call: str
    leg: Party
    seconds: float
    utterances: Sequence[_UtteranceEntry]


@cache
def _manifest() -> Sequence[_FileEntry]:
    entries: Sequence[_FileEntry] = json.loads((_CALLS / "manifest.json").read_text(encoding="utf-8"))["files"]
    return entries


def _recorded_track(party: Party, entry: _FileEntry | None, duration_s: float) -> RecordedTrack:
    if entry is None:
        return RecordedTrack(party=party, path=None, audio=mulaw_silence(round(duration_s * 1000)), utterances=())
    path = _CALLS / entry["file"]
    utterances = tuple(
        Utterance(
            text=said["text"],
            start_s=said["start"],
            end_s=said["end"],
            language=said["lang"],
            words=tuple(Word(text, start_s, end_s) for text, start_s, end_s in said.get("words", ())),
        )
        for said in entry["utterances"]
    )
    (audio,) = read_tracks(path)
    return RecordedTrack(party=party, path=path, audio=audio, utterances=utterances)


def _read_wav(path: Path, content: bytes) -> tuple[bytes, ...]:
    """Return the tracks of a WAV file. Source: Multimedia Programming Interface and Data Specifications 1.0, WAVE."""
    chunks = _chunks(content)
    form = chunks.get(b"fmt ", b"")
    if len(form) < 16 or b"data" not in chunks:
        raise NotAudio(f"{path}: the WAV file is damaged (no format or no data in it); save it again")
    tag, channels, rate_hz, _, block_bytes, bits = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    if channels not in (1, 2):
        raise NotAudio(f"{path}: {channels} channels, one or two are needed; {_convert(path)}")
    if rate_hz not in _DECIMATIONS:
        raise NotAudio(f"{path}: {rate_hz} Hz, where 8000, 16000 or 48000 are needed; {_convert(path)}")
    if (tag, bits) not in {(_PCM, 16), (_ALAW, 8), (_MULAW, 8)} or block_bytes != channels * bits // 8:
        raise NotAudio(f"{path}: WAV format {tag} with {bits} bits can't be read; {_convert(path)}")
    audio = chunks[b"data"]
    audio = audio[: len(audio) // block_bytes * block_bytes]
    if not audio:
        raise NotAudio(f"{path}: the WAV file has a header and no audio; give one that holds audio")
    if tag == _MULAW and rate_hz == RATE_HZ:
        return tuple(audio[channel::channels] for channel in range(channels))
    decode = {_PCM: lambda pcm: np.frombuffer(pcm, "<i2"), _ALAW: alaw_decode, _MULAW: mulaw_decode}[tag]
    samples: Samples = decode(audio)
    factor = _DECIMATIONS[rate_hz]
    return tuple(mulaw_encode(_decimate(samples[channel::channels], factor)) for channel in range(channels))


def _chunks(content: bytes) -> dict[bytes, bytes]:
    """Return the first chunk of each name in a RIFF file; a length beyond the end of the file means its rest."""
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        # Programs that write to a pipe leave 0 or 0xFFFFFFFF as the length of the audio.
        end = len(content) if name == b"data" and length == 0 else at + 8 + length
        chunks.setdefault(name, content[at + 8 : end])
        at = end + (length & 1)
    return chunks


def _decimate(samples: Samples, factor: int) -> Samples:
    """Return every `factor`-th sample after a low-pass (Kaiser-windowed sinc, about 70 dB) that delays nothing."""
    if factor == 1:
        return samples
    half = 32 * factor
    offsets = np.arange(-half, half + 1)
    cut = _PASS_BAND_HZ / (RATE_HZ * factor)
    taps = 2 * cut * np.sinc(2 * cut * offsets) * np.kaiser(len(offsets), 7)
    taps /= taps.sum()
    padded = np.concatenate([np.zeros(half), samples, np.zeros(half + factor)])
    count = -(-len(samples) // factor)
    # One phase at a time: only the samples that are kept are computed.
    kept = np.zeros(count)
    for phase in range(factor):
        part = taps[phase::factor]
        kept += np.convolve(padded[phase::factor], part[::-1], "valid")[:count]
    return np.clip(np.rint(kept), -32768, 32767).astype(np.int16)


def _convert(path: Path) -> str:
    return f"convert it: ffmpeg -i {path.name} -ar 8000 -c:a pcm_mulaw {path.stem}.8k.wav"
