"""Statements run by Athena: begun, looked at, read page by page. Answers are of the shapes of its API reference."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from callscribe.errors import Refused, Unavailable
from functions.calls.athena import LOOK_S, Athena


class Service:
    """Athena as it answers: a state each time it is looked at, then rows."""

    def __init__(self, *states: dict, rows=(), pages: int = 1) -> None:
        self.states = list(states)
        self.started: list[dict] = []
        self._pages = [[["call_id"], *rows]] if pages == 1 else [[["call_id"]], *([row] for row in rows)]
        self.failure: Exception | None = None
        self.now = 0.0

    def start_query_execution(self, **asked):
        self._fail()
        self.started.append(asked)
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, **asked):
        self._fail()
        assert asked == {"QueryExecutionId": "q1"}
        return {"QueryExecution": {"Status": self.states.pop(0) if len(self.states) > 1 else self.states[0]}}

    def get_query_results(self, *, QueryExecutionId, MaxResults, NextToken="0"):  # noqa: N803 - Athena's own names
        page = int(NextToken)
        data = [
            {"Data": [{"VarCharValue": cell} if cell is not None else {} for cell in row]} for row in self._pages[page]
        ]
        more = {"NextToken": str(page + 1)} if page + 1 < len(self._pages) else {}
        return {"ResultSet": {"Rows": data}, **more}

    def _fail(self):
        if self.failure is not None:
            raise self.failure

    def sleep(self, seconds):
        self.now += seconds


def athena(service: Service) -> Athena:
    return Athena(
        lambda: service, workgroup="callscribe-dev", database="callscribe_dev", clock=lambda: service.now,
        sleep=service.sleep,
    )  # fmt: skip


RUNNING, DONE = {"State": "RUNNING"}, {"State": "SUCCEEDED"}


def test_a_statement_is_begun_in_its_workgroup():
    service = Service(DONE)

    assert athena(service).start("SELECT 1") == "q1"
    assert service.started == [
        {
            "QueryString": "SELECT 1",
            "QueryExecutionContext": {"Database": "callscribe_dev"},
            "WorkGroup": "callscribe-dev",
        }
    ]


def test_its_rows_are_read_without_the_names_and_with_blanks_for_nothing():
    service = Service({"State": "QUEUED"}, RUNNING, DONE, rows=(["CA1"], [None]))

    assert athena(service).rows("q1", wait_s=5) == [["CA1"], [""]]
    assert service.now == 2 * LOOK_S


def test_all_pages_are_read():
    assert athena(Service(DONE, rows=(["CA1"], ["CA2"]), pages=2)).rows("q1", wait_s=5) == [["CA1"], ["CA2"]]


def test_one_that_runs_on_is_left_after_so_long():
    service = Service(RUNNING)

    assert athena(service).rows("q1", wait_s=2) is None
    assert service.now == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"State": "FAILED", "StateChangeReason": "a secret word", "AthenaError": {"ErrorType": 1006}}, Refused),
        ({"State": "CANCELLED"}, Refused),
        ({"State": "FAILED", "AthenaError": {"Retryable": True}}, Unavailable),
    ],
)
def test_one_that_failed_says_what_to_do_next_and_not_what_was_asked(status, error):
    with pytest.raises(error) as failed:
        athena(Service(status)).rows("q1", wait_s=1)
    assert "secret" not in str(failed.value)


def told(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "StartQueryExecution")


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (told("TooManyRequestsException", 400), Unavailable),
        (told("InternalServerException", 500), Unavailable),
        (ReadTimeoutError(endpoint_url="https://athena"), Unavailable),
        (told("InvalidRequestException", 400), Refused),
        (told("AccessDeniedException", 400), Refused),
    ],
)
def test_a_service_that_is_away_is_told_from_one_that_will_not(failure, error):
    service = Service(DONE)
    service.failure = failure

    with pytest.raises(error):
        athena(service).start("SELECT 1")
