"""What every dialect is to the socket that its messages come on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, runtime_checkable

from bridge.dialects.events import Audio, DialectEvent

CLOSED_IN_ORDER: Final = (1000, 1001, 1005)  # with one of these codes; 1005: with none


class Dialect(Protocol):
    """The messages of one socket, in; events, out."""

    def receive(self, message: bytes, *, is_text: bool, now_ms: float) -> Iterable[DialectEvent]:
        """Return what a message says that came at `now_ms`, on any steady clock; nothing for one that changes nothing.

        Raises MalformedMessage, after which all goes on; Refused if there can be no transcript of what is sent.
        """

    def ended(self, code: int | None) -> Iterable[DialectEvent]:
        """Return what is still owed, and that it is over: the socket was closed with `code`, or is gone."""


@runtime_checkable
class InRuns(Protocol):
    """A dialect whose messages are nearly all audio, which it takes by the read."""

    def receive_audio(self, messages: list[bytes], begin: int) -> tuple[list[Audio], int]:
        """Return the audio of `messages` from that at `begin` on, as far as they are nothing else, and how far that is.

        The next one, if there is one, is for `receive`: it is something else, or makes no sense. Packets that follow
        one another on a track come as one piece; pieces in the order in which they begin in `messages`.
        """
