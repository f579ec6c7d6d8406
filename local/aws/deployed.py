"""What stands after the stacks are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.cloudformation import DeployError


@dataclass(frozen=True, slots=True)
class Resource:
    """One deployed resource: its type, physical id, and properties as its template has them, unresolved."""

    type: str
    id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deployed:
    """The resources of all stacks, and their outputs."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, str]

    def all(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self.resources if resource.type == kind]

    def only(self, kind: str) -> Resource:
        """Return the one resource of a type. Raises DeployError if there isn't exactly one."""
        found = self.all(kind)
        if len(found) != 1:
            raise DeployError(f"expected one {kind} in the templates, found {len(found)}")
        return found[0]
