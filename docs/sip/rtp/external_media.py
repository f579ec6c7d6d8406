"""Have Asterisk send one party's audio by RTP, through ARI's externalMedia, for as long as this runs.

Packages: websockets. `ask` is your ARI client: it posts to a path with a query, and returns what is answered.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import connect

OFFER = """v=0
o=- 1 1 IN IP4 {asterisk}
s=-
c=IN IP4 {asterisk}
t=0 0
m=audio 9 RTP/AVP 0
a=sendonly
"""


async def listen(
    media_url: str,
    trunk: str,
    secret: str,
    *,
    call: str,
    party: str,
    asterisk: str,
    ask: Callable[[str, dict[str, str]], Awaitable[Any]],
) -> Any:
    """Have the audio of a new channel of `asterisk`, an address, heard as `party` of `call`; return that channel.

    Put it into a bridge with a snoop of the party, or with both parties for a mix. It ends with this.
    """
    address = f"{media_url}/rtp/{trunk}?{urlencode({'call': call, 'party': party})}"
    async with connect(address, additional_headers={"Authorization": f"Bearer {secret}"}) as socket:
        await socket.send(OFFER.format(asterisk=asterisk))
        answer = str(await socket.recv())
        (host,) = re.findall(r"^c=IN IP[46] (\S+)", answer, re.MULTILINE)
        (port,) = re.findall(r"^m=audio (\d+)", answer, re.MULTILINE)
        to = {"app": "callscribe", "external_host": f"{host}:{port}", "format": "ulaw", "direction": "both"}
        channel = await ask("channels/externalMedia", to)
        await socket.wait_closed()
        return channel
