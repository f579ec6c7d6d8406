"""Each process may do what its role says and nothing else, in the local AWS as in AWS."""

import pytest
from botocore.exceptions import ClientError

from local.aws.cloudformation import DeployError
from local.aws.settle import STREAM_ACTIONS, demand

KEY = {"pk": {"S": "CALL#CA-roles"}, "sk": {"S": "LOG#0000000001"}}


def role_of(stack, function):
    found = stack.root.client("lambda").get_function_configuration(FunctionName=stack.functions[function])
    return stack.root.assume(found["Role"], session_name="test")


def refusal(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"]


def test_the_bridge_appends_and_reads_the_log_and_cannot_delete_or_scan_it(stack):
    calls = stack.bridge_access.client("dynamodb")

    calls.put_item(TableName=stack.calls_table, Item=KEY)
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}
    assert calls.query(TableName=stack.calls_table, **query)["Count"] == 1

    assert refusal(calls.delete_item, TableName=stack.calls_table, Key=KEY) == "AccessDeniedException"
    assert refusal(calls.scan, TableName=stack.calls_table) == "AccessDeniedException"
    assert refusal(calls.put_item, TableName=stack.subscriptions_table, Item=KEY) == "AccessDeniedException"


def test_the_bridge_reads_its_secrets_and_cannot_change_them(stack):
    manager = stack.bridge_access.client("secretsmanager")

    for variable in ("GLADIA_SECRET", "TWILIO_SECRET", "SIGNING_SECRET"):
        assert manager.get_secret_value(SecretId=stack.bridge[variable])["SecretString"]
    change = {"SecretId": stack.bridge["GLADIA_SECRET"], "SecretString": "{}"}
    assert refusal(manager.put_secret_value, **change) == "AccessDeniedException"


def test_voice_reads_twilios_secret_and_not_gladias(stack):
    manager = role_of(stack, "voice").client("secretsmanager")

    assert manager.get_secret_value(SecretId=stack.bridge["TWILIO_SECRET"])["SecretString"]
    assert refusal(manager.get_secret_value, SecretId=stack.bridge["GLADIA_SECRET"]) == "AccessDeniedException"


def test_voice_reads_the_settings_and_cannot_write_them(stack):
    parameters = role_of(stack, "voice").client("ssm")

    assert parameters.get_parameter(Name="/callscribe/dev/settings")["Parameter"]["Value"].startswith("{")
    change = {"Name": "/callscribe/dev/settings", "Value": "{}", "Overwrite": True}
    assert refusal(parameters.put_parameter, **change) == "AccessDeniedException"


def test_authorize_reads_the_signing_secret_and_no_table(stack):
    role = role_of(stack, "authorize")

    assert role.client("secretsmanager").get_secret_value(SecretId=stack.bridge["SIGNING_SECRET"])["SecretString"]
    get = {"TableName": stack.calls_table, "Key": KEY}
    assert refusal(role.client("dynamodb").get_item, **get) == "AccessDeniedException"


def test_push_reads_the_stream_and_not_the_log(stack):
    lambdas = stack.root.client("lambda")
    arn = lambdas.get_function_configuration(FunctionName=stack.functions["push"])["Role"]
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}

    demand(STREAM_ACTIONS, role=arn, resource=stack.mappings["push"].mapping.stream_arn, root=stack.root)
    other = "arn:aws:dynamodb:us-east-1:123456789012:table/Other/stream/1"
    with pytest.raises(DeployError, match=r"may not dynamodb:GetRecords on .*/Other/stream/1"):
        demand(["dynamodb:GetRecords"], role=arn, resource=other, root=stack.root)
    tables = role_of(stack, "push").client("dynamodb")
    assert refusal(tables.query, TableName=stack.calls_table, **query) == "AccessDeniedException"


def test_wrong_credentials_are_refused(stack):
    stranger = stack.bridge_access.__class__(
        url=stack.root.url, account=stack.root.account, region=stack.root.region, key_id="AKIASTRANGER", secret="x"
    )

    assert refusal(stranger.client("dynamodb").list_tables) == "UnrecognizedClientException"
