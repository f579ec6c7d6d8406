"""DynamoDB's expressions, as far as the product writes them: conditions, key conditions and updates.

What is not known here raises Unsupported, so that nothing is taken for granted silently. Source: Amazon DynamoDB
developer guide, "Condition and filter expressions, operators, and functions" and "Using update expressions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

Value: TypeAlias = dict[str, Any]  # DynamoDB's own JSON: {"S": "…"}
Item: TypeAlias = dict[str, Value]

_TOKEN = re.compile(r"\s*(?:(?P<word>[#:]?[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><>|<=|>=|[=<>(),+-]))")


class Unsupported(Exception):
    """This is no expression, or one that is not known here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What `#name` and `:value` stand for in one request."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    def name(self, token: str) -> str:
        """Return the attribute that `token` names."""
        return self.names[token] if token.startswith("#") else token


Operand: TypeAlias = Callable[[Item, Scope], Value | None]
Condition: TypeAlias = Callable[[Item, Scope], bool]
Change: TypeAlias = Callable[[Item, Item, Scope], None]  # from the item as it was, into the item as it will be


def tokens(text: str) -> list[str]:
    """Return the words and signs of `text`. Raises Unsupported."""
    found, at = [], 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None:
            raise Unsupported(text)
        found.append(token["word"] or token["sign"])
        at = token.end()
    return found


@lru_cache(maxsize=1000)
def condition(text: str) -> Condition:
    """Return the condition, or key condition, that `text` writes. Raises Unsupported."""
    parser = _Parser(text)
    parsed = parser.either()
    parser.end()
    return parsed


@lru_cache(maxsize=1000)
def update(text: str) -> tuple[Change, ...]:
    """Return the changes that `text` writes. Raises Unsupported."""
    return tuple(_Parser(text).changes())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    def either(self) -> Condition:
        left = self._both()
        while self._took("OR"):
            left = _or(left, self._both())
        return left

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise Unsupported(self._text)

    def changes(self) -> list[Change]:
        found: list[Change] = []
        clauses = {"SET": self._set, "REMOVE": self._remove, "ADD": self._add, "DELETE": self._delete}
        while self._at < len(self._tokens):
            clause = clauses.get(self._next().upper())
            if clause is None:
                raise Unsupported(self._text)
            found.append(clause())
            while self._took(","):
                found.append(clause())
        return found

    def _both(self) -> Condition:
        left = self._simple()
        while self._took("AND"):
            left = _and(left, self._simple())
        return left

    def _simple(self) -> Condition:
        if self._took("NOT"):
            inner = self._simple()
            return lambda item, scope: not inner(item, scope)
        if self._took("("):
            inner = self.either()
            self._expect(")")
            return inner
        word = self._peek()
        if word in ("attribute_exists", "attribute_not_exists", "begins_with", "contains"):
            return self._function(self._next())
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self._expect("(")
        path = self._operand()
        if name.startswith("attribute_"):
            self._expect(")")
            there = name == "attribute_exists"
            return lambda item, scope: (path(item, scope) is not None) is there
        self._expect(",")
        other = self._operand()
        self._expect(")")
        return (_begins_with if name == "begins_with" else _contains)(path, other)

    def _comparison(self) -> Condition:
        left = self._operand()
        sign = self._next().upper()
        if sign == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            return _and(_compare(left, ">=", low), _compare(left, "<=", self._operand()))
        if sign not in _SIGNS:
            raise Unsupported(self._text)
        return _compare(left, sign, self._operand())

    def _operand(self) -> Operand:
        token = self._next()
        if token.startswith(":"):
            return lambda _, scope: scope.values[token]
        if token == "if_not_exists":  # noqa: S105 - a function's name
            self._expect("(")
            path = self._operand()
            self._expect(",")
            other = self._operand()
            self._expect(")")
            return lambda item, scope: path(item, scope) or other(item, scope)
        if not token.lstrip("#").isidentifier() or self._peek() == "(":
            raise Unsupported(self._text)
        return lambda item, scope: item.get(scope.name(token))

    def _set(self) -> Change:
        name = self._next()
        self._expect("=")
        value = self._operand()
        while (sign := self._peek()) in ("+", "-"):
            self._next()
            value = _sum(value, self._operand(), 1 if sign == "+" else -1)
        return _assign(name, value)

    def _remove(self) -> Change:
        name = self._next()

        def remove(_: Item, after: Item, scope: Scope) -> None:
            after.pop(scope.name(name), None)

        return remove

    def _add(self) -> Change:
        name, value = self._next(), self._operand()
        return _assign(name, _added(name, value))

    def _delete(self) -> Change:
        name, value = self._next(), self._operand()

        def delete(before: Item, after: Item, scope: Scope) -> None:
            ((kind, gone),) = _given(value(before, scope)).items()
            left = [each for each in before.get(scope.name(name), {}).get(kind, []) if each not in gone]
            if left:
                after[scope.name(name)] = {kind: left}
            else:
                after.pop(scope.name(name), None)

        return delete

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise Unsupported(self._text)
        self._at += 1
        return token

    def _took(self, word: str) -> bool:
        if self._peek().upper() != word:
            return False
        self._at += 1
        return True

    def _expect(self, token: str) -> None:
        if self._next().upper() != token:
            raise Unsupported(self._text)


def _or(left: Condition, right: Condition) -> Condition:
    return lambda item, scope: left(item, scope) or right(item, scope)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda item, scope: left(item, scope) and right(item, scope)


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compare(left: Operand, sign: str, right: Operand) -> Condition:
    def compare(item: Item, scope: Scope) -> bool:
        a, b = left(item, scope), right(item, scope)
        if a is None or b is None or a.keys() != b.keys():
            return sign == "<>" and a != b
        return _SIGNS[sign](_plain(a), _plain(b))

    return compare


def _begins_with(path: Operand, other: Operand) -> Condition:
    def begins_with(item: Item, scope: Scope) -> bool:
        value, prefix = path(item, scope), other(item, scope)
        return value is not None and prefix is not None and str(value.get("S", "")).startswith(prefix["S"])

    return begins_with


def _contains(path: Operand, other: Operand) -> Condition:
    def contains(item: Item, scope: Scope) -> bool:
        value, part = path(item, scope), other(item, scope)
        return value is not None and part is not None and _plain(part) in _plain(value)

    return contains


def _plain(value: Value) -> Any:
    ((kind, plain),) = value.items()
    return Decimal(plain) if kind == "N" else plain


def _sum(left: Operand, right: Operand, factor: int) -> Operand:
    def add(item: Item, scope: Scope) -> Value:
        return {"N": str(_number(left(item, scope)) + factor * _number(right(item, scope)))}

    return add


def _added(name: str, value: Operand) -> Operand:
    def added(item: Item, scope: Scope) -> Value:
        given, before = _given(value(item, scope)), item.get(scope.name(name))
        if "N" in given:
            return {"N": str(_number(before or {"N": "0"}) + _number(given))}
        ((kind, more),) = given.items()
        return {kind: sorted({*(before or {}).get(kind, []), *more})}

    return added


def _assign(name: str, value: Operand) -> Change:
    def assign(before: Item, after: Item, scope: Scope) -> None:
        after[scope.name(name)] = _given(value(before, scope))

    return assign


def _number(value: Value | None) -> Decimal:
    return Decimal(_given(value)["N"])


def _given(value: Value | None) -> Value:
    if value is None:
        raise Unsupported("an operand has no value")
    return value
