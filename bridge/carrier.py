"""The adapter to the carrier's REST API: another media stream for a call, and how the call stands."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

from bridge.exchange import perform
from callscribe.twilio_rest import CallOver, CallState, StreamStarted, StreamStopped, Track, TwilioRest


class Carrier:
    """Twilio, for calls of any account that `auth_token` is good for.

    Every method raises Unavailable for what may pass (also where there is no REST API: an empty `url`), Refused for
    what won't, and MalformedMessage for an answer that makes no sense. None tries again by itself.
    """

    def __init__(self, http: aiohttp.ClientSession, *, url: str, auth_token: Callable[[], str]) -> None:
        """`auth_token` returns the one in force, which may be replaced while calls are on."""
        self._http = http
        self._url = url.rstrip("/")
        self._auth_token = auth_token

    @property
    def _rest(self) -> TwilioRest:
        return TwilioRest(self._url, self._auth_token())

    async def start_stream(
        self,
        account: str,
        call_id: str,
        *,
        url: str,
        track: Track = "both_tracks",
        name: str | None = None,
        status_callback: str | None = None,
    ) -> StreamStarted | CallOver:
        """Attach a media stream to `url` (wss) to the call; see TwilioRest.start_stream.

        After a lost answer the stream may have been started: a call may carry two of them, so asking again is a
        matter for whoever can tell one from the other when they come.
        """
        ask = self._rest.start_stream(
            account, call_id, url=url, track=track, name=name, status_callback=status_callback
        )
        return await perform(self._http, ask)

    async def stop_stream(self, account: str, call_id: str, stream: str) -> StreamStopped:
        """Stop the media stream of that name or sid; nothing happens if it is over."""
        return await perform(self._http, self._rest.stop_stream(account, call_id, stream))

    async def fetch_call(self, account: str, call_id: str) -> CallState | CallOver:
        """Return how the call stands."""
        return await perform(self._http, self._rest.fetch_call(account, call_id))
