"""What a team sets per phone number: what the caller's call does, whose voice is on which track, what Gladia is asked.

The document is JSON in one SSM parameter, so that a change needs no deployment:

    {"default": {"then": {"say": "This call is transcribed."}},
     "numbers": {"+12025550188": {"then": {"redirect": "https://app.example.test/voice"},
                                  "parties": {"outbound": "agent"}}}}
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from callscribe.decoding import NO_MESSAGE
from callscribe.errors import Refused

DEFAULT_PARTIES = {
    # Inbound is what Twilio receives on the leg; on an outbound call that is the person who was called.
    "inbound": {"inbound": "caller", "outbound": "callee"},
    "outbound-api": {"inbound": "callee", "outbound": "caller"},
    "outbound-dial": {"inbound": "callee", "outbound": "caller"},
}


class Then(Struct, frozen=True, forbid_unknown_fields=True):
    """What the call does once its media stream is started: exactly one of these."""

    redirect: str | None = None  # URL of the application that had the number before
    dial: str | None = None  # a phone number
    say: str | None = None  # text; the call ends after it

    def __post_init__(self) -> None:
        given = [value for value in (self.redirect, self.dial, self.say) if value is not None]
        if len(given) != 1:
            raise ValueError("`then` needs exactly one of redirect, dial and say")


CALL_ID = "{call_id}"


class SecondPass(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pass over a call's recording once the call is over."""

    when: Literal["needed", "always"] = "needed"  # needed: the live transcript lacks something
    # `ask`: Twilio is asked to record each call. `told`: whoever records it has Twilio tell us. Else the https address
    # where the file will be, with `{call_id}` in it.
    recording: str = "ask"

    def __post_init__(self) -> None:
        is_place = self.recording.startswith("https://") and CALL_ID in self.recording
        if self.recording not in ("ask", "told") and not is_place:
            raise ValueError("`recording` is ask, told, or an https address with {call_id} in it")

    def place(self, call_id: str) -> str | None:
        """Return the address of a call's recording; None if it is Twilio's."""
        if self.recording in ("ask", "told"):
            return None
        return self.recording.replace(CALL_ID, quote(call_id, safe=""))


class HookSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A hook that is asked while a call goes on, and what about; `callscribe.hooks` has where it is."""

    name: str
    on: Literal["utterance", "partial"] = "utterance"  # a partial: the newest of a party, once a second
    parties: tuple[str, ...] = ()  # whose words; everybody's if none is named


class CallSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a call is heard and what is done with its words, wherever it comes from."""

    parties: dict[Any, str] = field(default_factory=dict)  # by track; else by the call's direction
    # One session for the stream costs one slot of Gladia's plan and sums up both sides together; one per leg
    # detects each party's language by itself.
    session: Literal["per_stream", "per_leg"] = "per_stream"
    gladia: dict[str, Any] = field(default_factory=dict)  # over the bridge's own request to open a session
    second_pass: SecondPass | None = None  # else calls are not recorded, and what was missed live stays so
    hooks: tuple[HookSettings, ...] = ()

    def party(self, track: str, direction: str) -> str:
        """Return who speaks on `track` of a call of this direction; a track that is named by its party is that."""
        return self.parties.get(track) or DEFAULT_PARTIES.get(direction, DEFAULT_PARTIES["inbound"]).get(track, track)


class NumberSettings(CallSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one number of Twilio's."""

    then: Then
    tenant: str = "default"
    tracks: Literal["both_tracks", "inbound_track", "outbound_track"] = "both_tracks"
    parties: dict[Literal["inbound", "outbound"], str] = field(default_factory=dict)


class TrunkSettings(CallSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one trunk."""

    parties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.second_pass is not None and self.second_pass.recording in ("ask", "told"):
            raise ValueError("a trunk's `recording` is an https address with {call_id} in it: Twilio has none of it")


class SettingsDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All numbers' settings."""

    default: NumberSettings
    numbers: dict[str, NumberSettings] = field(default_factory=dict)

    def of(self, number: str) -> NumberSettings:
        """Return the settings of `number`, as Twilio writes it: `+12025550188`, `client:…`, `sip:…`."""
        return self.numbers.get(number, self.default)


_document = msgspec.json.Decoder(SettingsDocument)


def decode_settings(text: str | bytes) -> SettingsDocument:
    """Return the document in `text`. Raises Refused, naming the field, if it isn't one."""
    try:
        return _document.decode(text)
    except NO_MESSAGE as error:
        raise Refused(f"settings: {error}") from error


def decode_trunk_settings(text: str | bytes) -> TrunkSettings:
    """Return the settings in `text`. Raises Refused, naming the field, if they aren't any."""
    try:
        return msgspec.json.decode(text, type=TrunkSettings)
    except NO_MESSAGE as error:
        raise Refused(f"settings: {error}") from error


def number_settings_in_force(fields: dict[str, Any]) -> NumberSettings:
    """Return those of a call of Twilio's. Raises Refused if they aren't settings of a number."""
    try:
        return msgspec.convert(fields, NumberSettings)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise Refused(f"settings: {error}") from error


def settings_in_force(fields: dict[str, Any]) -> CallSettings:
    """Return the settings that a `call.started` entry carries. Raises Refused if they aren't settings."""
    is_trunks = isinstance(fields, dict) and "then" not in fields  # a log may hold anything
    try:
        return msgspec.convert(fields, TrunkSettings) if is_trunks else number_settings_in_force(fields)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise Refused(f"settings: {error}") from error
