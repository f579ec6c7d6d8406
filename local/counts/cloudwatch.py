"""The lines of counts as CloudWatch keeps them: one a minute, all tasks of the bridge together."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final, Literal

from bridge.meter import METRICS, SERVICE, Kind, Metric
from local.counts.lines import Line

MINUTE_S: Final = 60


def read_minutes(cloudwatch: Any, *, stage: str, now_s: float, minutes: int) -> list[Line]:
    """Return a stage's last whole `minutes` before `now_s`, those of which anything is known; blocks.

    `cloudwatch` is a boto3 client. The minute that goes on is left out, as some tasks have not told of it yet.
    """
    end_s = int(now_s) // MINUTE_S * MINUTE_S
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(place, metric, f"callscribe/{stage}") for place, metric in enumerate(METRICS)],
        StartTime=datetime.fromtimestamp(end_s - minutes * MINUTE_S, UTC),
        EndTime=datetime.fromtimestamp(end_s, UTC),
    )
    values: dict[float, dict[str, float]] = defaultdict(dict)
    for page in pages:
        for series in page["MetricDataResults"]:
            name = METRICS[int(series["Id"].removeprefix("m"))].name
            for moment, value in zip(series["Timestamps"], series["Values"], strict=True):
                values[moment.timestamp()][name] = value
    return [Line(at_s, told) for at_s, told in sorted(values.items())]


def _query(place: int, metric: Metric, namespace: str) -> dict[str, Any]:
    return {
        "Id": f"m{place}",
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": "service", "Value": SERVICE}],
            },
            "Period": MINUTE_S,
            "Stat": _statistic(metric.kind),
        },
    }


def _statistic(kind: Kind) -> Literal["Sum", "Maximum"]:
    """Return what makes one number of those of several tasks: each writes one a minute."""
    return "Sum" if kind in {Kind.ADDED, Kind.SUM} else "Maximum"
