"""What the bridge counts, read back from where it was told."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from bridge.meter import METRICS, SERVICE, Meter
from local.cli import app
from local.counts.cloudwatch import read_minutes
from local.counts.lines import Line, total
from local.counts.log import read_lines
from local.counts.shown import GROUPS


def line(at_s: float, **values: float) -> Line:
    return Line(at_s, values)


def written(at_s: float, **counted: int) -> str:
    """A line as the bridge writes it."""
    meter = Meter()
    for name, n in counted.items():
        meter.count(name, n)
    return json.dumps(meter.line(at_s), separators=(",", ":")) + "\n"


def test_what_was_added_is_summed_and_what_is_now_is_the_newest():
    counts = total([line(2, gaps=3, live=1, log_write_max_s=0.1), line(1, gaps=4, live=9, log_write_max_s=0.7)])

    assert (counts["gaps"], counts["live"], counts["log_write_max_s"]) == (7, 1, 0.7)


def test_every_metric_is_shown_once():
    shown = [name for rows in GROUPS.values() for row in rows for name in row.metrics]

    assert sorted(shown) == sorted(metric.name for metric in METRICS)


def test_the_log_is_read_back_to_the_moment_asked_for(tmp_path):
    log = tmp_path / "bridge.log"
    noise = '{"message":"listening"}\nno JSON\n{"_aws":{"Timestamp":9000},"service":"another"}\n'
    log.write_text(written(1000, gaps=1) + noise + written(2000, gaps=2) + written(2005, gaps=4) + '{"_aws":{"Time')

    assert [(each.at_s, each.values["gaps"]) for each in read_lines(log, since_s=1500)] == [(2000, 2), (2005, 4)]


def test_a_long_log_is_read_from_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("local.counts.log._BLOCK_BYTES", 1000)  # a line is longer
    log = tmp_path / "bridge.log"
    log.write_text("".join(written(at_s, gaps=at_s) for at_s in range(1, 30)))

    assert [each.values["gaps"] for each in read_lines(log, since_s=20)] == list(range(20, 30))


@pytest.fixture
def cloudwatch(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="eu-west-1")


def tell(cloudwatch, at_s: float, **values: float) -> None:
    """Put what a task of the bridge told."""
    dimensions = [{"Name": "service", "Value": SERVICE}]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": datetime.fromtimestamp(at_s, UTC), "Value": value}
        for name, value in values.items()
    ]
    cloudwatch.put_metric_data(Namespace="callscribe/dev", MetricData=data)


def test_cloudwatch_tells_of_all_tasks_by_the_minute(cloudwatch):
    minute = int(time.time()) // 60 * 60
    tell(cloudwatch, minute - 110, gaps=5, live=8, unacknowledged_max_s=1)
    for live in (2, 3):  # two tasks
        tell(cloudwatch, minute - 50, gaps=1, live=live, unacknowledged_max_s=live)
    tell(cloudwatch, minute + 1, gaps=100, live=100)  # the minute that goes on

    counts = total(read_minutes(cloudwatch, stage="dev", now_s=minute + 2, minutes=5))

    assert (counts["gaps"], counts["live"], counts["unacknowledged_max_s"]) == (7, 5, 3)


def test_each_stage_has_metrics_of_its_own():
    """Moto passes over the namespace of a metric that has dimensions, so what is asked is looked at."""

    class Asked:
        def get_paginator(self, _operation: str) -> Asked:
            return self

        def paginate(self, *, MetricDataQueries, **_times):  # noqa: N803 - boto3 has it so
            self.metrics = [query["MetricStat"]["Metric"] for query in MetricDataQueries]
            return []

    asked = Asked()
    read_minutes(asked, stage="prod", now_s=1_795_000_000, minutes=5)

    assert [metric["MetricName"] for metric in asked.metrics] == [metric.name for metric in METRICS]
    assert {metric["Namespace"] for metric in asked.metrics} == {"callscribe/prod"}


def test_status_asks_cloudwatch_for_a_stage(cloudwatch):
    tell(cloudwatch, time.time() - 60, live=4, entries_lost=1)

    result = CliRunner().invoke(app, ["status", "--stage", "dev", "--region", "eu-west-1"])

    assert result.exit_code == 0
    assert "media streams now" in result.output
    assert "4" in next(row for row in result.output.splitlines() if "media streams now" in row)


def test_status_says_what_to_do_where_nothing_was_counted(cloudwatch):
    result = CliRunner().invoke(app, ["status", "--stage", "dev", "--region", "eu-west-1"])

    assert result.exit_code == 2
    assert "callscribe doctor" in result.output


def test_status_of_a_laptop_that_is_not_up_says_so(tmp_path):
    result = CliRunner().invoke(app, ["status", "--state", str(tmp_path)])

    assert result.exit_code == 2
    assert "callscribe up" in result.output
