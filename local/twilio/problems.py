"""Twilio's numbered errors and warnings, as its debugger shows them.

Source: https://www.twilio.com/docs/api/errors, one page a number.
"""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """The numbers that a simulated call can meet."""

    HTTP_RETRIEVAL_FAILURE = 11200
    HTTP_CONNECTION_FAILURE = 11205
    DOCUMENT_PARSE_FAILURE = 12100
    ROOT_IS_NOT_RESPONSE = 12102
    SCHEMA_VALIDATION = 12200
    INVALID_CONTENT_TYPE = 12300
    STREAM_CONNECTION_TIMEOUT = 31901
    STREAM_CONNECTION_REFUSED = 31902
    STREAM_BROKEN_PIPE = 31903
    STREAM_TLS = 31910
    STREAM_HANDSHAKE = 31920
    STREAM_CLOSED = 31921
    STREAM_SCHEME = 31922
    STREAM_URL = 31923
    STREAM_PROTOCOL = 31924
    STREAM_BUFFER_OVERFLOW = 31930
    STREAM_TRACK = 31941
    STREAM_BINARY_MESSAGE = 31950


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that Twilio would put into its debugger."""

    code: Code | None  # None where Twilio has a rule and its number isn't known
    text: str  # one sentence for people; holds no secret and no path of a media stream

    def __str__(self) -> str:
        return self.text if self.code is None else f"{self.code.value}: {self.text}"
