"""Which stream records a Lambda event source mapping passes on.

Source: AWS Lambda Developer Guide, "Control which events Lambda sends to your function", section "Filter rule syntax".
All forms of that table are here; anything else is refused when the pattern is read, so that a filter never means one
thing here and another thing, or nothing, in AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Test = Callable[[Any], bool]

ABSENT = object()

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


class MalformedPattern(ValueError):
    """A filter pattern that Lambda would not accept."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """One filter of a mapping; a mapping passes on what any of its filters matches."""

    text: str
    test: Test = field(repr=False, compare=False)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Tell whether the stream record `event`, as Lambda would deliver it, passes."""
        return self.test(event)


def read_filter(text: str) -> EventFilter:
    """Return the filter that the JSON `text` of a `Pattern` describes. Raises MalformedPattern."""
    try:
        pattern = json.loads(text)
    except json.JSONDecodeError as error:
        raise MalformedPattern(f"a filter pattern is JSON: {error}") from error
    if not isinstance(pattern, dict):
        raise MalformedPattern(f"a filter pattern is an object, not {text}")
    return EventFilter(text=text, test=_object(pattern))


def _object(pattern: Mapping[str, Any]) -> Test:
    """Every field has to match; a field's rule is a nested object or a list of alternatives."""
    if not pattern:
        raise MalformedPattern("an empty object matches nothing that Lambda could mean")
    fields: list[Test] = []
    for name, rule in pattern.items():
        if name == "$or" and isinstance(rule, list):
            fields.append(_any([_object(_mapping(alternative)) for alternative in rule]))
        elif isinstance(rule, dict):
            fields.append(_within(name, _object(rule)))
        elif isinstance(rule, list) and rule:
            fields.append(_leaf(name, rule))
        else:
            raise MalformedPattern(f"the rule of {name!r} is an object or a list that isn't empty, not {rule!r}")
    return lambda event: all(test(event) for test in fields)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedPattern(f"$or takes objects, not {value!r}")
    return value


def _any(tests: Sequence[Test]) -> Test:
    if not tests:
        raise MalformedPattern("a list of alternatives isn't empty")
    return lambda value: any(test(value) for test in tests)


def _within(name: str, inner: Test) -> Test:
    def test(event: Any) -> bool:
        value = event.get(name) if isinstance(event, Mapping) else None
        if isinstance(value, list):
            return any(inner(element) for element in value)
        # A missing parent is an empty one, so that {"exists": false} below it holds.
        return inner(value if isinstance(value, Mapping) else {})

    return test


def _leaf(name: str, rule: Sequence[Any]) -> Test:
    alternatives = _any([_alternative(each) for each in rule])

    def test(event: Any) -> bool:
        value = event.get(name, ABSENT) if isinstance(event, Mapping) else ABSENT
        return any(alternatives(each) for each in _leaves(value))

    return test


def _leaves(value: Any) -> Iterator[Any]:
    """A list in the event matches by any of its elements; an object is no leaf and matches nothing."""
    if isinstance(value, list):
        yield from value
    elif not isinstance(value, Mapping):
        yield value
    else:
        yield ABSENT


def _alternative(rule: Any) -> Test:
    if rule is None or isinstance(rule, (str, int, float)):
        return _equals(rule)
    if not isinstance(rule, dict) or len(rule) != 1:
        raise MalformedPattern(f"an alternative is a value or one comparison, not {rule!r}")
    ((operator, operand),) = rule.items()
    match operator, operand:
        case "exists", bool():
            return lambda value: (value is not ABSENT) is operand
        case "prefix", str():
            return lambda value: isinstance(value, str) and value.startswith(operand)
        case "suffix", str():
            return lambda value: isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case", str():
            return lambda value: isinstance(value, str) and value.casefold() == operand.casefold()
        case "anything-but", list() | str() | int() | float():
            banned = _any([_equals(each) for each in (operand if isinstance(operand, list) else [operand])])
            return lambda value: value is not ABSENT and not banned(value)
        case "numeric", list():
            return _numeric(operand)
    raise MalformedPattern(f"Lambda has no comparison {json.dumps(rule)}")


def _equals(rule: Any) -> Test:
    # Lambda compares numbers by their text: 300 and 300.0 differ, and so do 1 and true.
    text = json.dumps(rule)
    return lambda value: value is not ABSENT and json.dumps(value) == text


def _numeric(rule: Sequence[Any]) -> Test:
    if len(rule) not in (2, 4):
        raise MalformedPattern(f"numeric takes one or two comparisons, not {rule!r}")
    bounds: list[tuple[str, float]] = []
    for operator, bound in zip(rule[::2], rule[1::2], strict=True):
        if operator not in COMPARISONS or isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise MalformedPattern(f"numeric compares by {' '.join(COMPARISONS)} with a number, not {rule!r}")
        bounds.append((operator, bound))

    def test(value: Any) -> bool:
        # DynamoDB's numbers are strings in a record ({"N": "101"}), so no numeric comparison ever matches one.
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return all(COMPARISONS[operator](value, bound) for operator, bound in bounds)

    return test
