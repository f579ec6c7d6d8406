"""What a log lacks of what Gladia heard, after a session whose end nobody saw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callscribe.entries import Utterance, Word
from callscribe.gladia_transcript import Speech, Transcript
from callscribe.spoken import Spoken
from callscribe.stored_result import Stored, is_made


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session's words stand in a call: who speaks on which channel, and where its audio begins."""

    session_id: str
    legs: tuple[str, ...]  # by channel
    begin_ms: int  # on the call's clock

    def utterance(self, transcript: Transcript) -> Utterance | None:
        """Return the entry that `transcript` becomes, None if no leg is on its channel.

        Its id is the token to append it under.
        """
        speech = transcript.utterance
        if not 0 <= speech.channel < len(self.legs):
            return None
        return Utterance(
            leg=self.legs[speech.channel],
            id=self.id_of(transcript.id),
            text=speech.text.strip(),
            start_ms=self.ms(speech.start),
            end_ms=self.ms(speech.end),
            language=speech.language,
            confidence=speech.confidence,
            words=tuple(
                Word(word.word, self.ms(word.start), self.ms(word.end), word.confidence) for word in speech.words
            ),
        )

    def id_of(self, transcript_id: str) -> str:
        """Return the id of the utterance that a transcript becomes."""
        return f"{self.session_id}/{transcript_id}"

    def transcript(self, utterance: Utterance) -> Transcript | None:
        """Return what `utterance` was made of, but for its words; None if it is another session's."""
        if not utterance.id.startswith(f"{self.session_id}/") or utterance.leg not in self.legs:
            return None
        speech = Speech(
            text=utterance.text,
            start=(utterance.start_ms - self.begin_ms) / 1000,
            end=(utterance.end_ms - self.begin_ms) / 1000,
            confidence=utterance.confidence,
            channel=self.legs.index(utterance.leg),
            language=utterance.language,
            words=(),
        )
        return Transcript(utterance.id.removeprefix(f"{self.session_id}/"), is_final=True, utterance=speech)

    def ms(self, seconds: float) -> int:
        """Return when on the call's clock that is in the session's audio."""
        return self.begin_ms + round(seconds * 1000)


def missing(known: Iterable[Utterance], stored: Stored, place: Place) -> list[Utterance]:
    """Return the entries that a log with `known` lacks of the session at `place`, in the order of speech.

    Where Gladia's own ids are known on both sides, they decide. Where one side's was made, the same channel and at
    least half of the shorter one's time in common are the same words (`callscribe.spoken`). What `known` has of
    other sessions doesn't matter.
    """
    ids: set[str] = set()
    spoken, spoken_under_made_ids = Spoken(), Spoken()
    for transcript in map(place.transcript, known):
        if transcript is not None:
            ids.add(transcript.id)
            spoken.add(transcript.utterance)
            if is_made(transcript.id):
                spoken_under_made_ids.add(transcript.utterance)
    lacking: list[Utterance] = []
    for transcript in stored.transcripts:
        others = spoken if is_made(transcript.id) else spoken_under_made_ids
        if transcript.id not in ids and transcript.utterance not in others:
            utterance = place.utterance(transcript)
            if utterance is not None:
                lacking.append(utterance)
    return lacking
