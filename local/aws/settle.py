"""What the local AWS needs after its stacks are made: what ministack leaves out, and addresses that work here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from local.aws.addresses import OUTSIDE, on_loopback
from local.aws.cloudformation import DeployError
from local.aws.event_source_mapping import read_mapping
from local.aws.local_stack import LocalStack, Mapped

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

    from local.aws.access import Access
    from local.aws.deployed import Deployed, Resource

# What Lambda asks of a function's role before it maps a stream to it.
STREAM_ACTIONS: Final = (
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
)
# The same of a queue.
QUEUE_ACTIONS: Final = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
HANDLER: Final = re.compile(r"functions\.(?P<folder>\w+)\.handler\.handler")


def settle(
    deployed: Deployed,
    *,
    root: Access,
    secrets: Mapping[str, Mapping[str, str]],
    media_url: str,
    outside: Mapping[str, str],
) -> LocalStack:
    """Make `deployed` work on this machine and return what it offers; see `deploy`. Raises DeployError."""
    port = urlsplit(root.url).port or 80
    _set_times_to_live(deployed, root)
    _let_pages_ask(deployed, root)
    task, task_role = _task(deployed, root)
    task = {name: on_loopback(value, port=port) for name, value in task.items()} | {"MEDIA_URL": media_url}
    fill_secrets(secrets, task, root)
    functions = _point_functions_here(deployed, root, port, OUTSIDE | dict(outside))
    _set_media_url(functions, media_url, root)
    mappings, queues = _take_over_mappings(deployed, functions, root)
    return LocalStack(
        root=root,
        outputs={name: on_loopback(value, port=port) for name, value in deployed.outputs.items()},
        functions={folder: function for folder, (function, _) in functions.items()},
        keys_table=functions["calls"][1]["KEYS_TABLE"],
        bridge=task,
        bridge_access=root.assume(task_role, session_name="bridge"),
        mappings=mappings,
        queues=queues,
    )


def _set_times_to_live(deployed: Deployed, root: Access) -> None:
    # ministack ignores the property of the template.
    dynamodb: DynamoDBClient = root.client("dynamodb")
    for table in [*deployed.all("AWS::DynamoDB::GlobalTable"), *deployed.all("AWS::DynamoDB::Table")]:
        if specification := table.properties.get("TimeToLiveSpecification"):
            dynamodb.update_time_to_live(TableName=table.id, TimeToLiveSpecification=specification)


def _let_pages_ask(deployed: Deployed, root: Access) -> None:
    # ministack keeps the property as the template spells it, and looks for it as the API does: no page would be let in.
    apis: ApiGatewayV2Client = root.client("apigatewayv2")
    for api in deployed.all("AWS::ApiGatewayV2::Api"):
        if configuration := api.properties.get("CorsConfiguration"):
            apis.update_api(ApiId=api.id, CorsConfiguration=configuration)


def _task(deployed: Deployed, root: Access) -> tuple[dict[str, str], str]:
    """Return the environment of the bridge's only container, and the ARN of its role."""
    ecs: ECSClient = root.client("ecs")
    arn = deployed.only("AWS::ECS::TaskDefinition").id
    task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = task["containerDefinitions"]
    return {each["name"]: each["value"] for each in container["environment"]}, task["taskRoleArn"]


def fill_secrets(secrets: Mapping[str, Mapping[str, str]], task: Mapping[str, str], root: Access) -> None:
    """Put in the values of `secrets`, by the variable of `task` that holds the ARN. Raises DeployError."""
    manager: SecretsManagerClient = root.client("secretsmanager")
    for variable, value in secrets.items():
        if variable not in task:
            raise DeployError(f"the bridge's environment has no {variable}")
        manager.put_secret_value(SecretId=task[variable], SecretString=json.dumps(value))


def _point_functions_here(
    deployed: Deployed, root: Access, port: int, outside: Mapping[str, str]
) -> dict[str, tuple[str, dict[str, str]]]:
    """Rewrite addresses in the functions' environments; return name and environment by folder."""
    client: LambdaClient = root.client("lambda")
    functions = {}
    for resource in deployed.all("AWS::Lambda::Function"):
        configuration = client.get_function_configuration(FunctionName=resource.id)
        variables = configuration.get("Environment", {}).get("Variables", {})
        here = {name: outside.get(name, on_loopback(value, port=port)) for name, value in variables.items()}
        if here != variables:
            client.update_function_configuration(FunctionName=resource.id, Environment={"Variables": here})
        if handler := HANDLER.fullmatch(configuration["Handler"]):
            functions[handler["folder"]] = (resource.id, here)
    return functions


def _set_media_url(functions: Mapping[str, tuple[str, Mapping[str, str]]], media_url: str, root: Access) -> None:
    ssm: SSMClient = root.client("ssm")
    for name in {variables.get("MEDIA_URL_PARAMETER") for _, variables in functions.values()} - {None}:
        ssm.put_parameter(Name=str(name), Value=media_url, Type="String", Overwrite=True)


def _take_over_mappings(
    deployed: Deployed, functions: Mapping[str, tuple[str, Mapping[str, str]]], root: Access
) -> tuple[dict[str, Mapped], dict[str, str]]:
    """Return the stream mappings, and the ARNs of the queues that are mapped, by the folders of their functions.

    ministack's own of streams are disabled: they lose records that fail. Nothing has been written yet that they could
    have read. Those of queues stay with it; it does not ask what the function's role may do, so that is asked here.
    """
    client: LambdaClient = root.client("lambda")
    folders = {name: folder for folder, (name, _) in functions.items()}
    mappings, queues = {}, {}
    for resource in deployed.all("AWS::Lambda::EventSourceMapping"):
        found = client.get_event_source_mapping(UUID=resource.id)
        folder = folders[found["FunctionArn"].rpartition(":")[2]]
        source = found["EventSourceArn"]
        if ":sqs:" in source:
            role = client.get_function_configuration(FunctionName=found["FunctionArn"])["Role"]
            demand(QUEUE_ACTIONS, role=role, resource=source, root=root)
            queues[folder] = source
        else:
            mappings[folder] = _take_over_mapping(resource, root)
    return mappings, queues


def _take_over_mapping(resource: Resource, root: Access) -> Mapped:
    client: LambdaClient = root.client("lambda")
    resolved = client.update_event_source_mapping(UUID=resource.id, Enabled=False)
    mapping = read_mapping(
        resource.properties,
        function=resolved["FunctionArn"],
        stream_arn=resolved["EventSourceArn"],
        failure_queue_arn=resolved.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
    )
    role = client.get_function_configuration(FunctionName=mapping.function)["Role"]
    demand(STREAM_ACTIONS, role=role, resource=mapping.stream_arn, root=root)
    return Mapped(mapping, root.assume(role, session_name="stream-mapping"))


def demand(actions: Sequence[str], *, role: str, resource: str, root: Access) -> None:
    """Raise DeployError unless the policies of `role` allow `actions` on `resource`."""
    results = root.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=list(actions), ResourceArns=[resource]
    )["EvaluationResults"]
    if denied := [each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"]:
        raise DeployError(f"{role} may not {', '.join(denied)} on {resource}")
