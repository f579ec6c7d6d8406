"""Good input, spoiled: what a parser has to survive, made from what it is made for.

Random text is refused by the first character of any format. What comes near to being right reaches farther.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

# What people, other programs and other programming languages put where it was not expected.
_AWKWARD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 2**64, 10**40, 1e308, -0.0, float("nan"), float("inf"),
    "", " ", "0", "-1", "1e9", "NaN", "null", "9" * 30, "9" * 5000, "\x00", "a\x00b", "\ud800", "\u2028", "\U0001f4de",
    "é", "%00%ff", "../..", "<&>\"'", "A" * 70_000, "the abyss", [], [[]], {}, {"": {}}, ["a", 1, None],
    {"a": {"b": {}}},
)  # fmt: skip
# What `the abyss` becomes in JSON: more levels than `json` itself can write.
_ABYSS = b'"the abyss"'
_LEVELS = b"[" * 20_000 + b"]" * 20_000
_PIECES: tuple[bytes, ...] = (
    b"\x00", b"\\ud800", b"\\u0000", b"NaN", b"Infinity", b"-0", b"1e999", b"9" * 30, b"9" * 5000, b"null", b"[" * 2000,
    b'{"a":' * 2000, b'"', b"\\", b"{", b"}", b",", b":", b"\r\n", b"\r\n\r\n", b"\n", b"%", b"%zz", b"&", b"=", b"+",
    b"<", b">", b"&#0;", b"<!--", b"]]>", b"\xef\xbb\xbf", b".", b"/", b"\xff", b"\x80\x80", b"\xc3", b"\xed\xa0\x80",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, good: Sequence[bytes]) -> bytes:
    """Return one of `good` after one to four cuts, flips, repeats, splices and insertions."""
    text = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + draw(st.sampled_from((1, 8, 64, 4096))))))
        match draw(st.sampled_from(("flip", "cut", "repeat", "splice", "insert", "replace"))):
            case "flip" if begin < len(text):
                text[begin] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del text[begin:end]
            case "repeat":
                text[begin:begin] = text[begin:end] * draw(st.integers(1, 20))
            case "splice":
                other = draw(st.sampled_from(good))
                text[begin:] = other[draw(st.integers(0, len(other))) :]
            case "insert":
                text[begin:begin] = draw(st.sampled_from(_PIECES))
            case _:
                text[begin:end] = draw(st.sampled_from(_PIECES) | st.binary(max_size=8))
    return bytes(text)


@st.composite
def mutated_value(draw: st.DrawFn, good: Sequence[Any]) -> Any:
    """Return one of the JSON values `good` in which one to three parts are missing, of another kind, or elsewhere."""
    value = [copy.deepcopy(draw(st.sampled_from(good)))]
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        within, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(("awkward", "drop", "move", "nest", "add"))):
            case "drop" if within is not value:
                del within[key]
            case "move":
                other, elsewhere = places[draw(st.integers(0, len(places) - 1))]
                within[key] = copy.deepcopy(other[elsewhere])
            case "nest":
                in_lists = draw(st.booleans())
                for _ in range(draw(st.sampled_from((1, 3, 200)))):
                    within[key] = [within[key]] if in_lists else {"a": within[key]}
            case "add" if isinstance(within, dict):
                within[draw(st.text(max_size=8))] = copy.deepcopy(draw(st.sampled_from(_AWKWARD)))
            case _:
                within[key] = copy.deepcopy(draw(st.sampled_from(_AWKWARD) | st.text(max_size=20) | st.integers()))
    return value[0]


def mutated_json(good: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return JSON that is near one of the values `good`: whole with other values in it, or broken text."""
    texts = [json.dumps(value).encode() for value in good]
    return st.one_of(mutated_value(good).map(_written), mutated_value(good).map(_unescaped), mutated(texts))


def _written(value: Any) -> bytes:
    return json.dumps(value).encode().replace(_ABYSS, _LEVELS)


def _unescaped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass").replace(_ABYSS, _LEVELS)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    left = [value]
    while left:
        within = left.pop()
        keys = list(within) if isinstance(within, dict) else range(len(within))
        for key in keys:
            found.append((within, key))
            if isinstance(within[key], dict | list):
                left.append(within[key])
    return found
