"""What a simulated call came to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from local.twilio.admission import Track
from local.twilio.faults import Script
from local.twilio.line import FRAME_MS
from local.twilio.problems import Problem
from local.twilio.spans import Span, missing, united


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """One webhook or callback, and its answer."""

    kind: str  # as in events.WebhookAnswered
    url: str
    status: int | None  # None: no answer
    body: str  # TwiML, or what else was answered


@dataclass(frozen=True, slots=True)
class MediaStreamReport:
    """One media stream, started or not."""

    stream_sid: str
    name: str | None
    tracks: tuple[Track, ...]
    opened: bool
    status: int | None  # of the answer to the upgrade: 101 if it opened, None if there was none
    problem: Problem | None  # why it was not started, refused or broken; None: it ended with `stop`
    messages_sent: int
    bytes_sent: Mapping[Track, int]  # audio
    bytes_dropped: Mapping[Track, int]  # audio that the receiver was too slow for
    audio_begins_ms: Mapping[Track, int]  # where in the stream's media time each party's file begins; absent: never
    frames_sent_at_s: Sequence[float]  # CLOCK_MONOTONIC, one a frame of media time; NaN: sent on no track
    injected: Script = ()  # the faults that came to pass
    starts_ms: int | None = None  # the stream's first frame, in media time since the call's; None: there was none
    delivered: Mapping[Track, tuple[Span, ...]] = field(default_factory=dict)  # media time since the first frame
    undelivered: Mapping[Track, tuple[Span, ...]] = field(default_factory=dict)
    # What was heard while the stream was to go on and never sent, in ms since the first frame as timestamps show it:
    # without Drift and Jump that is media time.

    @classmethod
    def of_unstarted(cls, stream_sid: str, name: str | None, problem: Problem) -> Self:
        """Return the report of a media stream that was not even tried."""
        return cls(
            stream_sid=stream_sid,
            name=name,
            tracks=(),
            opened=False,
            status=None,
            problem=problem,
            messages_sent=0,
            bytes_sent={},
            bytes_dropped={},
            audio_begins_ms={},
            frames_sent_at_s=(),
        )

    def sent_at(self, track: Track, media_ms: float) -> float:
        """Return when the audio of `track` up to `media_ms` had been sent, as a CLOCK_MONOTONIC second.

        Media time is milliseconds since the stream's first frame, whose timestamp on the wire isn't 0. The clock is
        one for all processes of this machine (`time.monotonic`). Raises LookupError for audio that wasn't sent.
        """
        frame = max(0, math.ceil(media_ms / FRAME_MS) - 1)
        if track not in self.tracks or frame >= len(self.frames_sent_at_s):
            raise LookupError(f"{track} was not sent up to {media_ms} ms")
        at_s = self.frames_sent_at_s[frame]
        gone = missing(self.delivered[track], end_ms=(frame + 1) * FRAME_MS) if track in self.delivered else ()
        if math.isnan(at_s) or (gone and gone[-1].end_ms > frame * FRAME_MS):
            raise LookupError(f"{track} was dropped at {media_ms} ms")
        return at_s


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, from its voice webhook to its last callback."""

    call_sid: str
    account_sid: str
    ended_normally: bool
    failure: str | None  # one sentence for people, if it didn't
    duration_s: int
    media_streams: tuple[MediaStreamReport, ...]  # in the order of their start
    webhooks: tuple[WebhookReport, ...]  # in the order of their answers
    warnings: tuple[Problem, ...]
    heard_ms: int = 0  # media time of the whole call

    def undelivered(self, track: Track) -> tuple[Span, ...]:
        """Return what no media stream delivered of `track`, in media time since the call's first frame."""
        delivered = [
            span.shifted(stream.starts_ms)
            for stream in self.media_streams
            if stream.starts_ms is not None
            for span in stream.delivered.get(track, ())
        ]
        return missing(united(delivered), end_ms=self.heard_ms)
