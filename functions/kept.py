"""Texts that AWS keeps for us: secrets, and settings that change without a deployment."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Refused, Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.base import BaseProvider

MAX_AGE_S = 60  # so a replaced key or setting is in force a minute later
REST_S = 10  # between two attempts at a store that is down, so that not every caller waits for it

_MISSING = {"ParameterNotFound", "ResourceNotFoundException"}
_NEVER = {"AccessDeniedException", "ValidationException"}


class Missing(Refused):
    """There is no text of that name."""


class Store:
    """Secrets Manager or the Parameter Store, each text asked for at most once a minute."""

    def __init__(
        self, provider: BaseProvider | Callable[[], BaseProvider], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`provider` may be what makes it, which is then done when it is needed: not by two threads at once."""
        self._given = provider
        self._clock = clock
        self._rests_until = clock()

    @cached_property
    def _provider(self) -> BaseProvider:
        return self._given() if callable(self._given) else self._given

    @property
    def rests(self) -> bool:
        """Whether it failed to answer a moment ago."""
        return self._clock() < self._rests_until

    def get(self, name: str) -> str:
        """Return the text `name`.

        Raises Unavailable while the store can't answer, Missing if there is no such text, Refused without leave.
        """
        try:
            return str(self._provider.get(name, max_age=MAX_AGE_S))
        except GetParameterError as error:
            # The provider turns every error into this one, leaving the reason behind it.
            reason = error.__context__
            if not isinstance(reason, (ClientError, BotoCoreError)):
                raise
            code = reason.response["Error"]["Code"] if isinstance(reason, ClientError) else type(reason).__name__
            if code in _MISSING:
                raise Missing(f"{name}: {code}") from error
            if code in _NEVER:
                raise Refused(f"{name}: {code}") from error
            self._rests_until = self._clock() + REST_S
            raise Unavailable(f"{name}: {code}") from error


class Kept:
    """One text in a store."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._last: str | None = None

    def read(self) -> str:
        """Return the text; while the store can't answer, the last that is known.

        Raises Unavailable if none is known yet, Missing if there is no such text, Refused without leave to read it.
        """
        if self._last is None or not self._store.rests:
            try:
                self._last = self._store.get(self._name)
            except Unavailable:
                if self._last is None:
                    raise
        return self._last
