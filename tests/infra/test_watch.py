"""What somebody is called for, and where it says what to do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from bridge.meter import METRICS
from infra.packages import ROOT

if TYPE_CHECKING:
    from tests.infra.templates import Templates

RUNBOOK = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def alarms(templates: Templates) -> dict[str, dict[str, Any]]:
    """Return each alarm's properties by its name, without the stage."""
    found = [each["Properties"] for each in templates.of_type("AWS::CloudWatch::Alarm").values()]
    return {each["AlarmName"].removeprefix("callscribe-dev-"): each for each in found}


def test_the_runbook_says_for_each_alarm_what_to_do_and_for_no_other(alarms: dict[str, dict[str, Any]]) -> None:
    paragraphs = re.findall(r"^### (.+)\n(?!\n)", RUNBOOK, re.MULTILINE)

    assert sorted(name for heading in paragraphs for name in heading.split(", ")) == sorted(alarms)
    for name, alarm in alarms.items():
        assert alarm["AlarmDescription"].endswith(f"; docs/operate.md, {name}")


def test_every_alarm_calls_somebody_and_tells_when_it_is_over(templates: Templates, alarms: dict[str, Any]) -> None:
    for alarm in alarms.values():
        assert [templates.text(each) for each in alarm["AlarmActions"]] == ["{Alarms}"]
        assert alarm["OKActions"] == alarm["AlarmActions"]


def test_alarms_and_graphs_are_of_metrics_that_the_bridge_writes(templates: Templates, alarms: dict[str, Any]) -> None:
    written = {metric.name for metric in METRICS}
    told = {alarm["MetricName"] for alarm in alarms.values() if _service(alarm.get("Dimensions", [])) == "bridge"}
    body = templates.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    text = "".join(part if isinstance(part, str) else "x" for part in body["Fn::Join"][1])
    drawn = [metric for widget in json.loads(text)["widgets"] for metric in widget["properties"].get("metrics", [])]
    of_bridge = {metric[1] for metric in drawn if metric[0] == "callscribe/dev" and "bridge" in metric}

    assert told <= written
    assert len(of_bridge) > 15
    assert of_bridge <= written


def _service(dimensions: list[dict[str, Any]]) -> Any:
    return next((each["Value"] for each in dimensions if each["Name"] == "service"), None)


def test_silence_is_no_good_sign_where_there_is_always_something_to_tell(alarms: dict[str, dict[str, Any]]) -> None:
    silent = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}

    assert silent == {"no-task", "sweep-absent"}


def test_every_function_that_calls_need_has_its_alarms(templates: Templates, alarms: dict[str, Any]) -> None:
    handlers = [each["Properties"]["Handler"] for each in templates.of_type("AWS::Lambda::Function").values()]
    functions = {handler.split(".")[1] for handler in handlers} - {"page"}

    assert {f"{name}-{what}" for name in functions for what in ("failing", "throttled")} <= set(alarms)


def test_alarms_are_taken_over_tls_only(templates: Templates) -> None:
    (statement,) = templates.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
