"""An account on AWS as moto has it, with a deployment whose stacks say where everything is."""

from __future__ import annotations

import json

import boto3
import httpx
import pytest
from moto import mock_aws

from local.doctor.cloud import Cloud
from local.doctor.probes import Probes
from tests.tables import TABLES

REGION = "eu-west-1"
SERVICES = ("sts", "cloudformation", "ecs", "secretsmanager", "ssm", "dynamodb")
NOBODY = "http://127.0.0.1:9"
SETTINGS = {"default": {"then": {"say": "This call is transcribed."}}}
OUTPUTS = {
    "Data": {"KeysTable": "Keys"},
    "Api": {
        "VoiceUrl": f"{NOBODY}/twilio/voice",
        "StatusUrl": f"{NOBODY}/twilio/status",
        "PushUrl": "ws://127.0.0.1:9/live",
        "ApiUrl": NOBODY,
    },
    "Bridge": {"MediaUrl": "ws://127.0.0.1:9"},
    "Web": {"PageUrl": NOBODY},
    "Watch": {"AlarmsTopic": "arn:aws:sns:eu-west-1:123456789012:alarms"},
}


@pytest.fixture
def aws(monkeypatch):
    """`aws(service)`: a client of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        clients = {service: boto3.client(service, region_name=REGION) for service in SERVICES}
        clients["dynamodb"].create_table(**TABLES["Sessions"])
        yield clients.__getitem__


@pytest.fixture
def cloud(aws):
    return Cloud(aws)


@pytest.fixture
async def probes():
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Probes(http)


@pytest.fixture
def deploy(aws):
    """`deploy(**values)`: make the stacks of stage dev; `values` go over what the bridge's task is told."""

    def deploy(*, without: tuple[str, ...] = (), secrets: dict | None = None, **values: str) -> None:
        texts = {"GLADIA": {"api_key": "g-key"}, "TWILIO": {"auth_token": "t-token"}, "SIGNING": {"current": "a" * 64}}
        task = {
            "CALLS_TABLE": "Calls",
            "SUBSCRIPTIONS_TABLE": "Subscriptions",
            "SESSIONS_TABLE": "Sessions",
            "KEYS_TABLE": "Keys",
            "PUSH_ENDPOINT": NOBODY,
            "MEDIA_URL": OUTPUTS["Bridge"]["MediaUrl"],
            "GLADIA_URL": NOBODY,
            "TWILIO_URL": NOBODY,
        }
        for name, text in (texts | (secrets or {})).items():
            made = aws("secretsmanager").create_secret(Name=name, SecretString=json.dumps(text))
            task[f"{name}_SECRET"] = made["ARN"]
        for stack in OUTPUTS.keys() - set(without):
            template = _template(stack, task | values)
            aws("cloudformation").create_stack(
                StackName=f"callscribe-dev-{stack.lower()}", TemplateBody=json.dumps(template)
            )

    for name, value in {"settings": json.dumps(SETTINGS), "media-url": OUTPUTS["Bridge"]["MediaUrl"]}.items():
        aws("ssm").put_parameter(Name=f"/callscribe/dev/{name}", Value=value, Type="String")
    return deploy


def _template(stack: str, task: dict[str, str]) -> dict:
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}}
    if stack == "Bridge":
        environment = [{"Name": name, "Value": value} for name, value in task.items()]
        container = {"Name": "Bridge", "Image": "bridge", "Environment": environment, "Memory": 128}
        resources["Task"] = {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Family": "bridge", "ContainerDefinitions": [container]},
        }
    return {
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in OUTPUTS[stack].items()},
    }
