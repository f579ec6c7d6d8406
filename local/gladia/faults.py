"""What can go wrong on demand: a word for each fault, as values that JSON can write.

An opening is a `POST /v2/live`, a handshake what makes it a socket. A fault of an open socket strikes once, at a moment
that is counted since the session began, over all of its sockets:

- `connect`: a socket opens, the `count`-th or a later one;
- `audio`: a message would bring the audio received to `count` bytes or beyond;
- `messages`: the client sends its `count`-th message, or a later one;
- `stop`: the client sends `stop_recording`;
- `stopped`: `stop_recording` has been taken and acknowledged; the end is still to come.

Faults of one session strike in the order in which they are listed; after one that ends the socket, those that are due
as well wait for the next socket.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Moment = Literal["connect", "audio", "messages", "stop", "stopped"]
Natural = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
CloseCode = Annotated[int, Meta(ge=1000, le=4999)]


class _Attempt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """Strikes the attempts from number `first` on, `times` of them; None for all."""

    first: Positive = 1
    times: Positive | None = 1

    def strikes(self, attempt: int) -> bool:
        """Return whether it strikes attempt number `attempt`, from 1."""
        return attempt >= self.first and (self.times is None or attempt < self.first + self.times)


class OpeningRefused(_Attempt, frozen=True, kw_only=True, tag="opening_refused"):
    """The POST is answered with an error; `retry_after_s` goes into a header of that name, which Gladia may lack."""

    status: Literal[400, 401, 402, 403, 422, 429, 500, 502, 503, 504]
    retry_after_s: Natural | None = None


class OpeningHangs(_Attempt, frozen=True, kw_only=True, tag="opening_hangs"):
    """The POST is never answered."""


class OpeningSlow(_Attempt, frozen=True, kw_only=True, tag="opening_slow"):
    """The POST is answered late."""

    delay_s: Seconds


class HandshakeRefused(_Attempt, frozen=True, kw_only=True, tag="handshake_refused"):
    """The handshake is answered with an error."""

    status: Literal[401, 403, 404, 429, 500, 503]


class HandshakeHangs(_Attempt, frozen=True, kw_only=True, tag="handshake_hangs"):
    """The handshake is never answered."""


class _OnSocket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """Strikes at `at`, the moment, counted by `count`."""

    at: Moment
    count: Natural = 0


class _EndOfSocket(_OnSocket, frozen=True, kw_only=True):
    """Ends the socket.

    `taken`: the message that brought it on counts as received, though nobody says so. `discards`: all audio that is not
    acknowledged by then counts as never received; without it, what was received stays so.
    """

    taken: bool = False
    discards: bool = False


class Dropped(_EndOfSocket, frozen=True, kw_only=True, tag="dropped"):
    """The connection is gone without a close frame: 1006 to the client."""


class Closed(_EndOfSocket, frozen=True, kw_only=True, tag="closed"):
    """The server closes with `code`; 1009 counts as one of those that bar a session.

    The session goes on, unless it `ends` with this: then what it still owes is said to nobody, and is in its result.
    """

    code: CloseCode
    reason: str = ""
    ends: bool = False


class HalfOpen(_EndOfSocket, frozen=True, kw_only=True, tag="half_open"):
    """The server neither reads nor writes any more, and keeps the connection until another socket takes over.

    What it would have said meanwhile is lost, or waits for that socket.
    """

    meanwhile: Literal["lost", "waits"] = "lost"


class AcknowledgementsSlow(_OnSocket, frozen=True, kw_only=True, tag="acknowledgements_slow"):
    """From then on acknowledgements come late, in their order; a socket that ends gets them before."""

    delay_s: Seconds


class AcknowledgementsMissing(_OnSocket, frozen=True, kw_only=True, tag="acknowledgements_missing"):
    """So many messages of audio are taken without a word, empty ones not among them; None for all from then on."""

    messages: Positive | None = 1


class AcknowledgementsNegative(_OnSocket, frozen=True, kw_only=True, tag="acknowledgements_negative"):
    """So many messages of audio are left untaken, and it is said; empty ones are not. None for all from then on."""

    messages: Positive | None = 1


class AcknowledgementsInclusive(_OnSocket, frozen=True, kw_only=True, tag="acknowledgements_inclusive"):
    """From then on the second position is that of the last byte, not the one after it."""


class FinalsRepeated(_OnSocket, frozen=True, kw_only=True, tag="finals_repeated"):
    """The last finals said so far are said again, `finals` of them; at `connect` 2 this is a server that resumes."""

    at: Moment = "connect"
    count: Natural = 2
    finals: Positive = 1


class MessageHuge(_OnSocket, frozen=True, kw_only=True, tag="message_huge"):
    """A message that is well-formed and larger than `size_bytes`; some clients take no more than 1 MiB."""

    size_bytes: Natural = 1 << 20


class MessageMalformed(_OnSocket, frozen=True, kw_only=True, tag="message_malformed"):
    """A message that is no JSON, has not the shape of its type, or is of a type that nobody defined."""

    how: Literal["not_json", "wrong_shape", "unknown_type"] = "not_json"


class EndLate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="end_late"):
    """The end comes late, or never if `delay_s` is None.

    `what` is late: the `results`, which is all that is still owed after the last audio, while the session goes on and
    can be resumed; or the `close` alone, after everything has been said.
    """

    delay_s: Seconds | None
    what: Literal["results", "close"] = "results"


class AddOnFailed(_Attempt, frozen=True, kw_only=True, tag="add_on_failed"):
    """An add-on's result is an error: that of its `first` final and the next, or the summary, which is the only one."""

    add_on: Literal["named_entity_recognition", "sentiment_analysis", "summarization"]


OpeningFault = OpeningRefused | OpeningHangs | OpeningSlow
HandshakeFault = HandshakeRefused | HandshakeHangs
EndOfSocket = Dropped | Closed | HalfOpen
AcknowledgementFault = (
    AcknowledgementsSlow | AcknowledgementsMissing | AcknowledgementsNegative | AcknowledgementsInclusive
)
OddMessage = FinalsRepeated | MessageHuge | MessageMalformed
SocketFault = EndOfSocket | AcknowledgementFault | OddMessage
Fault = OpeningFault | HandshakeFault | SocketFault | EndLate | AddOnFailed


def kind(fault: Fault) -> str:
    """Return the fault's word, as JSON writes it."""
    return str(fault.__struct_config__.tag)
