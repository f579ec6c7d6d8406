"""Stretches of media time, and which of them were covered."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start_ms` to before `end_ms`."""

    start_ms: int
    end_ms: int

    def shifted(self, by_ms: int) -> "Span":
        """Return the span on a clock that shows `by_ms` more."""
        return Span(self.start_ms + by_ms, self.end_ms + by_ms)


class Coverage:
    """Spans that were covered, in any order, repeatedly or not."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, span: Span) -> None:
        """Cover `span`; one that goes on where the last ended costs no memory."""
        if self._spans and self._spans[-1].end_ms == span.start_ms:
            self._spans[-1] = Span(self._spans[-1].start_ms, span.end_ms)
        else:
            self._spans.append(span)

    def spans(self) -> tuple[Span, ...]:
        """Return what is covered: in order, apart from each other."""
        self._spans = list(united(self._spans))
        return tuple(self._spans)


def united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same stretches in order, those that touch or overlap as one, empty ones left out."""
    out: list[Span] = []
    for span in sorted(span for span in spans if span.start_ms < span.end_ms):
        if out and span.start_ms <= out[-1].end_ms:
            out[-1] = Span(out[-1].start_ms, max(out[-1].end_ms, span.end_ms))
        else:
            out.append(span)
    return tuple(out)


def missing(covered: Iterable[Span], *, end_ms: int) -> tuple[Span, ...]:
    """Return what of the time from 0 to `end_ms` is not in `covered`."""
    out: list[Span] = []
    at_ms = 0
    for span in united(covered):
        if span.start_ms >= end_ms:
            break
        if span.start_ms > at_ms:
            out.append(Span(at_ms, span.start_ms))
        at_ms = max(at_ms, span.end_ms)
    if at_ms < end_ms:
        out.append(Span(at_ms, end_ms))
    return tuple(out)
