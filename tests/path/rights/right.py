"""A right to do one thing to one thing, by the names that the app's processes know things by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from callscribe.hooks import FUNCTION_PREFIX


class Right(NamedTuple):
    """An action of IAM, such as "dynamodb:Query", on what a variable names, such as "CALLS_TABLE/index/by-start"."""

    action: str
    on: str

    @property
    def service(self) -> str:
        return self.action.partition(":")[0]


def rights(on: str, *actions: str) -> frozenset[Right]:
    return frozenset(Right(action, on) for action in actions)


class Names:
    """What the ARNs and names of a deployment are called in the environments of its processes."""

    def __init__(
        self, environments: Iterable[Mapping[str, str]], *, stream_arn: str, queues: Mapping[str, str]
    ) -> None:
        """`queues` are the names here of queues, by their ARNs."""
        self._variables = {value: name for variables in environments for name, value in variables.items()}
        self._variables |= {stream_arn: "CALLS_STREAM", **queues}
        self._variables |= {arn.rpartition(":")[2]: name for arn, name in queues.items()}

    def of(self, resource: str) -> str:
        """Return the name of what `resource` is the ARN of, or an ARN's last part; itself if it has none."""
        if resource in self._variables:
            return self._variables[resource]
        if resource.rpartition(":")[2].startswith(FUNCTION_PREFIX):
            return f"{FUNCTION_PREFIX}*"
        if ":execute-api:" in resource:
            return "PUSH_ENDPOINT"
        if ":athena:" in resource:
            return "SEARCH_WORKGROUP"
        if ":s3:" in resource:
            bucket, _, keys = resource.rpartition(":")[2].partition("/")
            return f"{self._variables.get(bucket, bucket)}/{keys}"
        if ":ecs:" in resource:
            return {"service": "BRIDGE_SERVICE", "task": "BRIDGE_TASKS"}[resource.rpartition(":")[2].partition("/")[0]]
        last = resource.rpartition(":")[2]
        for prefix in ("table/", "parameter", "event-bus/"):
            last = last.removeprefix(prefix)
        thing, slash, rest = last.partition("/index/")
        return self._variables.get(thing, thing) + slash + rest
