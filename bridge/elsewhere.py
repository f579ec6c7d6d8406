"""The adapters of media streams whose audio does not come by the socket that was opened: by RTP, or another socket."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import aiohttp
from websockets.frames import CloseCode

from bridge.dialects.events import Offered
from bridge.origin import Origin
from bridge.relay import Relay
from bridge.rtp.ports import Ports
from bridge.rtp.receiver import Receiver
from bridge.rtp.stream import RtpStream

logger = logging.getLogger(__name__)

CLOSE_S = 5.0
MESSAGE_LIMIT_BYTES = 128 * 1024  # Asterisk's own is 65,535
DIALLING = aiohttp.ClientWSTimeout(ws_close=CLOSE_S)


async def listening(offered: Offered, relay: Relay, origin: Origin, *, ports: Ports, address: str) -> Receiver:
    """Return what hears `offered`, by RTP from where it says, or from `address`, which offered it.

    Raises Unavailable if there are too few ports.
    """
    lines = offered.offer.lines
    stream = RtpStream(lines, offered.started.tracks, zero_ms=1000 * time.monotonic())
    receiver = Receiver(stream, relay, origin, [address, *(line.address for line in lines)])
    await receiver.listen(lines, ports)
    return receiver


async def dialled(http: aiohttp.ClientSession, url: str, take: Callable[[str | bytes], None]) -> int | None:
    """Give `take` each message of the socket at `url`; return how it closed.

    One that can't be opened, or breaks off, has closed with 1013: it may be tried again.
    """
    try:
        async with http.ws_connect(
            url, protocols=("media",), compress=0, max_msg_size=MESSAGE_LIMIT_BYTES, timeout=DIALLING
        ) as far:
            async for each in far:
                if each.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    take(each.data)
            code: int | None = far.close_code
            return code
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        logger.warning("media stream can't be dialled", extra={"reason": type(error).__name__})
        return CloseCode.TRY_AGAIN_LATER
