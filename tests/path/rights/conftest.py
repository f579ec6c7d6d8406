"""The product's own functions and roles, deployed once to a local AWS; nothing is asked of it but by the tests."""

from __future__ import annotations

import asyncio

import pytest

from local.aws import LocalAws
from local.synthesis import synthesized
from tests.path.rights.deployment import SECRETS, SETTINGS, Deployment
from tests.path.rights.right import Names
from tests.path.rights.role import Role
from tests.path.rights.witness import Witness

MEDIA_URL = "ws://127.0.0.1:8080"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    # On one worker, so that one deployment serves all.
    for item in items:
        if "deployment" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("rights"))
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def deployment(tmp_path_factory):
    aws = LocalAws(tmp_path_factory.mktemp("rights"))
    with asyncio.Runner() as runner:
        runner.run(aws.engine.start())
        try:
            stack = runner.run(aws.deploy(synthesized(), secrets=SECRETS, media_url=MEDIA_URL))
            yield from deployed(stack)
        finally:
            runner.run(aws.engine.stop())


def deployed(stack):
    functions = stack.root.client("lambda")
    environments = {
        folder: functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for folder, name in stack.functions.items()
    }
    names = Names(
        [*environments.values(), stack.bridge],
        stream_arn=stack.mappings["push"].mapping.stream_arn,
        queues={
            **{each.mapping.failure_queue_arn: f"{name.upper()}_FAILURES" for name, each in stack.mappings.items()},
            **{arn: f"{name.upper()}_QUEUE" for name, arn in stack.queues.items()},
        },
    )
    ssm, events = stack.root.client("ssm"), stack.root.client("events")
    ssm.put_parameter(Name=environments["voice"]["SETTINGS_PARAMETER"], Value=SETTINGS, Type="String", Overwrite=True)
    for rule in events.list_rules()["Rules"]:  # the minute's sweep would be seen among what the tests ask
        events.disable_rule(Name=rule["Name"])
    found = [Role(each["RoleName"], stack.root, names) for each in stack.root.client("iam").list_roles()["Roles"]]
    with Witness(stack.root.url, names).listening() as witness:
        yield Deployment(stack, witness, environments, {role.logical: role for role in found})
