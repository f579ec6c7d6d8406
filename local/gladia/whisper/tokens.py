"""Whisper's tokens back into bytes, and tokens into words.

GPT-2's tokenizer writes each byte as a printable character; the table is undone here, without its library.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self


class Vocabulary:
    """The bytes that each token stands for."""

    def __init__(self, pieces: dict[int, bytes], special: dict[str, int]) -> None:
        self._pieces = pieces
        self._special = special

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the vocabulary of a `tokenizer.json`."""
        content = json.loads(path.read_bytes())
        byte_of = {character: byte for byte, character in _printable()}
        vocabulary = content["model"]["vocab"].items()
        special = {each["content"]: each["id"] for each in content["added_tokens"]}
        pieces = {
            token: bytes(byte_of[character] for character in text) for text, token in vocabulary if text not in special
        }
        return cls(pieces, special)

    def special(self, name: str) -> int:
        """Return the token with that name, such as `<|startoftranscript|>`."""
        return self._special[name]

    def text(self, tokens: Iterable[int]) -> str:
        """Return what `tokens` say; those that are no text say nothing."""
        return b"".join(self._pieces.get(token, b"") for token in tokens).decode(errors="replace")

    def words(self, tokens: list[int]) -> list[tuple[int, int]]:
        """Return where in `tokens` each word begins and ends: at each leading space."""
        starts = [place for place, token in enumerate(tokens) if self._pieces.get(token, b"").startswith(b" ")]
        if tokens and starts[:1] != [0]:
            starts.insert(0, 0)
        return list(zip(starts, [*starts[1:], len(tokens)], strict=True))


def _printable() -> Iterator[tuple[int, str]]:
    """Yield each byte with the character that stands for it. Source: OpenAI, gpt-2/src/encoder.py."""
    plain = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    moved = 256
    for byte in range(256):
        if byte in plain:
            yield byte, chr(byte)
        else:
            yield byte, chr(moved)
            moved += 1
