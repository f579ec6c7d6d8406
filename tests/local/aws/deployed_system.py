"""The system that CDK's command line deployed, as its operator, Twilio and a product find it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from callscribe.api_keys import new_key
from callscribe.entries import timestamp
from local.aws.access import Access
from local.aws.addresses import on_loopback
from local.aws.cloudformation import CloudFormation
from local.twilio.account import Account, new_sid
from local.twilio.signing import sign_webhook

STACKS = [f"callscribe-dev-{name}" for name in ("data", "api", "web", "bridge", "watch")]
CALL_ID = new_sid("CA")
TWILIO = Account()
KEY = new_key("default", "a product", at=timestamp(datetime.now(UTC)))


@dataclass(frozen=True, slots=True)
class System:
    """What is deployed, as its operator and its users find it."""

    root: Access

    def outputs(self) -> dict[str, str]:
        formation = CloudFormation(self.root)
        return {name: value for stack in STACKS for name, value in formation.outputs(stack).items()}

    def address(self, output: str) -> str:
        return self.here(self.outputs()[output])

    def here(self, address: str) -> str:
        return on_loopback(address, port=int(self.root.url.rsplit(":", 1)[1]))

    def physical(self, stack: str, kind: str) -> list[str]:
        client = self.root.client("cloudformation")
        pages = client.get_paginator("list_stack_resources").paginate(StackName=f"callscribe-dev-{stack}")
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
        return [each["PhysicalResourceId"] for each in listed if each["ResourceType"] == kind]

    def functions(self) -> dict[str, dict]:
        """The configuration of each function, by its folder."""
        listed = self.root.client("lambda").list_functions()["Functions"]
        return {each["Handler"].split(".")[1]: each for each in listed}

    def variable(self, folder: str, name: str) -> str:
        return self.functions()[folder]["Environment"]["Variables"][name]

    def tables(self) -> list[str]:
        return self.root.client("dynamodb").list_tables()["TableNames"]

    def table(self, name: str) -> str:
        (found,) = [table for table in self.tables() if table.startswith(f"callscribe-dev-data-{name}Table")]
        return found

    def items(self, table: str) -> list[dict]:
        return self.root.client("dynamodb").scan(TableName=self.table(table))["Items"]

    def ask(self, method: str, path: str, **more) -> httpx.Response:
        headers = {"authorization": f"Bearer {KEY.text}"}
        return httpx.request(method, f"{self.address('ApiUrl')}{path}", headers=headers, timeout=30, **more)

    def tell(self, output: str, **form: str) -> httpx.Response:
        """Post a webhook as Twilio does."""
        form = {"CallSid": CALL_ID, "AccountSid": TWILIO.sid, "From": "+12025550100", "To": "+12025550101", **form}
        signature = sign_webhook(TWILIO, self.outputs()[output], form)
        headers = {"x-twilio-signature": signature}
        return httpx.post(self.address(output), data=form, headers=headers, timeout=30)


@dataclass(frozen=True, slots=True)
class Before:
    """What a deployment found."""

    functions: dict[str, dict]
    tables: list[str]
    calls: list[dict]
    outputs: dict[str, str]

    @classmethod
    def of(cls, system: System) -> Before:
        return cls(system.functions(), system.tables(), system.items("Calls"), system.outputs())
