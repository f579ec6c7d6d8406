"""Create or update a stack, and read what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

    from local.aws.access import Access

TEMPLATES: Final = "callscribe-local-templates"
CAPABILITIES: Final = ("CAPABILITY_NAMED_IAM",)
POLL_S: Final = 0.05
LIMIT_S: Final = 120.0


class DeployError(RuntimeError):
    """The local AWS refused a stack; the message says which and why."""


class CloudFormation:
    """The stacks of one account. Blocks while a stack is made."""

    def __init__(self, root: Access) -> None:
        self._client: CloudFormationClient = root.client("cloudformation")
        self._s3: S3Client = root.client("s3")
        self._url = root.url
        self._s3.create_bucket(Bucket=TEMPLATES)

    def apply(self, name: str, template: Mapping[str, Any]) -> None:
        """Bring stack `name` to `template`. Raises DeployError."""
        # By address rather than in the request, which may hold 51,200 bytes only.
        self._s3.put_object(Bucket=TEMPLATES, Key=name, Body=json.dumps(template).encode())
        address = f"{self._url}/{TEMPLATES}/{name}"
        try:
            if self._exists(name):
                self._client.update_stack(StackName=name, TemplateURL=address, Capabilities=CAPABILITIES)
            else:
                self._client.create_stack(StackName=name, TemplateURL=address, Capabilities=CAPABILITIES)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "No updates are to be performed" in message:
                return
            if "Unrecognized resource types" in message:
                message += " (neither known to ministack nor in local.aws.adaptation.LEFT_OUT)"
            raise DeployError(f"{name}: {message}") from error
        self._await(name)

    def resources(self, name: str) -> dict[str, str]:
        """Return the physical ids of the stack's resources by their logical ids."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def outputs(self, name: str) -> dict[str, str]:
        """Return the stack's outputs, those that other stacks import left out."""
        (stack,) = self._client.describe_stacks(StackName=name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", []) if "ExportName" not in each}

    def _exists(self, name: str) -> bool:
        try:
            self._client.describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return False
            raise
        return True

    def _await(self, name: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while (status := self._client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) not in (
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
        ):
            if not status.endswith("_IN_PROGRESS") or "ROLLBACK" in status:
                raise DeployError(f"{name}: {status}: {self._why(name)}")
            if time.monotonic() > deadline:
                raise DeployError(f"{name}: still {status} after {LIMIT_S:.0f} s")
            time.sleep(POLL_S)

    def _why(self, name: str) -> str:
        events = self._client.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [
            f"{each.get('LogicalResourceId')}: {each['ResourceStatusReason']}"
            for each in reversed(events)
            if each.get("ResourceStatus", "").endswith("FAILED") and "ResourceStatusReason" in each
        ]
        return reasons[0] if reasons else "no reason given"
