"""A role of the deployment: what its policies allow, and the same without one right."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.path.rights.clients import client
from tests.path.rights.right import Right

if TYPE_CHECKING:
    from local.aws.access import Access
    from tests.path.rights.right import Names


@dataclass(frozen=True, slots=True)
class Role:
    """One role, changed by the account's root. The local AWS reads its policies anew at each request."""

    name: str  # in IAM
    root: Access
    names: Names

    @property
    def logical(self) -> str:
        """The role's name in its template, as `tests/infra/test_rights.py` has it."""
        return re.fullmatch(r"callscribe-dev-[a-z]+-(\w+?)[0-9A-F]{8}-\w+", self.name)[1]

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.root.account}:role/{self.name}"

    def granted(self) -> set[Right]:
        """Return all that the policies allow, one action on one resource at a time."""
        documents = [*self._inline().values(), *self._managed().values()]
        return {right for document in documents for right in self._rights(document)}

    @contextlib.contextmanager
    def without(self, right: Right) -> Iterator[None]:
        """Withhold `right`, and nothing else, while inside."""
        iam = client(self.root, "iam")
        inline = {name: each for name, each in self._inline().items() if right in self._rights(each)}
        managed = {arn: each for arn, each in self._managed().items() if right in self._rights(each)}
        assert inline or managed
        for arn, document in managed.items():
            assert self._rights(document) == {right}  # others have it too, so it is detached as a whole
            iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
        for name, document in inline.items():
            self._put(name, self._less(document, right))
        try:
            yield
        finally:
            for name, document in inline.items():
                self._put(name, document)
            for arn in managed:
                iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)

    def _inline(self) -> dict[str, Any]:
        iam = client(self.root, "iam")
        names = iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        return {name: iam.get_role_policy(RoleName=self.name, PolicyName=name)["PolicyDocument"] for name in names}

    def _managed(self) -> dict[str, Any]:
        iam = client(self.root, "iam")
        documents = {}
        for attached in iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            documents[arn] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return documents

    def _put(self, name: str, document: Any) -> None:
        text = json.dumps(document)
        client(self.root, "iam").put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=text)

    def _rights(self, document: Any) -> set[Right]:
        return {
            Right(action, self.names.of(resource))
            for statement in document["Statement"]
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    def _less(self, document: Any, right: Right) -> Any:
        """Return `document`, a statement for each right, without `right`."""
        return {
            **document,
            "Statement": [
                {**statement, "Action": action, "Resource": resource}
                for statement in document["Statement"]
                for action in listed(statement["Action"])
                for resource in listed(statement["Resource"])
                if Right(action, self.names.of(resource)) != right
            ],
        }


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
