"""What a transcribed recording comes to: entries that mend the log, and the document that is kept beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from callscribe.after_call import Summary
from callscribe.archive import second_key_of
from callscribe.call import Call, fold
from callscribe.difference import Compared, compare
from callscribe.entries import Entry, Ledger, LegEnded, LegStarted, Utterance
from callscribe.errors import Refused
from callscribe.gladia_batch import Recorded
from callscribe.mending import Span, mend, spans
from callscribe.recorded import TRACKS, Placed, begin_ms, place
from callscribe.second_pass import BatchReady, BatchStarted, LegRepaired, RecordingEnded
from callscribe.second_transcript import RecordedLine, SecondTranscript
from callscribe.settings import CallSettings, NumberSettings, settings_in_force
from callscribe.transcript import Line, transcript
from functions.fact import Fact
from functions.found import DEFAULT

# Of so many words heard live, at least a fifth are in any recording of the same call, however bad the line.
ENOUGH_WORDS = 20
LEAST_SHARE = 0.2

_WANTED = {"both_tracks": TRACKS, "inbound_track": TRACKS[:1], "outbound_track": TRACKS[1:]}


# What a result is told by; an earlier run that was cut off may have told some of it.
MADE = (LegStarted, Utterance, LegRepaired, LegEnded, Summary, BatchReady)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to put into the archive, at `key`, and then to append, in this order."""

    key: str
    document: SecondTranscript
    facts: tuple[Fact, ...]


def outcome(
    entries: Sequence[Entry], recorded: Recorded, started: BatchStarted, ended: RecordingEnded | None
) -> Outcome:
    """Return what `recorded`, Gladia's result of `started`, comes to for the call whose whole log is `entries`.

    It is the same however much of it the log has already. Raises Refused for the recording of another call.
    """
    before = [entry for entry in entries if not _is_of(entry, started.job)]
    call, live = fold(before), transcript(before)
    placed = place(
        recorded,
        [line.said for line in live],
        [entry.body for entry in before if isinstance(entry.body, LegStarted)],
        job=started.job,
        begin_ms=begin_ms(call, ended.started_at if ended else ""),
        parties=_parties(call),
    )
    lines = [Line(placed.party(said), said) for said in placed.said]
    compared = compare(live, lines, begin_ms=placed.offset_ms, end_ms=_end_ms(placed, recorded))
    if _is_of_another(compared):
        raise Refused("the recording is of another call")
    key = second_key_of(call, entries[0].call_id, entries[0].tenant)
    ready = BatchReady(job=started.job, recording=started.recording, transcript=key, differences=compared.differences)
    document = SecondTranscript(
        call_id=entries[0].call_id,
        job=started.job,
        recording=started.recording,
        offset_ms=placed.offset_ms,
        lines=tuple(RecordedLine(party=line.party, utterance=line.said) for line in lines),
        differences=compared.differences,
        changes=compared.changes,
    )
    facts = (*_mending(call, placed, started, live), *_summary(before, recorded, started.job))
    return Outcome(key, document, (*facts, Fact(ready, f"batch/{started.job}/ready")))


def _end_ms(placed: Placed, recorded: Recorded) -> int | None:
    return None if recorded.audio_s is None else placed.offset_ms + round(1000 * recorded.audio_s)


def _is_of(entry: Entry, job: str) -> bool:
    """Return whether an entry was made of the job, by an earlier run that was cut off."""
    match entry.body:
        case Utterance(id=name):
            return name.startswith(f"{job}/")
        case LegStarted(session=session) | Summary(session=session):
            return session == job
        case LegEnded(leg=leg):
            return _is_own(leg, job)
        case _:
            return False


def _is_own(leg: str, job: str) -> bool:
    return leg.startswith(f"{job}/")


def _settings(call: Call) -> CallSettings:
    try:
        return settings_in_force(call.started.settings if call.started else {})
    except Refused:
        return DEFAULT


def _parties(call: Call) -> dict[str, str]:
    direction = call.started.direction if call.started else "inbound"
    return {track: _settings(call).party(track, direction) for track in TRACKS}


def _own_legs(call: Call, placed: Placed, started: BatchStarted) -> list[LegStarted]:
    """Return the legs that the recording alone has, of tracks that were to be heard.

    A mono one tells no tracks apart: there, voices that nobody has heard live count only if nothing was.
    """
    speaking = {said.leg for said in placed.said}
    settings = _settings(call)
    wanted = _WANTED[settings.tracks if isinstance(settings, NumberSettings) else "both_tracks"]
    return [
        LegStarted(
            leg=voice.leg,
            party=voice.party,
            track=TRACKS[0] if placed.is_mono else TRACKS[channel],
            codec="recording",
            media_stream=started.recording,
            session=started.job,
            channel=channel,
            offset_ms=placed.offset_ms,
            session_begin_ms=placed.offset_ms,
        )
        for channel, voice in sorted(placed.voices.items())
        if _is_own(voice.leg, started.job)
        and voice.leg in speaking
        and (not call.legs if placed.is_mono else TRACKS[channel] in wanted)
    ]


def _end_of(leg: LegStarted) -> LegEnded:
    return LegEnded(leg=leg.leg, ledger=Ledger(heard=0), sessions=0, reconnects=0)


def _mending(call: Call, placed: Placed, started: BatchStarted, live: Iterable[Line]) -> Iterator[Fact]:
    """Yield what makes the log whole: legs that it has not, the words of those and of gaps, and where they are from."""
    job, own = started.job, _own_legs(call, placed, started)
    yield from (Fact(leg, f"batch/{job}/leg.started/{leg.leg}") for leg in own)
    end_ms = max([0, call.ended.duration_ms if call.ended else 0, *(said.end_ms for said in placed.said)])
    lacking = spans(call, [line.said for line in live], end_ms=end_ms)
    for span in (*lacking, *(Span(leg.leg, 0, end_ms) for leg in own)):
        mended = mend(span, placed.said, recording=started.recording, job=job)
        yield from (Fact(said, said.id) for said in mended.utterances)
        yield Fact(mended.repaired, f"batch/{job}/repaired/{span.leg}/{span.start_ms}")
    yield from (Fact(_end_of(leg), f"batch/{job}/leg.ended/{leg.leg}") for leg in own)


def _summary(before: Iterable[Entry], recorded: Recorded, job: str) -> Iterable[Fact]:
    """Yield the recording's summary, unless the call has one of what was heard live."""
    if recorded.summary and not any(isinstance(entry.body, Summary) for entry in before):
        yield Fact(Summary(text=recorded.summary, session=job), f"{job}/summary")


def _is_of_another(compared: Compared) -> bool:
    same = sum(each.words - each.substituted - each.missing for each in compared.differences)
    live = sum(each.words - each.missing + each.added for each in compared.differences)
    return live >= ENOUGH_WORDS and same < LEAST_SHARE * live
