"""RTP without SIP: an offer on the media socket says what will be sent by RTP, and is answered with where to.

For whoever has RTP sent on demand: Asterisk's externalMedia, rtpengine's `subscribe`. The offer is a session
description in a text; the media stream lasts as long as the socket.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.events import DialectEvent, Offered, Started, Stopped
from bridge.dialects.untimed import Question
from bridge.rtp.offer import read_offer
from bridge.rtp.parties import names_of
from callscribe.errors import MalformedMessage, Refused


class RtpDialect:
    """The messages of one socket, in; the offer, out. Its audio comes otherwise."""

    def __init__(self, question: Question, *, media_stream: str) -> None:
        """`question` is the address's: the call, which has to be named, and who speaks, in the order of the lines."""
        self._question = question
        self._media_stream = media_stream
        self._has_begun = self._is_over = False

    def receive(self, message: bytes, *, is_text: bool, now_ms: float = 0.0) -> Iterator[DialectEvent]:  # noqa: ARG002
        """Yield what a message offers.

        Raises MalformedMessage of kind `shape` or `order`; Refused for what can't be heard.
        """
        if not is_text:
            raise MalformedMessage("rtp: an offer is a text, and audio comes by RTP", kind="shape")
        if self._has_begun:
            raise MalformedMessage("rtp: an offer came before", kind="order")
        if not self._question.call:
            raise Refused("rtp: the address has to name the call: call=")
        try:
            offer = read_offer(message.decode())
        except UnicodeDecodeError as error:
            raise MalformedMessage("rtp: an offer that is no text", kind="shape") from error
        parties = self._question.parties or tuple(names_of(offer.lines).values())
        if len(parties) != len(offer.lines):
            raise Refused(f"rtp: {len(offer.lines)} lines are offered, and party= names {len(parties)}")
        self._has_begun = True
        started = Started(
            self._media_stream,
            self._question.call,
            "",
            parties,
            offer.lines[0].form,
            begins_now=True,
            loses_packets=True,
        )
        yield Offered(offer, started)

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield that the socket is over: nothing else says so."""
        if self._has_begun and not self._is_over:
            self._is_over = True
            yield Stopped("stop" if code in CLOSED_IN_ORDER else f"the media socket ended with {code or 'nothing'}")
