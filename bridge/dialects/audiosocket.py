"""Asterisk's AudioSocket: packets on TCP, of a kind, a length and so much payload.

    kind (1 byte)   length (2 bytes, big-endian)   payload
    0x01            16                             the UUID that the dialplan gave; comes first
    0x03            1                              a digit
    0x10 to 0x18    any                            linear samples, little-endian, at a rate for each kind
    0x00, 0xff      any                            the end, an error

Nothing says when audio was said. Source: docs.asterisk.org, "AudioSocket", and what Asterisk 22.10.1 was seen to send.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.dialects.dialect import CLOSED_IN_ORDER
from bridge.dialects.events import DialectEvent, Digit, Started, Stopped
from bridge.dialects.untimed import RATES_HZ, Question, Untimed
from callscribe.audio_format import AudioFormat
from callscribe.errors import MalformedMessage, Refused

_HEADER = 3
_HANG_UP, _UUID, _DIGIT, _ERROR = 0x00, 0x01, 0x03, 0xFF
_RATES_HZ: Final[Mapping[int, int]] = {
    0x10: 8000, 0x11: 12_000, 0x12: 16_000, 0x13: 24_000, 0x14: 32_000, 0x15: 44_100, 0x16: 48_000, 0x17: 96_000,
    0x18: 192_000,
}  # fmt: skip
# `c(ulaw)` sends mu-law under the kind of linear samples: 160 bytes each 20 ms, where 160 are 10 ms of linear ones.
_LIE_BYTES, _LIE_PACKETS, _LIE_BYTES_A_MS = 160, 25, 12


class AudioSocketDialect:
    """The bytes of one connection, in; events, out."""

    def __init__(self, question: Question) -> None:
        """`question` is what is known of the connection otherwise: there is no address that could ask."""
        self._question = question
        self._parties = question.parties[:1] or ("caller",)
        self._bytes = bytearray()
        self._name = ""
        self._form: AudioFormat | None = None
        self._audio: Untimed | None = None
        self._suspects = 0  # packets that may be mu-law; -1: they are none
        self._first_ms = 0.0
        self._is_over = False

    def receive(self, message: bytes, *, is_text: bool = False, now_ms: float) -> Iterator[DialectEvent]:  # noqa: ARG002
        """Yield what the bytes say that came at `now_ms`, however they are cut.

        Raises MalformedMessage of kind `order`, `shape`, `length` or `error`, after which all goes on, the packets
        behind it with the next bytes; Refused, with what to configure, for what can't be heard.
        """
        self._bytes += message
        while (packet := self._next()) is not None and not self._is_over:
            yield from self._packet(*packet, now_ms)

    def ended(self, code: int | None) -> Iterator[DialectEvent]:
        """Yield what was waited for, and that it is over: at a call's end Asterisk closes the connection (1000)."""
        if self._audio is not None and not self._is_over:
            self._is_over = True
            yield from self._audio.rest()
            yield Stopped("stop" if code in CLOSED_IN_ORDER else "the connection was lost")

    def _next(self) -> tuple[int, bytes] | None:
        if len(self._bytes) < _HEADER:
            return None
        end = _HEADER + int.from_bytes(self._bytes[1:_HEADER])
        if len(self._bytes) < end:
            return None
        kind, payload = self._bytes[0], bytes(self._bytes[_HEADER:end])
        del self._bytes[:end]
        return kind, payload

    def _packet(self, kind: int, payload: bytes, now_ms: float) -> Iterator[DialectEvent]:
        if kind == _UUID:
            self._called(payload)
        elif not self._name:
            raise MalformedMessage("audiosocket: no UUID came first", kind="order")
        elif kind in _RATES_HZ:
            yield from self._hear(_RATES_HZ[kind], payload, now_ms)
        elif kind == _DIGIT and len(payload) == 1 and payload.isascii():
            if self._audio is not None:
                yield Digit(self._parties[0], payload.decode())
        elif kind == _HANG_UP:
            yield from self.ended(CLOSED_IN_ORDER[0])
        elif kind == _ERROR:
            raise MalformedMessage("audiosocket: Asterisk tells an error", kind="error")
        else:
            raise MalformedMessage(f"audiosocket: a packet of kind {kind:#04x}", kind="shape")

    def _called(self, payload: bytes) -> None:
        if self._name:
            raise MalformedMessage("audiosocket: its UUID came again", kind="order")
        if len(payload) != len(uuid.NAMESPACE_DNS.bytes):
            raise MalformedMessage("audiosocket: a UUID is 16 bytes", kind="length")
        self._name = str(uuid.UUID(bytes=payload))

    def _hear(self, rate_hz: int, payload: bytes, now_ms: float) -> Iterator[DialectEvent]:
        if self._audio is None:
            yield self._begun(rate_hz, now_ms - len(payload) / (2 * rate_hz / 1000))
            self._first_ms = now_ms
        if self._form is None or self._audio is None or self._form.rate_hz != rate_hz:
            raise MalformedMessage("audiosocket: another rate than it began with", kind="shape")
        self._doubt(payload, now_ms)
        yield from self._audio.hear(payload, now_ms)

    def _begun(self, rate_hz: int, zero_ms: float) -> Started:
        if rate_hz not in RATES_HZ:
            raise Refused(f"audiosocket: {rate_hz} samples a second are not taken: dial with c(slin) or c(slin16)")
        self._form = AudioFormat("l16", rate_hz)
        self._audio = Untimed(self._parties, self._form, zero_ms=zero_ms)
        call_id = self._question.call or self._name
        return Started(self._name, call_id, "", self._parties, self._form, begins_now=True, is_lossless=True)

    def _doubt(self, payload: bytes, now_ms: float) -> None:
        """Raise Refused once it is certain that the samples are none."""
        if self._suspects < 0:
            return
        self._suspects = self._suspects + 1 if len(payload) == _LIE_BYTES else -1
        if self._suspects == _LIE_PACKETS:
            sent, took_ms = (_LIE_PACKETS - 1) * _LIE_BYTES, now_ms - self._first_ms
            self._suspects = -1
            if sent < _LIE_BYTES_A_MS * took_ms:
                raise Refused("audiosocket: mu-law comes as if it were linear: dial with c(slin)")
