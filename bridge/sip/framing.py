"""SIP messages out of the bytes of a connection: each as long as its Content-Length says. Source: RFC 3261, 18.3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from aiosipua.message import SipMessage, SipRequest, SipResponse

from callscribe.errors import MalformedMessage

# An INVITE with the metadata of a conference is some kilobytes.
MOST_BYTES = 64 * 1024
_END: Final = re.compile(rb"\r?\n\r?\n")  # some devices end lines with LF alone
_LENGTH: Final = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_IS_BLANK: Final = re.compile(rb"[\r\n]*")


class Framing:
    """The bytes of one connection, in, however they are cut; messages, out."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def receive(self, data: bytes) -> Iterator[SipRequest | SipResponse]:
        """Yield what has come whole.

        Blank lines between messages keep a connection alive and are nothing else (RFC 5626, 3.5.1). Raises
        MalformedMessage of kind `shape`, after which nothing on this connection can be told apart any more.
        """
        self._bytes += data
        while message := self._next():
            try:
                yield SipMessage.parse(message)
            except (ValueError, IndexError) as error:
                raise MalformedMessage("sip: not a message", kind="shape") from error

    def _next(self) -> bytes:
        blank = _IS_BLANK.match(self._bytes)
        del self._bytes[: blank.end() if blank else 0]
        end = _END.search(self._bytes)
        head = bytes(self._bytes[: end.end()] if end else self._bytes)
        if len(head) > MOST_BYTES:
            raise MalformedMessage(f"sip: headers of more than {MOST_BYTES} bytes", kind="shape")
        if end is None:
            return b""
        length = _LENGTH.search(head)
        if length is None:
            raise MalformedMessage("sip: a message without Content-Length", kind="shape")
        whole = len(head) + int(length[1])
        if whole > MOST_BYTES:
            raise MalformedMessage(f"sip: a message of more than {MOST_BYTES} bytes", kind="shape")
        if len(self._bytes) < whole:
            return b""
        message = bytes(self._bytes[:whole])
        del self._bytes[:whole]
        return message
