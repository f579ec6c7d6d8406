"""What `websockets`' Sans-I/O core has to say, onto the wire: alike for sockets that come in and that go out."""

from __future__ import annotations

import asyncio

from websockets.protocol import Protocol


def flush(protocol: Protocol, transport: asyncio.Transport, *, close_s: float) -> None:
    """Write what `protocol` has to send; a peer that is to close gets `close_s` for it."""
    for data in protocol.data_to_send():
        if data:
            transport.write(data)
        else:
            transport.write_eof() if transport.can_write_eof() else transport.close()
    if protocol.close_expected():
        # The peer has its chance to close first, as RFC 6455 asks; not for ever.
        asyncio.get_running_loop().call_later(close_s, transport.abort)
