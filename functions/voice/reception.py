"""What each webhook does to the log of its call, and what a new call is answered.

The phone call goes on whatever fails here: each thing that can't be had costs the least that hangs on it, and is told
as a loss. Only a call of which nobody can say what it should do gets an error, for then Twilio turns to the number's
fallback URL, which knows better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from botocore.exceptions import ClientError

from callscribe.entries import TWILIO, Body, CallEnded, CallFailed, CallStarted, Entry, LegStarted, timestamp
from callscribe.errors import Refused, Unavailable
from callscribe.log import Log
from callscribe.media_address import media_stream_url
from callscribe.settings import NumberSettings, number_settings_in_force
from callscribe.twilio_recordings import recording_ended, recording_token
from callscribe.twilio_rest import moment_of
from functions.found import DEFAULT, Found, find
from functions.kept import Missing
from functions.ports import Perform
from functions.secrets import signing_keys
from functions.voice.scrub import scrub
from functions.voice.twiml import Stream, answer
from functions.voice.webhook import CallForm, RecordingForm, StatusForm, StreamForm

OVER = {"completed", "busy", "failed", "no-answer", "canceled"}


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that this call goes without."""

    what: str  # settings, log, transcript
    why: str  # fit for a log


@dataclass(frozen=True, slots=True)
class Opened:
    """A new call's answer."""

    twiml: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes webhooks in, once they are known to be Twilio's."""

    calls_table: str
    public_url: str
    perform: Perform
    # Each returns a text and raises Unavailable or Refused.
    settings: Callable[[], str]
    media_url: Callable[[], str]
    signing_secret: Callable[[], str]

    def open(self, form: CallForm, metadata: dict[str, str], *, now: datetime) -> Opened:
        """Open the call's log and return what the call does.

        A repeated request finds the log open and is answered by the settings in force, with a ticket of its own: to
        give out the first one again it would have to be kept somewhere.

        Raises Refused or Unavailable if what the call does isn't known.
        """
        found = self._find(form)
        losses = [Loss("settings", found.fault)] if found.fault else []
        settings, tenant = found.settings, found.settings.tenant
        log = Log(self.calls_table, form.call_id)
        try:
            first = self._first(log, form, metadata, found, now)
            settings, tenant = _in_force(first, otherwise=settings), first.tenant
        except (Unavailable, ClientError) as error:
            # The bridge writes what it hears to the same log when it can, so the stream is started all the same.
            losses.append(Loss("log", _code(error)))
        stream = None
        if found.transcribed:
            try:
                stream = self._stream(form.call_id, settings.tracks, tenant, now)
            except (Refused, Unavailable) as error:
                losses.append(Loss("transcript", str(error)))
                self._tell(log, "the media stream could not be set up", tenant, losses, now)
        else:
            losses.append(Loss("transcript", "settings"))
            self._tell(log, f"the number's {found.fault}", tenant, losses, now)
        return Opened(answer(settings.then, stream), tuple(losses))

    def pass_on(self, form: CallForm) -> str:
        """Return what a call does that nobody can vouch for: no stream, no log, only what the settings say.

        Raises Refused or Unavailable if that isn't known.
        """
        return answer(self._find(form).settings.then, None)

    def close(self, form: StatusForm, metadata: dict[str, str], *, now: datetime) -> bool:
        """Write that the call is over, once; return whether the status says so.

        A call that was never answered asked for no TwiML, so its log may have to be opened here. Raises Unavailable,
        and Refused if settings are needed and wrong.
        """
        if form.status not in OVER:
            return False
        log = Log(self.calls_table, form.call_id)
        first = self.perform(log.read(limit=1))
        tenant = first[0].tenant if first else self._first(log, form, metadata, self._find(form), now).tenant
        duration_ms = 1000 * int(form.duration_s) if _is_number(form.duration_s) else 0
        self._append(log, CallEnded(reason=form.status, duration_ms=duration_ms), tenant, "call.ended", now)
        return True

    def fail(self, form: StreamForm, *, now: datetime) -> bool:
        """Write that Twilio lost the media stream, once; return whether there is a log to write it to.

        A stream that a bridge has heard is left to the bridges: the call may go on in another one. Raises Unavailable.
        """
        log = Log(self.calls_table, form.call_id)
        entries = self.perform(log.read())
        if entries and not any(isinstance(entry.body, LegStarted) for entry in entries):
            failed = CallFailed(
                reason=f"Twilio: {scrub(form.error) or 'the media stream failed'}",
                kept="the phone call, and what was heard until then",
            )
            self._append(log, failed, entries[0].tenant, f"stream-error/{form.media_stream}/{form.at}", now)
        return bool(entries)

    def recorded(self, form: RecordingForm, *, now: datetime) -> bool:
        """Write what became of a recording, once; return whether that is known, and there is a log for it.

        Raises Unavailable.
        """
        ended = recording_ended(form.recording, form.status, form.channels, form.duration_s, moment_of(form.started_at))
        log = Log(self.calls_table, form.call_id)
        first = self.perform(log.read(limit=1))
        if ended is None or not first:
            return False
        self._append(log, ended, first[0].tenant, recording_token(ended), now)
        return True

    def _find(self, form: CallForm) -> Found:
        try:
            text = self.settings()
        except Missing:
            return Found(DEFAULT)
        return find(text, form.own_number)

    def _first(self, log: Log, form: CallForm, metadata: dict[str, str], found: Found, now: datetime) -> Entry:
        started = CallStarted(
            provider=TWILIO,
            direction=form.direction,
            account=form.account,
            from_number=form.from_number,
            to_number=form.to_number,
            metadata=metadata,
            settings=msgspec.to_builtins(found.settings),
        )
        # The bridge, should it hear the call before this is written, opens the log under the same token.
        return self.perform(log.open(started, at=timestamp(now), tenant=found.settings.tenant, token=form.call_id))

    def _stream(self, call_id: str, tracks: str, tenant: str, now: datetime) -> Stream:
        key = signing_keys(self.signing_secret())[0]
        return Stream(
            url=media_stream_url(self.media_url(), tenant=tenant, call_id=call_id, key=key, now_s=now.timestamp()),
            track=tracks,
            status_callback=f"{self.public_url}/twilio/stream",
        )

    def _append(self, log: Log, body: Body, tenant: str, token: str, now: datetime) -> None:
        # From 0, so that the fact is found wherever in the log an earlier request has put it.
        self.perform(log.append(body, at=timestamp(now), tenant=tenant, token=token, tail=0))

    def _tell(self, log: Log, reason: str, tenant: str, losses: list[Loss], now: datetime) -> None:
        if any(loss.what == "log" for loss in losses):
            return
        failed = CallFailed(reason=reason, kept="the phone call")
        try:
            self._append(log, failed, tenant, "call.failed/opening", now)
        except (Unavailable, ClientError) as error:
            losses.append(Loss("log", _code(error)))


def _in_force(first: Entry, *, otherwise: NumberSettings) -> NumberSettings:
    """Return the settings with which the log was opened."""
    if not isinstance(first.body, CallStarted):
        return otherwise
    try:
        return number_settings_in_force(first.body.settings)
    except Refused:
        return otherwise


def _code(error: Unavailable | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else str(error)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
