"""Where one media stream goes on with what another one carried: two forks of a call bring the same bytes."""

from __future__ import annotations

# So much of the end of the one is looked for in the other, in samples of one channel; the longest first.
_PROBES = (1600, 800, 400)
# Silence is everywhere. What is looked for has to have at least so many different samples.
_DISTINCT = 16


def continuation(tail: bytes, audio: bytes, *, frame_bytes: int) -> int | None:
    """Return the position in `audio` that follows the end of `tail`; a frame is a sample of each channel.

    None if the end of `tail` isn't in `audio`, is in it more than once, or is too plain to tell.
    """
    for length in _PROBES:
        probe = tail[-length * frame_bytes :]
        if len(probe) < length * frame_bytes or len(set(probe)) < _DISTINCT:
            continue
        places = _places(probe, audio, frame_bytes)
        if len(places) == 1:
            return places[0] + len(probe)
    return None


def _places(probe: bytes, audio: bytes, frame_bytes: int) -> list[int]:
    """Return the first two positions of `probe` in `audio` that are whole samples of every channel."""
    found: list[int] = []
    at = audio.find(probe)
    while at >= 0 and len(found) < 2:
        if at % frame_bytes == 0:
            found.append(at)
        at = audio.find(probe, at + 1)
    return found
