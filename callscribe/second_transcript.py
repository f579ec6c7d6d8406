"""The transcript of a recording, kept beside the live one: a JSON document a call.

batch/day=2026-11-26/tenant=acme/CA….json
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from callscribe.decoding import NOT_DECODABLE
from callscribe.difference import Change
from callscribe.entries import Utterance
from callscribe.errors import MalformedMessage
from callscribe.second_pass import Difference

VERSION = 1


class RecordedLine(Struct, frozen=True, kw_only=True):
    """What a party said, on the call's clock."""

    party: str
    utterance: Utterance


class SecondTranscript(Struct, frozen=True, kw_only=True):
    """What Gladia made of the recording, and where the live words differ from it."""

    call_id: str
    job: str
    recording: str
    offset_ms: int  # of the recording's begin on the call's clock
    lines: tuple[RecordedLine, ...]
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    version: int = VERSION


def encode(document: SecondTranscript) -> bytes:
    """Return the file with `document`: the same bytes for the same one."""
    return msgspec.json.encode(document)


_decoder = msgspec.json.Decoder(SecondTranscript)


def decode(file: bytes) -> SecondTranscript:
    """Return the document in `file`. Raises MalformedMessage if there is none."""
    try:
        return _decoder.decode(file)
    except NOT_DECODABLE as error:
        raise MalformedMessage(f"second transcript: {error}", kind="archive") from error
