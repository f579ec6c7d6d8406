"""A tenant's calls, newest first, page by page."""

from __future__ import annotations

import pytest

from callscribe.calls_list import CallsList, Place, Wanted
from callscribe.dynamodb import perform
from callscribe.entries import CallEnded, CallFailed, CallStarted, LegStarted
from callscribe.errors import MalformedMessage
from callscribe.log import Log
from tests.tables import TABLES

CALLS = CallsList("Calls")


@pytest.fixture
def calls(dynamodb):
    dynamodb.create_table(**TABLES["Calls"])
    return lambda steps: perform(dynamodb, steps)


def begin(calls, number: int, *, tenant: str = "acme", caller: str = "+12025550101") -> str:
    call_id, at = f"CA{number:03}", f"2026-11-22T09:{number // 60:02}:{number % 60:02}.000Z"
    started = CallStarted(
        provider="twilio", direction="inbound", account="AC1", from_number=caller, to_number="+12025550188"
    )
    calls(Log("Calls", call_id).open(started, at=at, tenant=tenant, token=call_id))
    return call_id


def append(calls, call_id: str, body) -> None:
    log = Log("Calls", call_id)
    calls(log.append(body, at="2026-11-22T10:00:00.000Z", tenant="acme", token=f"{call_id}/{type(body).__name__}"))


def ids(page) -> list[str]:
    return [call.call_id for call in page[0]]


def test_the_newest_call_comes_first_and_another_tenants_never(calls):
    for number in range(3):
        begin(calls, number)
    begin(calls, 7, tenant="other")

    page = calls(CALLS.page("acme", Wanted(), limit=10))

    assert ids(page) == ["CA002", "CA001", "CA000"]
    assert page[1] is None


def test_pages_join_without_a_hole_or_a_repetition(calls):
    for number in range(25):
        begin(calls, number)

    seen, place = [], None
    while True:
        found, place = calls(CALLS.page("acme", Wanted(), limit=4, start=place))
        seen += [call.call_id for call in found]
        if place is None:
            break
        place = Place.parse(str(place))  # as a client brings it back
        assert len(found) == 4

    assert seen == [f"CA{number:03}" for number in reversed(range(25))]


def test_what_is_known_of_a_call_is_in_the_list(calls):
    call_id = begin(calls, 1)
    leg = LegStarted(
        leg="a", party="caller", track="inbound", codec="mulaw/8000", media_stream="MZ1", session="G1", channel=0,
        offset_ms=0,
    )  # fmt: skip
    for body in (leg, CallFailed(reason="no", kept="all"), CallEnded(reason="completed", duration_ms=5000)):
        append(calls, call_id, body)

    ((call,), _) = calls(CALLS.page("acme", Wanted(), limit=10))

    assert (call.status, call.reason, call.duration_ms, call.failure) == ("ended", "completed", 5000, "no")
    assert (call.from_number, call.to_number, call.parties) == ("+12025550101", "+12025550188", ("caller",))
    assert (call.started_at, call.ended_at) == ("2026-11-22T09:00:01.000Z", "2026-11-22T10:00:00.000Z")


def test_calls_are_found_by_status_by_number_and_by_time(calls):
    for number in range(6):
        begin(calls, number, caller=f"+1202555010{number % 2}")
    append(calls, "CA003", CallEnded(reason="completed", duration_ms=1))

    def found(**wanted):
        return ids(calls(CALLS.page("acme", Wanted(**wanted), limit=10)))

    assert found(status="ended") == ["CA003"]
    assert "CA003" not in found(status="in-progress")
    assert found(number="+12025550100") == ["CA004", "CA002", "CA000"]
    assert len(found(number="+12025550188")) == 6
    assert found(since="2026-11-22T09:00:02.000Z", until="2026-11-22T09:00:04.000Z") == ["CA003", "CA002"]


@pytest.mark.parametrize("text", ["", "x", "e30", "eyJzdGFydGVkX2F0IjoxfQ", "ü"])
def test_a_place_that_nobody_was_given_is_malformed(text):
    with pytest.raises(MalformedMessage):
        Place.parse(text)
