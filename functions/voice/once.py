"""What a callback asks for, done for the first of several equal requests; `act` itself bears repetition.

Imported with the first callback: Powertools' idempotency takes a tenth of this function's own cold start, and the call
that waits for its TwiML needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
)

from callscribe.errors import Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_S = 24 * 3600

Act: TypeAlias = Callable[[], None]


class Once:
    """The requests of a day, in a table."""

    def __init__(self, table: str, client: DynamoDBClient, *, unreached: Act) -> None:
        """`unreached` is called when the table can't be asked; what is to be done is done all the same."""
        self._unreached = unreached
        self._config = IdempotencyConfig(hash_function="sha256", expires_after_seconds=KEPT_S)
        self._first_time = idempotent_function(
            _act,
            data_keyword_argument="request",
            config=self._config,
            persistence_store=DynamoDBPersistenceLayer(table, boto3_client=client),
            key_prefix="voice",
        )

    def act(self, request: str, act: Act, context: LambdaContext) -> None:
        """Do what a callback asks unless the same request was answered before.

        Raises Unavailable while the same request is being answered.
        """
        self._config.register_lambda_context(context)
        try:
            self._first_time(request=request, act=act)
        except IdempotencyAlreadyInProgressError as error:
            raise Unavailable("the same request is being answered") from error
        except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError):
            # Without the table a repetition costs a look at the log; dropping the callback would cost its entry.
            self._unreached()
            act()


def _act(*, request: str, act: Act) -> None:  # noqa: ARG001 - the key is for Powertools
    act()
