"""The dashboard of a stage: what anybody asks first, from the top."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.function import Function
from infra.metrics import service_metric

_WIDTH: Final = 8  # three beside each other

# Title, and what is drawn in it: the bridge's metric, its statistic, what it is called there.
_OF_THE_BRIDGE: Final[tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]] = (
    ("Media streams", (("live", "Sum", "all"), ("live", "Average", "a task"))),
    (
        "Seconds from the end of an utterance to its final",
        (("final_p99_s", "Maximum", "99 of 100"), ("final_max_s", "Maximum", "the slowest")),
    ),
    (
        "Seconds that the bridge itself adds",
        (("late_p99_s", "Maximum", "99 of 100 frames"), ("log_write_p99_s", "Maximum", "99 of 100 entries, written")),
    ),
    (
        "Complete?",
        (
            ("legs_ended", "Sum", "legs ended"),
            ("legs_incomplete", "Sum", "not all of it heard by Gladia"),
            ("gap_ms", "Sum", "ms that carriers did not deliver"),
        ),
    ),
    (
        "Gladia's sessions",
        (
            ("sessions_open", "Sum", "in use"),
            ("slots_waiting", "Sum", "calls that wait for one"),
            ("slots_refused", "Sum", "calls that had none"),
        ),
    ),
    (
        "Gladia's sockets",
        (
            ("reconnects", "Sum", "opened again"),
            ("sessions_parted", "Sum", "sessions that ended early"),
            ("unacknowledged_max_s", "Maximum", "seconds unacknowledged, at most"),
        ),
    ),
    (
        "The log",
        (
            ("entries_written", "Sum", "entries written"),
            ("entries_waiting", "Sum", "waiting"),
            ("log_delays", "Sum", "attempts that failed"),
        ),
    ),
    (
        "Partials",
        (
            ("partials_shown", "Sum", "posted"),
            ("partials_skipped", "Sum", "left out"),
            ("partials_failed", "Sum", "failed"),
        ),
    ),
    (
        "Hooks",
        (
            ("hooks_asked", "Sum", "asked"),
            ("hooks_skipped", "Sum", "left out"),
            ("hooks_failed", "Sum", "not asked, as Lambda failed"),
        ),
    ),
)
_OF_PUSH: Final = (
    ("EntryAge", "Maximum", "ms from an entry to its push"),
    ("SubscribersBehind", "Sum", "not reached"),
)


class Dashboard(Construct):
    """Rows of graphs of the last hours, and the alarms on top."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        namespace: str,
        functions: Mapping[str, Function],
        alarms: Sequence[cloudwatch.Alarm],
    ) -> None:
        super().__init__(scope, construct_id)
        graphs = [
            *(_of_service(namespace, "bridge", title, metrics) for title, metrics in _OF_THE_BRIDGE),
            _of_service(namespace, "push", "Clients", _OF_PUSH),
            _of_functions("Functions: errors", functions, "Errors", "Sum"),
            _of_functions("Functions: milliseconds, 99 of 100", functions, "Duration", "p99"),
        ]
        rows = [graphs[place : place + 3] for place in range(0, len(graphs), 3)]
        status = cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=3 * _WIDTH, height=3)
        cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=name,
            default_interval=Duration.hours(3),
            widgets=[[status], *rows],
        )


def _of_service(
    namespace: str, service: str, title: str, metrics: Sequence[tuple[str, str, str]]
) -> cloudwatch.IWidget:
    drawn = [
        service_metric(namespace, service, name, statistic).with_(label=label) for name, statistic, label in metrics
    ]
    return _graph(title, drawn)


def _of_functions(title: str, functions: Mapping[str, Function], metric: str, statistic: str) -> cloudwatch.IWidget:
    minute = Duration.minutes(1)
    drawn = [
        each.resource.metric(metric, period=minute, statistic=statistic, label=name) for name, each in functions.items()
    ]
    return _graph(title, drawn)


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), width=_WIDTH, height=6, left_y_axis=cloudwatch.YAxisProps(min=0)
    )
