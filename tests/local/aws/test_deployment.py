"""What the synthesized templates become on this machine."""

import json
from urllib.parse import urldefrag

import httpx
import pytest

from local.aws.adaptation import ANYWHERE, LEFT_OUT, STAND_INS, adapt
from local.aws.assembly import MalformedAssembly, read_assembly
from local.aws.cloudformation import CloudFormation, DeployError
from local.aws.event_source_mapping import EventSourceMapping
from local.aws.settle import fill_secrets
from local.synthesis import MADE_OF, ROOT

HERE = "127.0.0.1"


def test_only_these_types_are_left_out_and_only_these_values_stand_in():
    assert set(LEFT_OUT) == {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::VpcOrigin",
        "AWS::S3::BucketPolicy",
    }
    assert STAND_INS == {("AWS::CloudFront::VpcOrigin", "Id"): "vo_local"}
    assert set(ANYWHERE) == {"athena:GetQueryExecution", "athena:GetQueryResults"}


def test_each_of_them_is_needed_by_the_templates(assembly):
    text = json.dumps([stack.template for stack in read_assembly(assembly)])

    assert all(json.dumps(kind) in text for kind in LEFT_OUT)
    assert all(f'"{attribute}"]}}' in text for _, attribute in STAND_INS)
    assert all(f'"{action}"' in text for action in ANYWHERE)


def test_rights_that_can_not_be_told_by_their_resource_hold_for_any_and_no_others_do():
    granted = {
        "Effect": "Allow",
        "Action": ["athena:StartQueryExecution", "athena:GetQueryResults"],
        "Resource": "a-workgroup",
    }
    other = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "a-bucket/*"}
    adapted = adapt({"Resources": {"Policy": {"Type": "X", "Properties": {"Statement": [granted, other]}}}})

    assert adapted["Resources"]["Policy"]["Properties"]["Statement"] == [
        {**granted, "Action": ["athena:StartQueryExecution"]},
        {**granted, "Action": ["athena:GetQueryResults"], "Resource": "*"},
        other,
    ]


def test_what_is_left_out_leaves_nothing_behind():
    adapted = adapt(
        {
            "Resources": {
                "Origin": {"Type": "AWS::CloudFront::VpcOrigin"},
                "Distribution": {
                    "Type": "AWS::CloudFront::Distribution",
                    "Properties": {"Origin": {"Fn::GetAtt": ["Origin", "Id"]}, "Other": {"Ref": "Table"}},
                    "DependsOn": ["Origin", "Table"],
                },
                "Table": {"Type": "AWS::DynamoDB::Table"},
            }
        }
    )

    assert adapted["Resources"] == {
        "Distribution": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {"Origin": "vo_local", "Other": {"Ref": "Table"}},
            "DependsOn": ["Table"],
        },
        "Table": {"Type": "AWS::DynamoDB::Table"},
    }


def test_a_reference_that_nothing_stands_in_for_is_an_error():
    with pytest.raises(DeployError, match="VpcOrigin is left out here, and nothing stands in for its Arn"):
        adapt(
            {
                "Resources": {"Origin": {"Type": "AWS::CloudFront::VpcOrigin"}},
                "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Origin", "Arn"]}}},
            }
        )


def test_a_type_neither_known_nor_left_out_is_an_error_that_says_so(aws, stack):
    template = {"Resources": {"Thing": {"Type": "AWS::Unheard::Of"}}}

    with pytest.raises(DeployError, match=r"AWS::Unheard::Of.*LEFT_OUT"):
        CloudFormation(aws.engine.root).apply("unknown", template)


def test_a_stack_that_fails_says_which_resource_and_why(aws, stack):
    template = {
        "Resources": {"Broken": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::ImportValue": "none"}}}}
    }

    with pytest.raises(DeployError, match=r"broken: .*none"):
        CloudFormation(aws.engine.root).apply("broken", template)


def test_a_folder_without_an_assembly_says_what_to_run(tmp_path):
    with pytest.raises(MalformedAssembly, match="run make synth"):
        read_assembly(tmp_path)


def test_whatever_of_the_project_is_in_an_assembly_makes_it_anew_when_it_changes(templates):
    held = {path.name for asset in templates.glob("asset.*") if asset.is_dir() for path in asset.iterdir()}
    ours = {path.name for path in ROOT.iterdir() if path.name in held}

    assert {"callscribe", "functions", "bridge", "web"} <= ours <= {".dockerignore", *MADE_OF}


def test_stacks_come_after_those_they_depend_on(assembly):
    assert [stack.name for stack in read_assembly(assembly)] == [
        "callscribe-dev-data",
        "callscribe-dev-api",
        "callscribe-dev-web",
        "callscribe-dev-bridge",
        "callscribe-dev-watch",
    ]


def test_progress_counts_every_step(stack, progress):
    assert [(done, total) for _, done, total in progress] == [(step, 7) for step in range(8)]
    assert progress[1][0] == "stack callscribe-dev-data"


def test_addresses_lead_to_this_machine(stack):
    assert stack.voice_url.startswith(f"http://{HERE}:")
    assert stack.voice_url.endswith("/twilio/voice#rc=3&rp=all")
    assert stack.status_url.endswith("/twilio/status#rc=3&rp=all")
    assert stack.push_url.startswith(f"ws://{HERE}:")
    assert stack.push_url.endswith("/live")


def test_functions_know_the_addresses_that_work_here(stack):
    environments = {
        folder: stack.root.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        for folder, name in stack.functions.items()
    }

    assert set(environments) == {
        "voice",
        "authorize",
        "subscribe",
        "push",
        "sweep",
        "calls",
        "page",
        "publish",
        "finish",
        "batch",
        "join",
        "deliver",
        "assist",
    }
    assert environments["voice"]["PUBLIC_URL"] + "/twilio/voice" == urldefrag(stack.voice_url).url
    assert environments["push"]["PUSH_ENDPOINT"] == stack.push_url.replace("ws://", "http://")
    assert environments["subscribe"]["PUSH_ENDPOINT"] == environments["push"]["PUSH_ENDPOINT"]


def test_functions_know_no_service_outside_but_those_that_were_given(stack):
    sweep = stack.root.client("lambda").get_function_configuration(FunctionName=stack.functions["sweep"])
    variables = sweep["Environment"]["Variables"]

    assert variables["GLADIA_URL"] == "http://127.0.0.1:1"
    assert variables["TWILIO_URL"] == "http://127.0.0.1:9"  # where nobody listens


def test_the_engines_own_clock_invokes_functions_as_the_template_says(stack):
    client = stack.root.client("events")
    rules = [rule for rule in client.list_rules()["Rules"] if rule.get("ScheduleExpression")]

    invoked = set()
    for rule in rules:
        assert rule["State"] == "ENABLED"
        (target,) = client.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        invoked.add((rule["ScheduleExpression"], target["Arn"].rpartition(":function:")[2]))
    clocks = {"sweep": "rate(1 minute)", "deliver": "rate(1 minute)", "join": "rate(1 hour)"}
    assert invoked == {(expression, stack.functions[folder]) for folder, expression in clocks.items()}


@pytest.mark.parametrize(("url", "status"), [("api_url", 204), ("voice_url", 403)])
def test_pages_may_ask_the_http_api_and_nobody_may_ask_twilios_webhooks_from_a_page(stack, url, status):
    address = urldefrag(getattr(stack, url)).url + ("/v1/calls" if url == "api_url" else "")
    asked = {"origin": "http://127.0.0.1:1", "access-control-request-method": "GET"}
    answer = httpx.options(address, headers=asked | {"access-control-request-headers": "authorization"})

    assert answer.status_code == status
    assert answer.headers.get("access-control-allow-origin") == ("*" if status == 204 else None)


def test_the_bridge_gets_its_tasks_environment_and_its_roles_credentials(stack):
    environment = stack.bridge_environment(GLADIA_URL="http://127.0.0.1:1", PORT="8080")

    assert {name: environment[name] for name in ("MEDIA_URL", "GLADIA_URL", "PORT", "AWS_ENDPOINT_URL")} == {
        "MEDIA_URL": "ws://127.0.0.1:8080",
        "GLADIA_URL": "http://127.0.0.1:1",
        "PORT": "8080",
        "AWS_ENDPOINT_URL": stack.root.url,
    }
    assert environment["PUSH_ENDPOINT"].startswith(f"http://{HERE}:")
    assert environment["SIGNING_SECRET"].startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:")
    who = stack.bridge_access.client("sts").get_caller_identity()["Arn"]
    assert who.endswith("/bridge")
    assert ":assumed-role/" in who


def test_given_secrets_are_filled_in_and_the_others_keep_what_was_generated(stack):
    manager = stack.root.client("secretsmanager")

    def value(variable):
        return json.loads(manager.get_secret_value(SecretId=stack.bridge[variable])["SecretString"])

    assert value("TWILIO_SECRET") == {"auth_token": "a-token"}
    assert value("GLADIA_SECRET") == {"api_key": "a-key"}
    assert len(value("SIGNING_SECRET")["current"]) == 64


def test_a_secret_that_the_bridge_does_not_know_is_an_error(stack):
    with pytest.raises(DeployError, match="no STRIPE_SECRET"):
        fill_secrets({"STRIPE_SECRET": {}}, stack.bridge, stack.root)


def test_media_streams_are_sent_to_the_bridge(stack):
    voice = stack.root.client("lambda").get_function_configuration(FunctionName=stack.functions["voice"])
    name = voice["Environment"]["Variables"]["MEDIA_URL_PARAMETER"]

    assert stack.root.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "ws://127.0.0.1:8080"


def test_expiry_is_set_as_in_the_templates(stack):
    dynamodb = stack.root.client("dynamodb")

    described = {
        name: dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("AttributeName")
        for name in dynamodb.list_tables()["TableNames"]
    }

    assert described[stack.subscriptions_table] == "expires_at"
    assert described[stack.bridge["SESSIONS_TABLE"]] == "expires_at"
    assert described[stack.calls_table] is None
    assert described[stack.keys_table] is None
    assert sorted(described.values(), key=str) == [None, None, "expiration", *["expires_at"] * 4]


def test_the_mapping_of_push_is_as_in_the_template_and_the_engines_own_is_off(stack):
    mapping = stack.mappings["push"].mapping

    assert mapping == EventSourceMapping(
        function=mapping.function,
        stream_arn=mapping.stream_arn,
        starting_position="TRIM_HORIZON",
        batch_size=100,
        window_s=0,
        lanes=10,
        retries=3,
        record_age_s=300,
        bisect=True,
        partial_answers=True,
        filters=mapping.filters,
        failure_queue_arn=mapping.failure_queue_arn,
    )
    assert mapping.function.endswith(stack.functions["push"])
    assert f"/{stack.calls_table}/stream/" in mapping.stream_arn
    assert mapping.passes_on({"eventName": "INSERT", "dynamodb": {"NewImage": {"kind": {"S": "dtmf"}}}})
    assert not mapping.passes_on({"eventName": "INSERT", "dynamodb": {"NewImage": {"sk": {"S": "HEAD"}}}})
    own = stack.root.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {service_of(each["EventSourceArn"]): each["State"] for each in own} == {
        "dynamodb": "Disabled",
        "sqs": "Enabled",
    }
    assert len(own) == 5


def service_of(arn):
    """Return the service that an ARN is of."""
    return arn.split(":")[2]


def test_what_publishes_is_tried_for_as_long_as_the_stream_has_it(stack):
    mapping = stack.mappings["publish"].mapping

    assert mapping.function.endswith(stack.functions["publish"])
    assert (mapping.stream_arn, mapping.record_age_s) == (stack.mappings["push"].mapping.stream_arn, 24 * 3600)
    assert mapping.failure_queue_arn != stack.mappings["push"].mapping.failure_queue_arn


async def test_deploying_again_changes_nothing_that_is_there(aws, assembly, stack):
    again = await aws.deploy(
        assembly, secrets={}, media_url="ws://127.0.0.1:8080", outside={"GLADIA_URL": "http://127.0.0.1:1"}
    )

    assert again.outputs == stack.outputs
    assert again.bridge == stack.bridge
