"""What costs are computed from is what the templates say."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from bench.costs.limits import LIMITS
from bench.costs.parameters import Parameters
from bench.costs.units import INDEXES
from bench.costs.usage import MEMORY_GB
from tests.infra.test_promises import FUNCTIONS

if TYPE_CHECKING:
    from tests.infra.templates import Templates


def test_a_task_has_the_cores_and_the_memory_that_are_paid_for(templates: Templates):
    task = templates.only("AWS::ECS::TaskDefinition")

    assert int(task["Cpu"]) == Parameters().task_cores * 1024
    assert int(task["Memory"]) == Parameters().task_gb * 1024


def test_there_are_as_many_tasks_and_calls_of_each_as_are_reckoned_with(templates: Templates):
    most = templates.only("AWS::ApplicationAutoScaling::ScalableTarget")["MaxCapacity"]
    policy = templates.only("AWS::ApplicationAutoScaling::ScalingPolicy")
    (limit,) = [each for each in LIMITS if each.what == "tasks that there may be"]

    assert most == limit.there_is
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == Parameters().calls_a_task


def test_a_function_has_the_memory_that_is_paid_for(templates: Templates):
    functions = templates.of_type("AWS::Lambda::Function")
    memory = {name: functions[key]["Properties"]["MemorySize"] for key, name in FUNCTIONS.items() if name != "page"}

    assert {name: Decimal(mib) / 1024 for name, mib in memory.items()} == MEMORY_GB


def test_there_are_as_many_secrets_as_are_paid_for(templates: Templates):
    assert len(templates.of_type("AWS::SecretsManager::Secret")) == Parameters().secrets


def test_there_are_as_many_alarms_and_dashboards_as_are_paid_for(templates: Templates):
    alarms = [alarm["Properties"] for alarm in templates.of_type("AWS::CloudWatch::Alarm").values()]
    metrics = sum(sum("MetricStat" in part for part in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    scaling = 2  # a target tracking policy makes one alarm for each direction by itself

    assert metrics + scaling == Parameters().alarmed_metrics
    assert len(templates.of_type("AWS::CloudWatch::Dashboard")) == Parameters().dashboards


def test_writes_are_counted_in_the_indexes_that_there_are(templates: Templates):
    tables = templates.of_type("AWS::DynamoDB::GlobalTable")
    found = {}
    for name in INDEXES:
        (table,) = [value["Properties"] for key, value in tables.items() if key == f"{name}Table"]
        found[name] = {
            index["IndexName"]: (
                tuple(part["AttributeName"] for part in index["KeySchema"]),
                index["Projection"]["ProjectionType"],
                frozenset(index["Projection"].get("NonKeyAttributes", [])),
            )
            for index in table["GlobalSecondaryIndexes"]
        }

    assert found == {
        name: {index: (each.key, _projection(each.holds), each.holds or frozenset()) for index, each in indexes.items()}
        for name, indexes in INDEXES.items()
    }


def test_the_stages_take_as_many_requests_as_the_limits_say(templates: Templates):
    stages = templates.of_type("AWS::ApiGatewayV2::Stage")
    throttles = {
        key: stage["Properties"]["DefaultRouteSettings"]["ThrottlingRateLimit"] for key, stage in stages.items()
    }
    ours = {each.source: each.there_is for each in LIMITS if "the stage" in each.what}

    assert ours == {
        "`infra/voice_api.py`": throttles["VoiceApiStage"],
        "`infra/calls_api.py`": throttles["CallsApiStage"],
        "`infra/push_api.py`": throttles["PushApiStage"],
    }


def test_there_are_as_many_addresses_as_the_limits_say(templates: Templates):
    subnets = [subnet["Properties"]["CidrBlock"] for subnet in templates.of_type("AWS::EC2::Subnet").values()]
    sizes = [2 ** (32 - int(block.rpartition("/")[2])) - 5 for block in subnets]  # AWS keeps five of each
    (limit,) = [each for each in LIMITS if each.what.startswith("addresses")]

    assert limit.there_is == sum(size - 8 for size in sizes)


def _projection(holds: frozenset[str] | None) -> str:
    return "ALL" if holds is None else "INCLUDE" if holds else "KEYS_ONLY"
