"""What has to be known of a lane so that another task can go on with it: its Gladia session, and how far that is."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from callscribe.entries import TWILIO
from callscribe.errors import MalformedMessage
from callscribe.log import partition
from callscribe.requests import Item
from callscribe.table import key, number

# What is asked for, or changed, without reading all the rest stands in attributes of its own.
_TEXTS = ("owner", "tenant", "account", "media_stream")
_OF_KEY = ("call_id", "lane")
_LANE = "LANE#"


class LegRecord(Struct, frozen=True, kw_only=True):
    """One leg of a lane, and its bytes so far: heard of the carrier, filled with silence, dropped as too late."""

    name: str
    party: str
    track: str  # inbound, outbound
    channel: int
    heard: int
    filled: int
    dropped: int


class LaneRecord(Struct, frozen=True, kw_only=True):
    """One lane of a call: the tracks that share a Gladia session, at a moment.

    A field that is added gets a default, as tasks of two versions read each other's records during a deployment.
    """

    call_id: str
    tenant: str
    lane: str  # its tracks, joined by "+": "inbound+outbound"
    owner: str  # the id of the task that hears it
    media_stream: str
    account: str  # the carrier's; whoever asks it for another media stream has to name it
    legs: tuple[LegRecord, ...]
    session_id: str
    url: str  # of the session's socket: a secret, since whoever has it is let in
    begin: int  # the byte of the lane, all channels together, at which the session began
    acknowledged: int  # the byte of the session before which Gladia has all
    sent: int  # the byte of the session before which all was sent
    position_ms: int  # how much of the lane has been heard
    at_ms: int  # when that was so, POSIX
    offset_ms: int  # the lane's place on the call's clock
    sessions: int
    reconnects: int
    encoding: str  # mulaw
    rate_hz: int
    provider: str = TWILIO  # only it can be asked for another media stream
    lost: int = 0  # bytes of the lane, before `begin` or after it, that no session could be given in time
    released: bool = False  # the owner has let go, and what Gladia hasn't acknowledged lies beside this

    def __repr__(self) -> str:
        """Return a text without the URL."""
        return f"LaneRecord({self.call_id} {self.lane} of {self.owner}, released={self.released})"


def lane_key(call_id: str, lane: str) -> Item:
    """Return the key of a lane's record."""
    return key(partition(call_id), f"{_LANE}{lane}")


def lane_attributes(record: LaneRecord) -> Item:
    """Return the attributes of `record` beside its key; `released` is left to who changes it."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    texts = {name: {"S": fields.pop(name)} for name in _TEXTS}
    at_ms = number(fields.pop("at_ms"))
    for name in (*_OF_KEY, "released"):
        del fields[name]
    return {**texts, "at_ms": at_ms, "body": {"S": msgspec.json.encode(fields).decode()}}


def lane_record(item: Item) -> LaneRecord:
    """Return the record in `item`. Raises MalformedMessage if it lacks an attribute or its body has another shape."""
    try:
        fields = msgspec.json.decode(item["body"]["S"], type=dict[str, Any])
        fields |= {name: item[name]["S"] for name in _TEXTS}
        fields["call_id"] = item["pk"]["S"].removeprefix(partition(""))
        fields["lane"] = item["sk"]["S"].removeprefix(_LANE)
        fields["at_ms"] = int(item["at_ms"]["N"])
        fields["released"] = "released" in item
        return msgspec.convert(fields, LaneRecord)
    except (KeyError, ValueError, msgspec.ValidationError) as error:
        raise MalformedMessage(f"session: {type(error).__name__}", kind="session") from error
