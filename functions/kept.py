"""Texts that AWS keeps for us: secrets, and settings that change without a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Refused, Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.base import BaseProvider

MAX_AGE_S = 60  # so a replaced key or setting is in force a minute later

_MISSING = {"ParameterNotFound", "ResourceNotFoundException"}
_NEVER = {"AccessDeniedException", "ValidationException"}


class Missing(Refused):
    """There is no text of that name."""


class Kept:
    """One text in Secrets Manager or the Parameter Store, asked for at most once a minute."""

    def __init__(self, provider: BaseProvider, name: str) -> None:
        self._provider = provider
        self._name = name
        self._last: str | None = None

    def read(self) -> str:
        """Return the text; while AWS can't answer, the last that is known.

        Raises Unavailable if none is known yet, Missing if there is no such text, Refused without leave to read it.
        """
        try:
            text = str(self._provider.get(self._name, max_age=MAX_AGE_S))
        except GetParameterError as error:
            # The provider turns every error into this one, leaving the reason behind it.
            reason = error.__context__
            if not isinstance(reason, (ClientError, BotoCoreError)):
                raise
            code = reason.response["Error"]["Code"] if isinstance(reason, ClientError) else type(reason).__name__
            if code in _MISSING:
                raise Missing(f"{self._name}: {code}") from error
            if code in _NEVER:
                raise Refused(f"{self._name}: {code}") from error
            if self._last is None:
                raise Unavailable(f"{self._name}: {code}") from error
            return self._last
        self._last = text
        return text
