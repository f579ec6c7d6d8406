"""Each right of each role is needed: without it something fails, at this right, and with it it works again."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from local.aws.cloudformation import DeployError
from local.aws.settle import STREAM_ACTIONS, demand
from tests.path.rights.act import NOT_DONE
from tests.path.rights.right import Right, rights
from tests.path.rights.scenarios import SCENARIOS

# What nothing asks for here, by how the action, and what it is on, begin: who does on AWS.
NOT_ASKED_FOR = {
    "sqs:DeleteMessage": "Lambda, once a message's events are done with; the local AWS deletes it itself",
    "sqs:GetQueueAttributes": "Lambda, to know how many messages wait; there is no need here",
    "sqs:ReceiveMessage": "Lambda, to bring messages to a function; the local AWS takes them out itself",
    "glue:": "Athena, under the role of who searches, to know the archive's columns; the local one looks itself",
    "s3:GetBucketLocation": "as above, to know where the archive is",
    "s3:PutObject ARCHIVE_BUCKET/athena/": "as above, to leave what the search has found",
    "logs:": "Lambda, ECS and API Gateway, to write logs; the local AWS writes those of functions itself",
    "xray:": "the X-Ray daemon beside a function, to send its traces; there is none here",
    "ecr:": "ECS, to fetch the bridge's image; here the bridge is started as a process",
    "ecs:UpdateTaskProtection": "ECS's agent beside the bridge, whose protection it sets; there is none here",
}
# AWS itself acts under the first two; the page's function asks for nothing.
WITHOUT_A_SCENARIO = {"AccountLogsRole", "ServiceStartRole", "PageFunctionRole"}
# What the local AWS judges by another resource than AWS does, any stream and the cluster: there it is refused to all,
# so that it is only looked up in the policies, as the deployment does for the stream.
JUDGED_WRONGLY = {
    "PublishFunctionRole": rights("CALLS_STREAM", *STREAM_ACTIONS),
    "PushFunctionRole": rights("CALLS_STREAM", *STREAM_ACTIONS),
    "ServiceRole": rights("BRIDGE_SERVICE", "ecs:DescribeServices"),
}
KEPT = {"secretsmanager", "ssm"}


@pytest.fixture(params=sorted(SCENARIOS))
def role(request, deployment):
    return deployment.roles[request.param]


# What Athena does under the role of who searches; the local one looks itself.
ATHENAS = {
    "CallsFunctionRole": {
        Right("s3:GetObject", f"ARCHIVE_BUCKET/{prefix}/*") for prefix in ("entries", "joined", "athena")
    }
}


def asked_for(role):
    granted = role.granted() - JUDGED_WRONGLY.get(role.logical, set()) - ATHENAS.get(role.logical, set())
    return {right for right in granted if not " ".join(right).startswith(tuple(NOT_ASKED_FOR))}


async def test_a_process_asks_for_all_its_role_may_do_and_without_any_of_it_something_fails(deployment, role):
    granted, witness = asked_for(role), deployment.witness
    async with SCENARIOS[role.logical](deployment) as scenario:
        taken = await done(scenario, witness)
        assert set(taken) == granted == scenario.needs()

        # What is kept once it was read comes first, in the order of reading, or withholding it would not show.
        await scenario.start_anew()
        denied = {}
        for right in sorted(taken, key=lambda right: right.service not in KEPT):
            with role.without(right):
                witness.begin()
                with pytest.raises(NOT_DONE):
                    await scenario.act_with(right).do()
                denied[right] = set(witness.denied)
        assert denied == {right: {right} for right in granted}

        await done(scenario, witness)


async def done(scenario, witness):
    """Do everything, and return the rights that it took, in their order."""
    await scenario.start_anew()
    taken = {}
    for act in scenario.acts:
        witness.begin()
        await act.do()
        assert witness.denied == set(), act.claim
        assert set(witness.requests) <= act.needs, act.claim
        taken.update(dict.fromkeys(witness.requests))
    return list(taken)


def test_what_is_judged_wrongly_here_is_refused_in_spite_of_the_policies(deployment):
    stream, _, service = judged(deployment)
    publish, push, bridge = (
        deployment.stack.root.assume(deployment.roles[name].arn, session_name="a-probe") for name in JUDGED_WRONGLY
    )

    for reader in (publish, push):
        with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DescribeStream"):
            reader.client("dynamodbstreams").describe_stream(StreamArn=stream)
    with pytest.raises(ClientError, match="not authorized to perform: ecs:DescribeServices"):
        bridge.client("ecs").describe_services(cluster=service.split("/")[1], services=[service])


def test_what_is_judged_wrongly_here_is_in_the_policies_each_action_once(deployment):
    for (name, expected), resource in zip(JUDGED_WRONGLY.items(), judged(deployment), strict=True):
        role = deployment.roles[name]
        demanded = {"role": role.arn, "resource": resource, "root": role.root}
        actions = sorted(right.action for right in expected)

        for right in expected:
            with role.without(right), pytest.raises(DeployError, match=f"may not {right.action} on"):
                demand(actions, **demanded)
        demand(actions, **demanded)


def judged(deployment):
    """Return the stream's ARN, for both of its readers, and the bridge's service's."""
    ecs = deployment.stack.root.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (service,) = ecs.list_services(cluster=cluster)["serviceArns"]
    stream = deployment.stack.mappings["push"].mapping.stream_arn
    return stream, stream, service


def test_no_role_is_left_out(deployment):
    assert set(deployment.roles) == {*SCENARIOS, *WITHOUT_A_SCENARIO}
    assert not any(asked_for(deployment.roles[name]) for name in WITHOUT_A_SCENARIO)


def test_what_is_not_asked_for_here_is_granted_to_someone(deployment):
    granted = [" ".join(right) for role in deployment.roles.values() for right in role.granted()]

    for beginning in NOT_ASKED_FOR:
        assert any(right.startswith(beginning) for right in granted), beginning
