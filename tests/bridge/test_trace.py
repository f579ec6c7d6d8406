"""What X-Ray is told, by its own rules for segment documents."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from botocore.exceptions import ClientError

from bridge.trace import Heard, Traces

HEARD = Heard(call_id="CA1", media_stream="MZ1", began_s=1_795_000_000.25, ended_s=1_795_000_051.5, totals={"gaps": 2})


class XRay:
    """Takes segments, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[dict] = []
        self.failure: Exception | None = None
        self.unprocessed: list[dict] = []

    async def put_trace_segments(self, *, TraceSegmentDocuments: list[str]) -> dict:  # noqa: N803 - botocore's names
        if self.failure:
            raise self.failure
        self.taken += map(json.loads, TraceSegmentDocuments)
        return {"UnprocessedTraceSegments": self.unprocessed}


@pytest.fixture
def xray() -> XRay:
    return XRay()


async def test_a_media_stream_is_found_by_its_call(xray):
    traces = Traces(xray)
    traces.tell(HEARD)
    await traces.told()

    (segment,) = xray.taken
    assert segment["annotations"] == {"call_id": "CA1", "media_stream": "MZ1"}
    assert (segment["name"], segment["start_time"], segment["end_time"]) == ("bridge", HEARD.began_s, HEARD.ended_s)
    assert segment["metadata"] == {"callscribe": {"gaps": 2}}


def test_ids_are_of_the_form_that_xray_takes_and_never_twice_the_same():
    one, other = json.loads(HEARD.segment()), json.loads(HEARD.segment())

    assert re.fullmatch(r"[0-9a-f]{16}", one["id"])
    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", one["trace_id"])
    assert int(one["trace_id"].split("-")[1], 16) == 1_795_000_000
    assert len({one["id"], other["id"], one["trace_id"], other["trace_id"]}) == 4


async def test_what_cannot_be_told_harms_nothing_and_is_said(xray, caplog):
    traces = Traces(xray)
    xray.failure = ClientError({"Error": {"Code": "ThrottledException", "Message": "slow"}}, "PutTraceSegments")
    traces.tell(HEARD)
    await traces.told()
    xray.failure = None
    xray.unprocessed = [{"Id": "1", "ErrorCode": "ParseError", "Message": "no"}]
    traces.tell(HEARD)
    await traces.told()

    assert [record.message for record in caplog.records] == ["a trace is lost", "a trace is refused"]


async def test_an_xray_that_hangs_is_left(xray, monkeypatch, caplog):
    monkeypatch.setattr("bridge.trace.TIMEOUT_S", 0.01)
    forever = asyncio.Event()

    async def hang(**_: object) -> dict:
        await forever.wait()
        return {}

    monkeypatch.setattr(xray, "put_trace_segments", hang)
    traces = Traces(xray)
    traces.tell(HEARD)
    await traces.told()

    assert "a trace is lost" in caplog.text


async def test_where_there_is_no_xray_nobody_is_told():
    traces = Traces(None)
    traces.tell(HEARD)
    await traces.told()
