"""Audio that a drop may yet discard: kept from the session until its acknowledgement goes out."""

from collections import deque
from dataclasses import dataclass

from local.gladia.effects import Effect, Send
from local.gladia.session import Session


@dataclass(frozen=True, slots=True)
class _Message:
    content: bytes | str
    audio_bytes: int
    is_acknowledged: bool
    is_refused: bool


class Withheld:
    """The messages that `session` has yet to receive, in their order."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._messages: deque[_Message] = deque()
        self.audio_bytes = 0

    def put(self, content: bytes | str, audio_bytes: int, *, is_acknowledged: bool, is_refused: bool = False) -> None:
        """Keep a message; one that is not to be acknowledged is taken with the next one that is.

        One that is to be refused is so in its turn: answers keep the order of what they answer.
        """
        self._messages.append(_Message(content, audio_bytes, is_acknowledged, is_refused))
        self.audio_bytes += 0 if is_refused else audio_bytes

    def take(self, *, now: float) -> list[Effect]:
        """Let the session receive the oldest message that is to be answered, and all before it."""
        effects: list[Effect] = []
        while self._messages:
            message = self._messages.popleft()
            if message.is_refused:
                return [*effects, *self._session.turn_away(message.audio_bytes, now=now)]
            self.audio_bytes -= message.audio_bytes
            received = self._session.receive(message.content, now=now)
            if message.is_acknowledged:
                return [*effects, *received]
            effects += [each for each in received if not (isinstance(each, Send) and each.kind == "audio_chunk")]
        return effects

    def take_all(self, *, now: float) -> list[Effect]:
        """Let the session receive all of it."""
        effects: list[Effect] = []
        while self._messages:
            effects += self.take(now=now)
        return effects

    def discard(self) -> None:
        """Count all of it as never received."""
        self._messages.clear()
        self.audio_bytes = 0
