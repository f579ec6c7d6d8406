"""SQL over the archive, run by Athena.

Source: Amazon Athena API Reference, `StartQueryExecution`, `GetQueryExecution`, `GetQueryResults`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from callscribe.errors import Refused, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

LOOK_S = 0.25  # between two looks at a statement that runs; each costs nothing but time
TEMPORARY = {"TooManyRequestsException", "ThrottlingException", "InternalServerException"}


class Athena:
    """One workgroup, which says where results go and how much a statement may read, and one database."""

    def __init__(
        self,
        client: Callable[[], AthenaClient],
        *,
        workgroup: str,
        database: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._workgroup = workgroup
        self._database = database
        self._clock = clock
        self._sleep = sleep

    def start(self, sql: str) -> str:
        """Begin a statement and return its id. Raises Unavailable."""
        answer = self._ask(
            "start_query_execution",
            QueryString=sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
        )
        return str(answer["QueryExecutionId"])

    def rows(self, query: str, *, wait_s: float) -> list[list[str]] | None:
        """Return the rows of a statement as text; None if it is not over within `wait_s`.

        Raises Unavailable, and Refused for a statement that failed.
        """
        until = self._clock() + wait_s
        while not self._is_over(query):
            if self._clock() >= until:
                return None
            self._sleep(LOOK_S)
        return self._results(query)

    def _is_over(self, query: str) -> bool:
        status = self._ask("get_query_execution", QueryExecutionId=query)["QueryExecution"]["Status"]
        match status["State"]:
            case "SUCCEEDED":
                return True
            case "FAILED" if status.get("AthenaError", {}).get("Retryable"):
                raise Unavailable("athena: a statement failed that may be tried again")
            case "FAILED" | "CANCELLED":
                # Not the reason, which quotes the statement.
                kind = status.get("AthenaError", {}).get("ErrorType", "")
                raise Refused(f"athena: a statement was {status['State'].lower()} {kind}".rstrip())
            case _:
                return False

    def _results(self, query: str) -> list[list[str]]:
        rows: list[list[str]] = []
        more: dict[str, str] = {}
        while True:
            answer = self._ask("get_query_results", QueryExecutionId=query, MaxResults=1000, **more)
            rows += [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]
            if not answer.get("NextToken"):
                return rows[1:]  # the first one names the columns
            more = {"NextToken": answer["NextToken"]}

    def _ask(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client(), operation)(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in TEMPORARY or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise Unavailable(f"athena: {code}") from error
            raise Refused(f"athena: {code}") from error
        except BotoCoreError as error:
            raise Unavailable(f"athena: {type(error).__name__}") from error
