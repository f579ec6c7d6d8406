"""What stops how many calls there are at once: quotas of others, and numbers of our own, against what an hour needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bench.costs.usage import SECONDS, Hour

MOST: Final = 1_000_000  # calls that are looked at

_GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
_SOCKETS = "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html"
_TABLES = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"
_NEW_TABLE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html"
_FARGATE = "https://docs.aws.amazon.com/general/latest/gr/ecs-service.html"
_TARGETS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html"
_LAMBDA = "https://serverlessland.com/content/service/lambda/guides/aws-lambda-operator-guide/scaling-concurrency"
_SERVICE = "https://oneuptime.com/blog/post/2026-02-12-configure-ecs-service-quotas-limits/view (a third party)"
_EDGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"
_WARM = "new tables grow by themselves, to twice the last peak within 30 minutes: let calls grow so, or warm it before"


@dataclass(frozen=True, slots=True)
class Limit:
    """So much of it there is; `needed` tells how much an hour's calls take, on average, of the same unit."""

    what: str
    there_is: Decimal
    needed: Callable[[Hour], Decimal]
    then: str  # what to do about it
    source: str

    def holds(self, hour: Hour) -> bool:
        """Return whether that is enough."""
        return self.needed(hour) <= self.there_is

    def most_calls(self) -> int:
        """Return how many calls at once it is enough for, MOST at most."""
        low, high = 0, MOST
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.holds(Hour(middle)) else (low, middle - 1)
        return low


def _limit(what: str, there_is: str, needed: Callable[[Hour], Decimal], then: str, source: str) -> Limit:
    return Limit(what, Decimal(there_is), needed, then, source)


def _a_second(value: Decimal) -> Decimal:
    return value / SECONDS


def _from_clients(hour: Hour) -> Decimal:
    return _a_second(hour.invocations["subscribe"])


LIMITS: Final = (
    _limit("Gladia: live sessions of a paid plan", "30", lambda hour: Decimal(hour.calls),
           "a contract; then `GLADIA_SESSIONS`", "https://docs.gladia.io/chapters/limits-and-specifications/concurrency"),
    _limit("webhooks a second that the stage takes", "50", lambda hour: _a_second(hour.invocations["voice"]),
           "its throttle", "`infra/voice_api.py`"),
    _limit("tickets a second that the stage takes", "200", lambda hour: _a_second(hour.invocations["calls"]),
           "its throttle", "`infra/calls_api.py`"),
    _limit("messages from clients a second that the stage takes", "2000", _from_clients,
           "its throttle", "`infra/push_api.py`"),
    _limit("messages from clients and posts to them a second, should the stage count both (not documented)", "2000",
           lambda hour: _from_clients(hour) + _a_second(hour.posts), "its throttle", "`infra/push_api.py`"),
    _limit("API Gateway: requests a second, posts to connections among them", "10000",
           lambda hour: _a_second(hour.posts + sum((hour.invocations[name] for name in ("voice", "calls", "subscribe")),
                                                   Decimal(0))),
           "a quota that can be raised; fewer posts of partials", _GATEWAY),
    _limit("API Gateway: new connections a second", "500", lambda hour: _a_second(hour.connections),
           "a quota that can be raised", _SOCKETS),
    _limit("Lambda: executions at once", "1000", lambda hour: _a_second(sum(hour.busy_s.values(), Decimal(0))),
           "a quota that can be raised; new accounts have less",
           _LAMBDA),
    _limit("readers of the stream: ten a shard, four shards of a new table", "40",
           lambda hour: _a_second(max(hour.busy_s["push"], hour.busy_s["publish"])),
           "nothing: entries share batches, and more writes bring more shards",
           "`infra/stream_reader.py`; that a shard stands for 1,000 writes a second is not documented"),
    _limit("DynamoDB: write units a second of Calls", "40000", lambda hour: _a_second(hour.log_writes()),
           "a quota that can be raised", _TABLES),
    _limit("DynamoDB: write units a second of Calls, a new table", "4000",
           lambda hour: _a_second(hour.log_writes()), _WARM, _NEW_TABLE),
    _limit("DynamoDB: read units a second of Sessions", "40000", lambda hour: _a_second(hour.session_reads()),
           "a quota that can be raised", _TABLES),
    _limit("DynamoDB: read units a second of Sessions, a new table", "12000",
           lambda hour: _a_second(hour.session_reads()), _WARM, _NEW_TABLE),
    _limit("DynamoDB: read units a second of the partition of all tasks", "3000",
           lambda hour: hour.tasks * hour.tasks_units + _a_second(hour.begun) * hour.tasks_units,
           "can't be raised: larger tasks, or fewer looks (`EVERY_S` in `bridge/watch.py`)", _NEW_TABLE),
    _limit("DynamoDB: read units a second of the partition of all slots", "3000",
           lambda hour: _a_second(hour.begun) * hour.slots_units,
           "can't be raised: slots have to be spread over partitions (`callscribe/slots.py`)", _NEW_TABLE),
    _limit("DynamoDB: write units a second of the partition of one tenant's calls", "1000",
           lambda hour: _a_second(4 * hour.begun), "can't be raised: more tenants", _NEW_TABLE),
    _limit("DynamoDB: write units a second of the partition of calls in progress", "1000",
           lambda hour: _a_second(2 * hour.begun),
           "can't be raised", _NEW_TABLE),
    _limit("tasks that there may be", "10", lambda hour: hour.tasks, "`-c tasks_max`", "`cdk.json`"),
    _limit("Fargate: vCPU", "6", lambda hour: 2 * hour.tasks * hour.given.task_cores,
           "a quota that can be raised", f"{_FARGATE}; twice the tasks during a deployment"),
    _limit("tasks of a service", "5000", lambda hour: hour.tasks, "a quota that can be raised",
           _SERVICE),
    _limit("addresses of two /24 subnets, 251 each, less 8 each for the balancer", "486", lambda hour: 2 * hour.tasks,
           "larger subnets, before the first deployment", "`infra/network.py`; twice the tasks during a deployment"),
    _limit("network interfaces of a Region", "5000", lambda hour: 2 * hour.tasks, "a quota that can be raised",
           "quota L-DF5E4CA3, as copied into public repositories"),
    _limit("targets of a load balancer", "1000", lambda hour: 2 * hour.tasks, "a quota that can be raised", _TARGETS),
    _limit("CloudFront: Gbit/s of a distribution", "150",
           lambda hour: hour.calls * hour.given.media_bytes_a_second * 8 / 10**9, "a quota that can be raised", _EDGE),
    _limit("CloudFront: requests a second of a distribution", "250000", lambda hour: _a_second(hour.begun),
           "a quota that can be raised", _EDGE),
)  # fmt: skip
