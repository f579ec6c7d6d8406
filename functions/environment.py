"""What a function is told by its environment variables."""

from __future__ import annotations

import os


class MissingSetting(Exception):
    """An environment variable that the function needs is not set; the message names it."""


def required(name: str) -> str:
    """Return the environment variable `name`. Raises MissingSetting if it isn't set or is empty."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingSetting(f"{name} is not set")
    return value
