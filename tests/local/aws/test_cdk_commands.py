"""CDK's own commands, as whoever deploys types them, against the local AWS: bootstrap, deploy, again, destroy."""

from __future__ import annotations

import asyncio
import json
import re
import shutil

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from callscribe.api_keys import ApiKeys
from callscribe.dynamodb import perform
from local.aws.adaptation import ANYWHERE, LEFT_OUT
from local.aws.adapted_app import adapt_assembly
from local.aws.engine import Engine
from tests.local.aws.cdk_project import Project
from tests.local.aws.deployed_system import CALL_ID, KEY, STACKS, TWILIO, Before, System
from tests.local.aws.tls_front import fronting

# In the order of the file: each step goes on where the one before it ended. It fills a machine, as others do.
pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(400)]

SETTINGS = {"default": {"then": {"say": "Good evening."}}}


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """An account in which nothing is deployed yet."""
    engine = Engine(tmp_path_factory.mktemp("engine"))
    with asyncio.Runner() as runner:
        runner.run(engine.start())
        yield System(engine.root)
        runner.run(engine.stop())


@pytest.fixture(scope="module")
def project(system, tmp_path_factory):
    with fronting(system.root.url, tmp_path_factory.mktemp("certificate")) as front:
        yield Project.copy(tmp_path_factory.mktemp("project"), front=front, root=system.root)


@pytest.fixture(scope="module")
def adapted(templates, tmp_path_factory):
    """The app as it is synthesized for all tests, and adapted; later deployments run the app themselves."""
    folder = tmp_path_factory.mktemp("adapted") / "cdk.out"
    shutil.copytree(templates, folder)
    adapt_assembly(folder)
    return folder


@pytest.fixture(scope="module")
def deployed(system, project, adapted):
    """The first deployment, with what its operator does then: Twilio's secret, and a key for a product."""
    project.cdk("bootstrap", "--app", str(adapted))
    said = project.deploy(app=str(adapted))
    value = json.dumps({"auth_token": TWILIO.auth_token})
    secrets = system.root.client("secretsmanager")
    secrets.put_secret_value(SecretId=system.variable("voice", "TWILIO_SECRET"), SecretString=value)
    perform(system.root.client("dynamodb"), ApiKeys(system.outputs()["KeysTable"]).add(KEY))
    return said


@pytest.fixture(scope="module")
def a_call(system, deployed):
    """What Twilio was answered when a call came, and when it was over."""
    return system.tell("VoiceUrl", CallStatus="ringing", Direction="inbound"), system.tell(
        "StatusUrl", CallStatus="completed", CallDuration="7", SequenceNumber="3"
    )


@pytest.fixture(scope="module")
def changed(system, project, a_call):
    """A deployment after one function was changed; what was there before."""
    before = Before.of(system)
    project.change("functions/calls/openapi.py", '"title": "callscribe"', '"title": "changed"')
    project.deploy()
    return before


@pytest.fixture(scope="module")
def configured(system, project, changed):
    """A deployment with other context; what was there before."""
    before = Before.of(system)
    (project.folder / "settings.json").write_text(json.dumps(SETTINGS))
    project.deploy("tasks=0", "jwt_tenant_claim=org", "settings=settings.json")
    return before


@pytest.fixture(scope="module")
def destroyed(system, project, configured):
    """All stacks gone, as last synthesized; what was there before."""
    before = Before.of(system)
    project.cdk("destroy", "--all", "--force", "--app", "cdk.out")
    return before


def test_what_is_deployed_here_is_what_is_synthesized_but_for_what_is_adapted_and_the_image(templates, adapted):
    def read(folder):
        return {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}

    before, after = read(templates), read(adapted)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"Api.template.json", "Bridge.assets.json", "Bridge.template.json", "Data.template.json"}
    (image,) = before["Bridge.assets.json"].pop("dockerImages").values()
    assert after["Bridge.assets.json"].pop("dockerImages") == {}
    assert after["Bridge.assets.json"] == before["Bridge.assets.json"]
    assert image["source"]["dockerFile"] == "bridge/Dockerfile"
    gone = [
        resource["Type"]
        for name in ("Bridge.template.json", "Data.template.json")
        for key, resource in before[name]["Resources"].items()
        if key not in after[name]["Resources"]
    ]
    assert set(gone) == set(LEFT_OUT)
    resources = before["Api.template.json"]["Resources"]
    others = {key for key, resource in resources.items() if after["Api.template.json"]["Resources"][key] != resource}
    assert {resources[key]["Type"] for key in others} == {"AWS::IAM::Policy"}
    assert all(any(action in json.dumps(resources[key]) for action in ANYWHERE) for key in others)


def test_deploying_goes_by_the_roles_and_the_bucket_of_bootstrap(deployed, system):
    account = system.root.account
    assumed = set(re.findall(r"Assuming role 'arn:aws:iam::\d+:role/cdk-hnb659fds-([\w-]+)-role-", deployed))
    keys = system.root.client("s3").list_objects_v2(Bucket=f"cdk-hnb659fds-assets-{account}-us-east-1")["Contents"]

    assert {"deploy", "file-publishing"} <= assumed
    assert len([each for each in keys if each["Key"].endswith(".zip")]) == len(system.functions()) == 13


def test_every_stack_is_there(deployed, system):
    described = system.root.client("cloudformation").describe_stacks()["Stacks"]

    states = {each["StackName"]: each["StackStatus"] for each in described}
    assert states == dict.fromkeys(("CDKToolkit", *STACKS), "CREATE_COMPLETE")


def test_a_webhook_that_nobody_signed_is_refused(deployed, system):
    assert httpx.post(system.address("VoiceUrl"), data={"CallSid": CALL_ID}, timeout=30).status_code == 403


def test_a_call_is_sent_to_the_bridge_that_was_deployed_and_stands_in_the_log(a_call, system):
    opened, closed = a_call

    assert opened.status_code == 200, opened.text
    assert f'<Stream url="{system.outputs()["MediaUrl"]}/' in opened.text
    assert closed.status_code == 204
    kinds = [item["kind"]["S"] for item in system.items("Calls") if "kind" in item]
    assert kinds == ["call.started", "call.ended"]


def test_a_product_finds_the_call_and_a_stranger_does_not(a_call, system):
    found = system.ask("GET", "/v1/calls").json()["calls"]

    assert [each["call_id"] for each in found] == [CALL_ID]
    assert httpx.get(f"{system.address('ApiUrl')}/v1/calls", timeout=30).status_code == 401


async def test_clients_need_a_ticket_to_follow_calls(deployed, system):
    push_url = system.address("PushUrl")
    for address, status in ((push_url, 401), (f"{push_url}?ticket=forged", 403)):
        with pytest.raises(InvalidStatus) as refused:
            await connect(address)
        assert refused.value.response.status_code == status

    ticket = await asyncio.to_thread(system.ask, "POST", "/v1/tickets", json={"calls": [CALL_ID]})
    async with connect(system.here(ticket.json()["url"])) as client:
        await (await client.ping())


def test_a_second_deployment_replaces_the_function_that_changed_and_no_other(changed, system):
    after = system.functions()

    hashes = {folder: each["CodeSha256"] for folder, each in changed.functions.items()}
    assert {folder for folder, each in after.items() if each["CodeSha256"] != hashes[folder]} == {"calls"}
    assert system.ask("GET", "/v1/openapi.json").json()["info"]["title"] == "changed"


def test_it_keeps_the_addresses_and_what_was_written(changed, system):
    assert system.outputs() == changed.outputs
    assert system.tables() == changed.tables
    assert system.items("Calls") == changed.calls
    assert [each["call_id"] for each in system.ask("GET", "/v1/calls").json()["calls"]] == [CALL_ID]


def test_context_of_the_command_line_reaches_what_is_deployed(configured, system):
    (cluster,) = system.physical("bridge", "AWS::ECS::Cluster")
    (service,) = system.physical("bridge", "AWS::ECS::Service")
    (described,) = system.root.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    settings = system.root.client("ssm").get_parameter(Name=system.variable("voice", "SETTINGS_PARAMETER"))

    assert described["desiredCount"] == 0  # it was 1, what a service has that nothing is said of
    assert system.variable("calls", "TENANT_CLAIM") == "org"
    assert json.loads(settings["Parameter"]["Value"]) == SETTINGS


def test_an_update_of_the_stack_with_the_tables_and_secrets_leaves_what_is_in_them(configured, system):
    described = system.root.client("cloudformation").describe_stacks(StackName="callscribe-dev-data")["Stacks"]
    secret = system.variable("voice", "TWILIO_SECRET")
    value = system.root.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]

    assert [each["StackStatus"] for each in described] == ["UPDATE_COMPLETE"]
    assert system.tables() == configured.tables
    assert system.items("Calls") == configured.calls
    assert json.loads(value) == {"auth_token": TWILIO.auth_token}


def test_destroying_keeps_calls_keys_and_webhooks_and_nothing_else_that_is_used(destroyed, system):
    assert system.tables() == [each for each in destroyed.tables if re.search("-(Calls|Keys|Webhooks)Table", each)]
    assert system.items("Calls") == destroyed.calls
    assert len(system.items("Keys")) == 1
    assert system.functions() == {}
    assert system.root.client("apigatewayv2").get_apis()["Items"] == []
    left = system.root.client("cloudformation").describe_stacks()["Stacks"]
    assert [each["StackName"] for each in left] == ["CDKToolkit"]
