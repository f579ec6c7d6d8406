"""What is looked for in the archive, as people write it.

    lost "new card" -refund party:caller number:+12025550123 entity:NAME_GIVEN=maya sentiment:negative
    from:2026-11-01 to:2026-11-26 longer:5m shorter:1h lang:en

A call is found if each word and phrase was said in it, by a party and in a language and mood that are asked for, and
none that has a minus before it. Spelling is that of `callscribe.searchable`: without case, accents and punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from callscribe.searchable import searchable

# Without `from:`, so many days; the archive is read by the day, and each costs.
DAYS: Final = 30
MOST_TERMS: Final = 12
MOST_CHARACTERS: Final = 500

_KEY = re.compile(r"([A-Za-z]+):")
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")
_TYPE = re.compile(r"[A-Z][A-Z_]{0,63}")
_PHONE = re.compile(r"[+\d ().-]+")
_NUMBER = re.compile(r"\+?[\w:.@-]{2,128}")


class QueryError(ValueError):
    """This asks for nothing that can be looked for; the message says where and what to write instead."""

    def __init__(self, message: str, *, place: int) -> None:
        """`place` is that of the character where it goes wrong, from 0."""
        super().__init__(f"{message} (at character {place + 1})")
        self.place = place


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; blank or None is anything. `since` and `until` are days of calls' starts, both in."""

    since: date
    until: date
    terms: tuple[str, ...] = ()  # each as `searchable` writes it, with a space on both sides
    without: tuple[str, ...] = ()
    party: str = ""
    number: str = ""
    entity: str = ""  # a type, such as `NAME_GIVEN`; blank for any
    entity_text: str = ""  # as `searchable` writes it
    sentiment: str = ""
    language: str = ""
    longer_ms: int | None = None
    shorter_ms: int | None = None

    @property
    def is_of_words(self) -> bool:
        """Whether there are moments to be found in a call, and not only calls."""
        return bool(self.terms or self.party or self.entity or self.entity_text or self.sentiment or self.language)


@dataclass(frozen=True, slots=True)
class _Token:
    place: int
    text: str
    key: str = ""
    is_excluded: bool = False


def parse(text: str, *, today: date) -> Query:
    """Return what `text` asks for. Raises QueryError."""
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"a search has {MOST_CHARACTERS} characters at most", place=MOST_CHARACTERS)
    query = Query(since=today - timedelta(days=DAYS - 1), until=today)
    seen: set[str] = set()
    has_begin = False
    for token in _tokens(text):
        if not token.key:
            query = _word(query, token)
            continue
        if token.key in seen:
            raise QueryError(f"{token.key}: is there twice", place=token.place)
        seen.add(token.key)
        has_begin = has_begin or token.key == "from"
        query = _KEYS[token.key](query, token)
    if not has_begin and "to" in seen:
        query = replace(query, since=date.fromordinal(max(1, query.until.toordinal() - DAYS + 1)))
    if query.since > query.until:
        raise QueryError("from: is after to:", place=0)
    if not seen and not query.terms:
        raise QueryError('nothing to look for: write a word, a "phrase", or a key such as number:', place=0)
    return query


def _word(query: Query, token: _Token) -> Query:
    term = searchable(token.text)
    if not term.strip():
        raise QueryError("there is no letter or digit in this", place=token.place)
    if len(query.terms) + len(query.without) == MOST_TERMS:
        raise QueryError(f"a search has {MOST_TERMS} words and phrases at most", place=token.place)
    if token.is_excluded:
        return replace(query, without=(*query.without, term))
    return replace(query, terms=(*query.terms, term))


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        begin = place
        is_excluded = text[place] == "-" and text[place + 1 : place + 2].strip() != ""
        place += is_excluded
        key = _key(text, place)
        place += len(key) + 1 if key else 0
        found, place = _value(text, place)
        if key and found.endswith("=") and text[place : place + 1] == '"':  # entity:NAME="Maya Lopez"
            quoted, place = _value(text, place)
            found += quoted
        if key and not found.strip():
            raise QueryError(f"{key}: has nothing after it", place=begin)
        if key and is_excluded:
            raise QueryError(f"only words and phrases can be left out, not {key}:", place=begin)
        yield _Token(begin, found, key, is_excluded)


def _value(text: str, place: int) -> tuple[str, int]:
    """Return what begins at `place`, in quotation marks or up to a space or one of these, and the place after it."""
    if text[place : place + 1] == '"':
        end = text.find('"', place + 1)
        if end < 0:
            raise QueryError("this quotation mark has no second one", place=place)
        return text[place + 1 : end], end + 1
    end = next((at for at in range(place, len(text)) if text[at].isspace() or text[at] == '"'), len(text))
    return text[place:end], end


def _key(text: str, place: int) -> str:
    found = _KEY.match(text, place)
    if found is None:
        return ""
    key = found[1].lower()
    if key not in _KEYS:
        known = ", ".join(f"{each}:" for each in _KEYS)
        raise QueryError(f"there is no key {found[1]}: among {known}", place=place)
    return key


def _party(query: Query, token: _Token) -> Query:
    return replace(query, party=_plain(token))


def _plain(token: _Token) -> str:
    if not token.text.isprintable():
        raise QueryError("there is a control character in this", place=token.place)
    return token.text


def _number(query: Query, token: _Token) -> Query:
    # What people put between digits; a SIP address keeps its hyphens and dots.
    is_phone = _PHONE.fullmatch(token.text) is not None
    number = re.sub(r"[ ().-]", "", token.text) if is_phone else token.text
    if not _NUMBER.fullmatch(number):
        raise QueryError("a number is written like +12025550123", place=token.place)
    return replace(query, number=number)


def _entity(query: Query, token: _Token) -> Query:
    kind, equals, text = token.text.partition("=")
    if equals and not _TYPE.fullmatch(kind):
        raise QueryError("an entity's type is written like NAME_GIVEN", place=token.place)
    if not equals:
        # A type is written in capitals; all else is what was said.
        return replace(query, entity=kind) if _TYPE.fullmatch(kind) else replace(query, entity_text=searchable(kind))
    return replace(query, entity=kind, entity_text=searchable(text))


def _sentiment(query: Query, token: _Token) -> Query:
    sentiment = token.text.lower()
    if sentiment not in {"positive", "negative", "neutral", "mixed", "unknown"}:
        raise QueryError("a sentiment is positive, negative, neutral, mixed or unknown", place=token.place)
    return replace(query, sentiment=sentiment)


def _language(query: Query, token: _Token) -> Query:
    return replace(query, language=_plain(token).lower())


def _from(query: Query, token: _Token) -> Query:
    return replace(query, since=_day(token))


def _to(query: Query, token: _Token) -> Query:
    return replace(query, until=_day(token))


def _longer(query: Query, token: _Token) -> Query:
    return replace(query, longer_ms=_duration_ms(token))


def _shorter(query: Query, token: _Token) -> Query:
    return replace(query, shorter_ms=_duration_ms(token))


def _day(token: _Token) -> date:
    try:
        return date.fromisoformat(token.text)
    except ValueError as error:
        raise QueryError("a day is written like 2026-11-26", place=token.place) from error


def _duration_ms(token: _Token) -> int:
    found = _DURATION.fullmatch(token.text.lower())
    if found is None or not any(found.groups()):
        raise QueryError("a duration is written like 90s, 5m or 1h30m", place=token.place)
    hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return 1000 * (3600 * hours + 60 * minutes + seconds)


_KEYS: Final[dict[str, Callable[[Query, _Token], Query]]] = {
    "party": _party,
    "number": _number,
    "entity": _entity,
    "sentiment": _sentiment,
    "lang": _language,
    "from": _from,
    "to": _to,
    "longer": _longer,
    "shorter": _shorter,
}
