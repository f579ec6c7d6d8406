"""The settings that one number's call gets from a document in which anything may be wrong.

The phone call depends on the document, so a mistake in it costs as little as possible: one number's only that number,
and that number its transcript before what its calls do.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from callscribe.decoding import NOT_DECODABLE
from callscribe.errors import Refused
from callscribe.settings import NumberSettings, Then, decode_settings

# For a deployment without settings; tells those on the line what happens to their words.
DEFAULT = NumberSettings(then=Then(say="This call is transcribed."))


@dataclass(frozen=True, slots=True)
class Found:
    """What a call does, and whether it may be transcribed."""

    settings: NumberSettings
    transcribed: bool = True  # not if this number's settings can't be trusted, as with a misspelt one
    fault: str | None = None  # what is wrong with the document, for its authors


class _Document(Struct, frozen=True):
    default: Raw | UnsetType = UNSET
    numbers: dict[str, Raw] = {}


class _Least(Struct, frozen=True):
    then: Then
    tenant: str = "default"


def find(text: str, number: str) -> Found:
    """Return what the document in `text` says for a call through `number`.

    Raises Refused if it doesn't even tell what the call does.
    """
    if text.strip() in {"", "{}"}:
        return Found(DEFAULT)
    try:
        return Found(decode_settings(text).of(number))
    except Refused as error:
        return _salvage(text, number, error)


def _salvage(text: str, number: str, fault: Refused) -> Found:
    try:
        document = msgspec.json.decode(text, type=_Document)
        own = document.numbers.get(number, document.default)
        if own is UNSET:
            raise fault
        try:
            return Found(msgspec.json.decode(own, type=NumberSettings), fault=str(fault))
        except NOT_DECODABLE:
            least = msgspec.json.decode(own, type=_Least)
    except NOT_DECODABLE as error:
        raise fault from error
    return Found(NumberSettings(then=least.then, tenant=least.tenant), transcribed=False, fault=str(fault))
