"""The path changes no word: what is heard through it is what the recogniser hears in the same files alone."""

from __future__ import annotations

from callscribe.call import fold
from callscribe.transcript import transcript
from local.audio import recorded_call, recorded_calls
from local.gladia.whisper.model import WhisperModel
from local.gladia.whisper.transcribe import transcribe
from local.placing import recorded_tracks
from local.words import word_errors

# What the bridge asks of Gladia.
ENDPOINTING_S = 0.3
MAXIMUM_S = 15.0


# The recogniser knows English, and of what is said in other languages makes what it likes, however it is led there.
ENGLISH = {"voicemail", "queue", "numbers", "talkover"}


async def test_over_the_recorded_calls_the_word_error_rate_is_that_of_the_recogniser_alone(hearing):
    through, alone, expected = 0, 0, 0
    model = WhisperModel()
    for name in sorted(ENGLISH & set(recorded_calls())):
        # One after another: the recogniser needs a core, and one that comes minutes late is not Gladia.
        call = await hearing.place(recorded_tracks(name), pace=4)
        assert all(leg.complete for leg in fold(call.entries).legs)
        lines = transcript(call.entries)
        for track in (recorded_call(name).caller, recorded_call(name).agent):
            text = " ".join(utterance.text for utterance in track.utterances)
            found = transcribe(track.audio, endpointing_s=ENDPOINTING_S, maximum_s=MAXIMUM_S, model=model)
            through += word_errors(text, " ".join(line.said.text for line in lines if line.party == track.party)).wrong
            errors = word_errors(text, " ".join(utterance.text for utterance in found))
            alone += errors.wrong
            expected += errors.expected

    assert expected > 300
    assert abs(through - alone) / expected <= 0.02
