"""Synthesized templates, read as the names that people would use."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Resource: TypeAlias = dict[str, Any]
Rights: TypeAlias = dict[str, set[str]]  # what may be done, by what it may be done to


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one synth, by the CDK's id of their stack."""

    stacks: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, outdir: Path) -> Templates:
        return cls(
            {
                name: json.loads((outdir / f"{name}.template.json").read_text())
                for name in ("Data", "Api", "Web", "Bridge", "Watch")
            }
        )

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Return all resources of type `kind`, by their names: what the constructs are called, one after another."""
        return {
            _name(key): resource
            for stack in self.stacks.values()
            for key, resource in stack["Resources"].items()
            if resource["Type"] == kind
        }

    def only(self, kind: str) -> dict[str, Any]:
        """Return the properties of the one resource of type `kind`."""
        (resource,) = self.of_type(kind).values()
        properties: dict[str, Any] = resource["Properties"]
        return properties

    def text(self, value: Any) -> str:
        """Return `value` as text in which a reference reads {Name} or {Name.Attribute}, whichever stack it is in."""
        if isinstance(value, str):
            return value
        match value:
            case {"Ref": name}:
                return "{" + _name(name) + "}"
            case {"Fn::GetAtt": [name, attribute]}:
                return "{" + f"{_name(name)}.{attribute}" + "}"
            case {"Fn::Join": [between, parts]}:
                return str(between).join(self.text(part) for part in parts)
            case {"Fn::Sub": text}:
                return str(text)
            case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output}}:
                producer = self.stacks[str(stack).rsplit("-", 1)[1].title()]
                return self.text(producer["Outputs"][output]["Value"])
        raise ValueError(f"no reference: {value}")

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of `stack` that are for people."""
        return {
            name: self.text(output["Value"])
            for name, output in self.stacks[stack]["Outputs"].items()
            if not name.startswith("PublishOutput")
        }

    def rights(self, role: str) -> Rights:
        """Return all that the role called `role` may do."""
        rights: Rights = defaultdict(set)
        for statement in self._statements(role):
            assert statement["Effect"] == "Allow"
            assert "Condition" not in statement
            for resource in _list(statement["Resource"]):
                rights[self.text(resource)].update(_list(statement["Action"]))
        return dict(rights)

    def roles(self) -> list[str]:
        return list(self.of_type("AWS::IAM::Role"))

    def _statements(self, role: str) -> list[dict[str, Any]]:
        properties = self.of_type("AWS::IAM::Role")[role]["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [
            policy["Properties"]["PolicyDocument"]
            for policy in self.of_type("AWS::IAM::Policy").values()
            if "{" + role + "}" in map(self.text, policy["Properties"]["Roles"])
        ]
        managed = self.of_type("AWS::IAM::ManagedPolicy")
        for arn in properties.get("ManagedPolicyArns", []):
            documents.append(managed[self.text(arn).strip("{}")]["Properties"]["PolicyDocument"])
        return [statement for document in documents for statement in document["Statement"]]


def _name(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
