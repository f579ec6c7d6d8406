"""What the process counts of itself, as CloudWatch takes it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta, Struct

from bridge.meter import MALFORMED, METRICS, Meter, feel_pulse, report

ROOT = Path(__file__).parents[2]

# The JSON schema of Amazon CloudWatch, "Specification: Embedded metric format", and what its text adds to it.
UNITS = (
    "^(Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits"
    "|Terabits|Percent|Count|Bytes/Second|Kilobytes/Second|Megabytes/Second|Gigabytes/Second|Terabytes/Second"
    "|Bits/Second|Kilobits/Second|Megabits/Second|Gigabits/Second|Terabits/Second|Count/Second|None)$"
)
Text = Annotated[str, Meta(min_length=1, max_length=1024)]


class Definition(Struct, forbid_unknown_fields=True):
    name: Text = msgspec.field(name="Name")
    unit: Annotated[str, Meta(pattern=UNITS)] = msgspec.field(name="Unit", default="None")
    resolution: Annotated[int, Meta(ge=1, le=60)] = msgspec.field(name="StorageResolution", default=60)


class Directive(Struct, forbid_unknown_fields=True):
    namespace: Text = msgspec.field(name="Namespace")
    dimensions: Annotated[
        list[Annotated[list[Annotated[str, Meta(min_length=1, max_length=250)]], Meta(max_length=30)]],
        Meta(min_length=1),
    ] = msgspec.field(name="Dimensions")
    metrics: Annotated[list[Definition], Meta(max_length=100)] = msgspec.field(name="Metrics")


class Metadata(Struct, forbid_unknown_fields=True):
    timestamp: int = msgspec.field(name="Timestamp")
    directives: list[Directive] = msgspec.field(name="CloudWatchMetrics")


class Document(Struct):
    aws: Metadata = msgspec.field(name="_aws")


def test_a_line_is_what_cloudwatch_takes():
    meter = Meter()
    meter.count("gaps")
    meter.observe("log_write_s", 0.2)

    text = json.dumps(meter.line(1_795_338_902.4171))

    document, members = msgspec.json.decode(text, type=Document), json.loads(text)
    assert document.aws.timestamp == 1_795_338_902_417
    (directive,) = document.aws.directives
    for key in directive.dimensions[0]:
        assert isinstance(members[key], str)
    for metric in directive.metrics:
        assert type(members[metric.name]) in {int, float}
    assert members.keys() == {"_aws", "service", *(metric.name for metric in directive.metrics)}
    assert len(text) < 256 * 1024


def test_no_two_metrics_have_one_name():
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_the_line_knows_no_call():
    assert Meter().line(0)["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


def test_what_is_counted_is_counted_once():
    meter = Meter()
    meter.count("gaps")
    meter.count("gaps", 2)

    assert meter.line(0)["gaps"] == 3
    assert meter.line(0)["gaps"] == 0


def test_a_followed_ledger_enters_by_how_much_it_grew():
    meter = Meter()
    ledger = {"heard_bytes": 100, "something else": 7}
    meter.count("heard_bytes", 1)
    followed = meter.follow(lambda: ledger)

    assert meter.line(0)["heard_bytes"] == 101
    ledger["heard_bytes"] = 160
    assert meter.line(0)["heard_bytes"] == 60
    ledger["heard_bytes"] = 170
    followed.close()
    ledger["heard_bytes"] = 1000
    assert meter.line(0)["heard_bytes"] == 10
    assert meter.line(0)["heard_bytes"] == 0


def test_a_ledger_that_is_followed_as_a_context_is_complete_whatever_ended_it():
    meter = Meter()
    with pytest.raises(ZeroDivisionError), meter.follow(lambda: {"sent_bytes": 5}):
        raise ZeroDivisionError

    assert meter.line(0)["sent_bytes"] == 5


def test_present_values_are_added_up_and_the_largest_is_told():
    meter = Meter()
    meter.follow(lambda: {"unacknowledged_s": 1.5})
    last = meter.follow(lambda: {"unacknowledged_s": 4.0})
    meter.gauge("live", lambda: 2)

    line = meter.line(0)
    assert (line["unacknowledged_s"], line["unacknowledged_max_s"], line["live"]) == (5.5, 4.0, 2)
    last.close()
    assert meter.line(0)["unacknowledged_max_s"] == 1.5


def test_durations_are_told_by_their_longest_and_their_slowest_hundredth():
    meter = Meter()
    for _ in range(199):
        meter.observe("log_write_s", 0.01)
    meter.observe("log_write_s", 9.0)

    line = meter.line(0)
    assert line["log_write_max_s"] == 9.0
    assert 0.01 <= line["log_write_p99_s"] < 0.012
    assert meter.line(0)["log_write_max_s"] == 0


def test_names_that_the_table_lacks_are_refused():
    meter = Meter()

    with pytest.raises(KeyError):
        meter.count("calls")
    with pytest.raises(KeyError):
        meter.count("live")
    with pytest.raises(KeyError):
        meter.observe("log_write_max_s", 1.0)
    with pytest.raises(KeyError):
        meter.gauge("weather", lambda: 1.0)


def test_malformed_messages_are_counted_by_kind_and_strange_kinds_together():
    meter = Meter()
    for kind in ("json", "json", "something new"):
        meter.count_malformed(kind)

    line = meter.line(0)
    assert (line["malformed_json"], line["malformed_other"]) == (2, 1)


def test_every_kind_of_malformed_message_from_a_carrier_is_in_the_table():
    folders = (ROOT / "bridge" / "dialects", ROOT / "bridge" / "rtp")
    sources = [path.read_text() for folder in folders for path in sorted(folder.rglob("*.py"))]

    assert {kind for text in sources for kind in re.findall(r'kind="(\w+)"', text)} <= set(MALFORMED)


async def test_the_last_line_is_written_when_the_process_ends():
    meter, lines = Meter(), []
    first = asyncio.Event()

    def write(text: str) -> None:
        lines.append(json.loads(text))
        first.set()

    reporting = asyncio.create_task(report(meter, write, every_s=0))
    await first.wait()
    meter.count("gaps", 7)
    reporting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reporting

    assert lines[0]["gaps"] == 0
    assert lines[-1]["gaps"] == 7


async def test_a_process_that_comes_back_late_to_its_work_is_seen():
    meter = Meter()
    times = iter([100.0, 100.25])
    asked_again = asyncio.Event()

    def clock() -> float:
        if (now := next(times, None)) is None:
            asked_again.set()
        return now or 101.0

    pulse = asyncio.create_task(feel_pulse(meter, every_s=0, clock=clock))
    await asked_again.wait()
    pulse.cancel()

    assert meter.line(0)["late_max_s"] == 0.25


def test_a_deployments_metrics_are_its_own():
    (directive,) = Meter("callscribe/dev").line(0)["_aws"]["CloudWatchMetrics"]

    assert directive["Namespace"] == "callscribe/dev"
