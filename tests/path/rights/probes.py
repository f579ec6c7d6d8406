"""What a role might try: everything that some process does, and what none should, each as one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from callscribe.hooks import FUNCTION_PREFIX
from tests.path.rights.clients import client
from tests.path.rights.right import Right

if TYPE_CHECKING:
    from local.aws.access import Access
    from tests.path.rights.deployment import Deployment

TABLES = {
    "CALLS_TABLE": ("by-start", "in-progress"),
    "IDEMPOTENCY_TABLE": (),
    "KEYS_TABLE": ("by-tenant",),
    "SESSIONS_TABLE": ("by-owner",),
    "SUBSCRIPTIONS_TABLE": ("by-connection",),
    "TICKETS_TABLE": (),
    "WEBHOOKS_TABLE": ("due",),
}
SECRETS = ("GLADIA_SECRET", "SIGNING_SECRET", "TWILIO_SECRET")
PREFIXES = ("entries", "batch", "joined", "state", "stale", "athena", "other")  # of files of the archive
PARAMETERS = ("MEDIA_URL_PARAMETER", "SETTINGS_PARAMETER")
NOBODY = "L0SM9cOFvHcCIhw="  # a connection that is gone
ONE = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "a-probe"}}}


class Probe(NamedTuple):
    """`ask` is done with what gives a client by its service's name, as boto3 has it."""

    right: Right
    ask: Callable[[Callable[[str], Any]], Any]


def probes(deployment: Deployment) -> list[Probe]:
    return [*_tables(deployment), *_secrets(deployment), *_others(deployment)]


def allowed(deployment: Deployment, access: Access) -> set[Right]:
    """Return the rights among those probed that are not refused to the owner of `access`."""
    endpoint = deployment.stack.bridge["PUSH_ENDPOINT"]

    def client_of(service: str) -> Any:
        return client(access, service, endpoint if service == "apigatewaymanagementapi" else None)

    def is_allowed(probe: Probe) -> bool:
        try:
            probe.ask(client_of)
        except ClientError as error:
            return error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException")
        return True

    with ThreadPoolExecutor(4) as workers:
        found = probes(deployment)
        return {probe.right for probe, is_it in zip(found, workers.map(is_allowed, found), strict=True) if is_it}


def _tables(deployment: Deployment) -> Iterator[Probe]:
    for variable, indexes in TABLES.items():
        table = deployment.variable(variable)
        key = {name: {"S": "a-probe"} for name in (("id",) if variable == "IDEMPOTENCY_TABLE" else ("pk", "sk"))}
        for operation, arguments in {
            "BatchGetItem": {"RequestItems": {table: {"Keys": [key]}}},
            "BatchWriteItem": {"RequestItems": {table: [{"PutRequest": {"Item": key}}]}},
            "DeleteItem": {"TableName": table, "Key": key},
            "DeleteTable": {"TableName": table},
            "GetItem": {"TableName": table, "Key": key},
            "PutItem": {"TableName": table, "Item": key},
            "Query": {"TableName": table, **ONE},
            "Scan": {"TableName": table},
            "UpdateItem": {"TableName": table, "Key": key},
        }.items():
            yield _probe("dynamodb", operation, arguments, on=variable)
        for index in indexes:
            for operation, arguments in {"Query": ONE, "Scan": {}}.items():
                asked = {"TableName": table, "IndexName": index, **arguments}
                yield _probe("dynamodb", operation, asked, on=f"{variable}/index/{index}")


def _secrets(deployment: Deployment) -> Iterator[Probe]:
    for variable in SECRETS:
        name = {"SecretId": deployment.variable(variable)}
        yield _probe("secretsmanager", "GetSecretValue", name, on=variable)
        yield _probe("secretsmanager", "PutSecretValue", name | {"SecretString": "{}"}, on=variable)
    for variable in PARAMETERS:
        name = {"Name": deployment.variable(variable)}
        yield _probe("ssm", "GetParameter", name, on=variable)
        yield _probe("ssm", "PutParameter", name | {"Value": "{}", "Overwrite": True}, on=variable)


def _others(deployment: Deployment) -> Iterator[Probe]:
    stack = deployment.stack
    connections = Right("execute-api:ManageConnections", "PUSH_ENDPOINT")
    yield Probe(
        connections,
        lambda of: of("apigatewaymanagementapi").post_to_connection(ConnectionId=NOBODY, Data=b"{}"),
    )
    for operation in ("GetConnection", "DeleteConnection"):  # the same action, on other resources
        yield _probe("apigatewaymanagementapi", operation, {"ConnectionId": NOBODY}, on="PUSH_ENDPOINT")
    for folder, mapped in stack.mappings.items():
        name = mapped.mapping.failure_queue_arn.rpartition(":")[2]
        url = {"QueueUrl": client(stack.root, "sqs").get_queue_url(QueueName=name)["QueueUrl"]}
        queue = f"{folder.upper()}_FAILURES"
        yield _probe("sqs", "SendMessage", url | {"MessageBody": "{}"}, on=queue)
        yield _probe("sqs", "ReceiveMessage", url, on=queue)
        yield _probe("sqs", "PurgeQueue", url, on=queue)
    for folder, arn in stack.queues.items():
        url = {"QueueUrl": client(stack.root, "sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]}
        queue = f"{folder.upper()}_QUEUE"
        yield _probe("sqs", "DeleteMessage", url | {"ReceiptHandle": "a-probe"}, on=queue)
        put_off = url | {"ReceiptHandle": "a-probe", "VisibilityTimeout": 1}
        yield _probe("sqs", "ChangeMessageVisibility", put_off, on=queue)
        yield _probe("sqs", "GetQueueAttributes", url, on=queue)
        yield _probe("sqs", "ReceiveMessage", url, on=queue)
        yield _probe("sqs", "SendMessage", url | {"MessageBody": "{}"}, on=queue)
    for prefix in PREFIXES:
        file = {"Bucket": deployment.variable("ARCHIVE_BUCKET"), "Key": f"{prefix}/a-probe"}
        files = f"ARCHIVE_BUCKET/{prefix}/*"
        for operation in ("PutObject", "GetObject", "DeleteObject"):
            yield _probe("s3", operation, file, on=files)
        version = {**file, "VersionId": "a-probe"}
        yield Probe(Right("s3:DeleteObjectVersion", files), lambda of, one=version: of("s3").delete_object(**one))
    bucket = {"Bucket": deployment.variable("ARCHIVE_BUCKET")}
    yield _probe("s3", "GetBucketLocation", bucket, on="ARCHIVE_BUCKET/")
    yield Probe(Right("s3:ListBucket", "ARCHIVE_BUCKET/"), lambda of: of("s3").list_objects_v2(**bucket))
    versions = Right("s3:ListBucketVersions", "ARCHIVE_BUCKET/")
    yield Probe(versions, lambda of: of("s3").list_object_versions(**bucket))
    asked = {"WorkGroup": deployment.variable("SEARCH_WORKGROUP"), "QueryString": "SELECT 1"}
    yield _probe("athena", "StartQueryExecution", asked, on="SEARCH_WORKGROUP")
    yield _probe("athena", "StartQueryExecution", asked | {"WorkGroup": "primary"}, on="primary")
    yield _probe("athena", "DeleteWorkGroup", {"WorkGroup": asked["WorkGroup"]}, on="SEARCH_WORKGROUP")
    for operation in ("GetQueryExecution", "GetQueryResults", "StopQueryExecution"):
        yield _probe("athena", operation, {"QueryExecutionId": "a-probe"}, on="*")
    bus = deployment.variable("EVENT_BUS")
    told = {"EventBusName": bus, "Source": "a-probe", "DetailType": "a-probe", "Detail": "{}"}
    yield _probe("events", "PutEvents", {"Entries": [told]}, on="EVENT_BUS")
    yield _probe("events", "DeleteEventBus", {"Name": bus}, on="EVENT_BUS")
    for folder, name in stack.functions.items():
        right = Right("lambda:InvokeFunction", "ASSIST_FUNCTION" if folder == "assist" else folder)
        yield Probe(right, lambda of, name=name: of("lambda").invoke(FunctionName=name, Payload=b"{}"))
    hook = Right("lambda:InvokeFunction", f"{FUNCTION_PREFIX}*")
    yield Probe(hook, lambda of: of("lambda").invoke(FunctionName=f"{FUNCTION_PREFIX}a-probe", Payload=b"{}"))
    for role in deployment.roles.values():
        policy = {"RoleName": role.name, "PolicyName": "more", "PolicyDocument": "{}"}
        yield _probe("sts", "AssumeRole", {"RoleArn": role.arn, "RoleSessionName": "a-probe"}, on=role.logical)
        yield _probe("iam", "PutRolePolicy", policy, on=role.logical)
    yield _probe("s3", "ListBuckets", {}, on="*")


def _probe(service: str, operation: str, arguments: dict[str, Any], *, on: str) -> Probe:
    def ask(of: Callable[[str], Any]) -> Any:
        found = of(service)
        (method,) = (name for name, each in found.meta.method_to_api_mapping.items() if each == operation)
        return getattr(found, method)(**arguments)

    return Probe(Right(f"{service}:{operation}", on), ask)
