"""Follow calls from Python: the package's extra `client`.

    async with Callscribe("https://….execute-api.….amazonaws.com", key="cs_…") as callscribe:
        async for seen in callscribe.follow("CA…"):
            if isinstance(seen, Entry) and isinstance(seen.body, Utterance):
                print(seen.body.text)

Entries come in order, none missing and none twice, whatever becomes of the connection; partials in between.
"""

from callscribe.client.callscribe import Callscribe
from callscribe.client.errors import CannotFollow, RequestFailed
from callscribe.client.link import CallTold, Refusal, Watching

__all__ = ["CallTold", "Callscribe", "CannotFollow", "Refusal", "RequestFailed", "Watching"]
