"""What is alike in dialects of forks: a text begins the media stream, binary messages of samples follow."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.events import DialectEvent, Started, Stopped
from bridge.dialects.untimed import MOST_EARLY, RATES_HZ, Untimed, is_name
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused


class Forked:
    """A media stream: kept until it begins, then as it comes, until the socket is over."""

    def __init__(self) -> None:
        self._early: list[tuple[bytes, float]] = []
        self._audio: Untimed | None = None
        self._is_over = False

    @property
    def has_begun(self) -> bool:
        """Whether it is known what the audio is."""
        return self._audio is not None

    def begin(
        self,
        *,
        media_stream: str,
        call_id: str,
        parties: tuple[str, ...],
        form: AudioFormat,
        parameters: dict[str, str],
        now_ms: float,
    ) -> Iterator[DialectEvent]:
        """Yield that it begins, and what has come of it before. Raises Refused for a call that has no name."""
        if not is_name(call_id):
            raise Refused("the call's name is up to 128 letters, digits and . _ @ : + -: give the address a call=")
        # The first of what came before began when it was sent, not when it was all there.
        lengths_ms = [len(message) / (form.bytes_a_ms * len(parties)) for message, _ in self._early[:1]]
        zero_ms = min([now_ms, *(came_ms - ms for (_, came_ms), ms in zip(self._early, lengths_ms, strict=False))])
        audio = self._audio = Untimed(parties, form, zero_ms=zero_ms)
        yield Started(media_stream, call_id, "", parties, form, parameters, begins_now=True, is_lossless=True)
        for message, came_ms in self._early:
            yield from audio.hear(message, came_ms)
        self._early.clear()

    def hear(self, message: bytes, now_ms: float) -> Iterator[DialectEvent]:
        """Yield what is certain once `message` has come. Raises MalformedMessage of kind `length` or `order`."""
        if self._audio is not None and not self._is_over:
            yield from self._audio.hear(message, now_ms)
        elif self._audio is None and len(self._early) < MOST_EARLY:
            self._early.append((message, now_ms))
        else:
            raise MalformedMessage("audio before or after it", kind="order")

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that the socket is over: nothing else says so."""
        if self._audio is not None and not self._is_over:
            self._is_over = True
            yield from self._audio.rest()
            yield Stopped("stop" if code in CLOSED_IN_ORDER else f"the media socket ended with {code or 'nothing'}")


def linear_at(rate_hz: int) -> AudioFormat:
    """Return the format of linear samples, so many a second. Raises Refused for a rate that can't be heard."""
    if rate_hz not in RATES_HZ:
        raise Refused(f"{rate_hz} samples a second are none of {', '.join(map(str, RATES_HZ))}")
    return AudioFormat("l16", rate_hz)
