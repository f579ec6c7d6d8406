"""What the templates promise, beside who may do what."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from callscribe import archive
from callscribe.bus import SOURCE
from callscribe.call import fold
from callscribe.deliveries import LEASE
from callscribe.entries import KINDS, CallStarted, Entry
from callscribe.hooks import DEADLINES_MS
from callscribe.joined import ENTRIES_TABLE, JOINED_PREFIX, JOINED_TABLE, joined_key
from callscribe.webhooks import KINDS as WEBHOOK_KINDS
from functions.batch.callback import ROUTE as GLADIA_ROUTE
from functions.calls.openapi import PATH
from functions.calls.operations import OPERATIONS
from functions.finish.finish import PATIENCE
from functions.post import DRAIN_S, LIMIT_S
from infra.finish import KINDS as FINISH_KINDS
from tests.tables import TABLES

if TYPE_CHECKING:
    from tests.infra.conftest import Synth
    from tests.infra.templates import Templates

CALL = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="", to_number="")
FUNCTIONS = {
    "Voice": "voice",
    "Authorize": "authorize",
    "Subscribe": "subscribe",
    "PushFunction": "push",
    "SweepFunction": "sweep",
    "CallsFunction": "calls",
    "PageFunction": "page",
    "PublishFunction": "publish",
    "FinishFunction": "finish",
    "BatchFunction": "batch",
    "JoinFunction": "join",
    "DeliverFunction": "deliver",
    "AssistFunction": "assist",
}


def environments(templates: Templates) -> dict[str, dict[str, str]]:
    """Return the environment of each process, as text."""
    functions = templates.of_type("AWS::Lambda::Function")
    raw = {name: functions[key]["Properties"]["Environment"]["Variables"] for key, name in FUNCTIONS.items()}
    (container,) = templates.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    raw["bridge"] = {pair["Name"]: pair["Value"] for pair in container["Environment"]}
    return {
        process: {name: templates.text(value) for name, value in variables.items()}
        for process, variables in raw.items()
    }


def attributes(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


# --- the command


def test_the_command_says_what_it_wrote(synth: Synth) -> None:
    lines = synth.said.splitlines()

    *stacks, written = lines
    for line, stack in zip(stacks, ("data", "api", "bridge", "watch", "web"), strict=True):
        assert re.fullmatch(rf"callscribe-dev-{stack} +\d+ resources", line)
    assert written.endswith("/cdk.out0")


# --- what is kept


@pytest.mark.parametrize("name", ["CallsTable", "KeysTable", "WebhooksTable"])
def test_calls_keys_and_webhooks_survive_the_stack_and_can_be_restored_to_any_second(
    templates: Templates, name: str
) -> None:
    table = templates.of_type("AWS::DynamoDB::GlobalTable")[name]

    assert table["DeletionPolicy"] == "Retain"
    assert table["UpdateReplacePolicy"] == "Retain"
    (replica,) = table["Properties"]["Replicas"]
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_only_the_calls_have_a_stream(templates: Templates) -> None:
    tables = templates.of_type("AWS::DynamoDB::GlobalTable")

    streams = {name: table["Properties"].get("StreamSpecification") for name, table in tables.items()}
    assert streams == {
        "CallsTable": {"StreamViewType": "NEW_IMAGE"},
        "SubscriptionsTable": None,
        "SessionsTable": None,
        "IdempotencyTable": None,
        "KeysTable": None,
        "TicketsTable": None,
        "WebhooksTable": None,
    }


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_indexes_have_the_keys_that_the_processes_use(templates: Templates, name: str) -> None:
    table = templates.of_type("AWS::DynamoDB::GlobalTable")[f"{name}Table"]["Properties"]

    made = TABLES[name]
    assert table["KeySchema"] == made["KeySchema"]
    assert table.get("GlobalSecondaryIndexes", []) == made.get("GlobalSecondaryIndexes", [])


def test_connections_sessions_answers_and_deliveries_expire_by_themselves(templates: Templates) -> None:
    tables = templates.of_type("AWS::DynamoDB::GlobalTable")

    expiries = {name: table["Properties"].get("TimeToLiveSpecification") for name, table in tables.items()}
    assert expiries == {
        "CallsTable": None,
        "SubscriptionsTable": {"AttributeName": "expires_at", "Enabled": True},
        "SessionsTable": {"AttributeName": "expires_at", "Enabled": True},
        "IdempotencyTable": {"AttributeName": "expiration", "Enabled": True},
        "KeysTable": None,
        "TicketsTable": {"AttributeName": "expires_at", "Enabled": True},
        "WebhooksTable": {"AttributeName": "expires_at", "Enabled": True},
    }


# --- secrets


def test_no_secret_stands_in_an_environment(templates: Templates) -> None:
    for variables in environments(templates).values():
        for name, value in variables.items():
            if name.endswith("_SECRET"):
                assert re.fullmatch(r"\{Secrets\w+\.Id\}", value)
            assert "resolve:" not in value


def test_no_secret_stands_in_a_template(templates: Templates) -> None:
    secrets = templates.of_type("AWS::SecretsManager::Secret")

    assert len(secrets) == 3
    for secret in secrets.values():
        assert "SecretString" not in secret["Properties"]


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("SecretsGladiaSecret", "api_key"),
        ("SecretsTwilioSecret", "auth_token"),
        ("SecretsSigningSecret", "current"),
    ],
)
def test_a_secret_cannot_be_guessed_before_it_is_filled_in(templates: Templates, secret: str, key: str) -> None:
    generated = templates.of_type("AWS::SecretsManager::Secret")[secret]["Properties"]["GenerateSecretString"]

    assert generated["GenerateStringKey"] == key
    assert generated["PasswordLength"] >= 32


# --- what the processes are told


def test_each_process_is_told_what_it_needs_and_no_more(templates: Templates) -> None:
    told = {
        process: {name for name in variables if not name.startswith("POWERTOOLS_") and name != "AWS_DATA_PATH"}
        for process, variables in environments(templates).items()
    }

    assert told == {
        "voice": {
            "CALLS_TABLE",
            "IDEMPOTENCY_TABLE",
            "SETTINGS_PARAMETER",
            "MEDIA_URL_PARAMETER",
            "TWILIO_SECRET",
            "SIGNING_SECRET",
            "PUBLIC_URL",
        },
        "authorize": {"SIGNING_SECRET", "TICKETS_TABLE"},
        "page": {"API_URL"},
        "publish": {"EVENT_BUS"},
        "finish": {"CALLS_TABLE", "ARCHIVE_BUCKET", "GLADIA_SECRET", "GLADIA_URL"},
        "batch": {
            "CALLS_TABLE",
            "ARCHIVE_BUCKET",
            "GLADIA_SECRET",
            "TWILIO_SECRET",
            "SIGNING_SECRET",
            "GLADIA_URL",
            "TWILIO_URL",
            "PUBLIC_URL",
            "BATCH_QUEUE",
        },
        "join": {"ARCHIVE_BUCKET"},
        "deliver": {"CALLS_TABLE", "WEBHOOKS_TABLE", "WEBHOOK_TARGETS", "DELIVER_QUEUE"},
        "assist": {"CALLS_TABLE", "WEBHOOKS_TABLE", "WEBHOOK_TARGETS"},
        "subscribe": {"CALLS_TABLE", "SUBSCRIPTIONS_TABLE", "PUSH_ENDPOINT"},
        "push": {"SUBSCRIPTIONS_TABLE", "PUSH_ENDPOINT"},
        "sweep": {
            "CALLS_TABLE",
            "SESSIONS_TABLE",
            "TWILIO_SECRET",
            "GLADIA_SECRET",
            "SIGNING_SECRET",
            "MEDIA_URL_PARAMETER",
            "TWILIO_URL",
            "GLADIA_URL",
        },
        "calls": {
            "CALLS_TABLE",
            "KEYS_TABLE",
            "SETTINGS_PARAMETER",
            "MEDIA_URL_PARAMETER",
            "TWILIO_SECRET",
            "SIGNING_SECRET",
            "TWILIO_URL",
            "ARCHIVE_BUCKET",
            "SEARCH_WORKGROUP",
            "SEARCH_DATABASE",
            "PUSH_URL",
            "PUBLIC_URL",
            "TENANT_CLAIM",
        },
        "bridge": {
            "CALLS_TABLE",
            "SUBSCRIPTIONS_TABLE",
            "SESSIONS_TABLE",
            "KEYS_TABLE",
            "TRUSTED_HOPS",
            "PUSH_ENDPOINT",
            "ASSIST_FUNCTION",
            "MEDIA_URL",
            "GLADIA_URL",
            "GLADIA_SECRET",
            "TWILIO_SECRET",
            "SIGNING_SECRET",
            "PORT",
            "METRICS_NAMESPACE",
        },
    }


def test_the_voice_function_sends_audio_where_the_bridge_listens(templates: Templates) -> None:
    told = environments(templates)
    parameters = {
        parameter["Properties"]["Name"]: templates.text(parameter["Properties"]["Value"])
        for parameter in templates.of_type("AWS::SSM::Parameter").values()
    }

    assert parameters[told["voice"]["MEDIA_URL_PARAMETER"]] == "wss://{IngressDistribution.DomainName}"
    assert told["bridge"]["MEDIA_URL"] == "wss://{IngressDistribution.DomainName}"
    assert templates.outputs("Bridge") == {"MediaUrl": "wss://{IngressDistribution.DomainName}"}


def test_all_who_post_post_to_the_stage_that_clients_connect_to(templates: Templates) -> None:
    host = "{PushApi}.execute-api.{AWS::Region}.{AWS::URLSuffix}/live"
    told = environments(templates)

    assert {told[process]["PUSH_ENDPOINT"] for process in ("subscribe", "push", "bridge")} == {f"https://{host}"}
    assert templates.outputs("Api") == {
        "VoiceUrl": "{VoiceApi.ApiEndpoint}/twilio/voice#rc=3&rp=all",
        "StatusUrl": "{VoiceApi.ApiEndpoint}/twilio/status#rc=3&rp=all",
        "PushUrl": f"wss://{host}",
        "ApiUrl": "{CallsApi.ApiEndpoint}",
        "EventBusName": "{EventBus}",
    }
    assert told["calls"]["PUSH_URL"] == f"wss://{host}"
    assert told["calls"]["PUBLIC_URL"] == told["batch"]["PUBLIC_URL"] == told["voice"]["PUBLIC_URL"]
    assert told["voice"]["PUBLIC_URL"] == "{VoiceApi.ApiEndpoint}"


def test_a_number_without_settings_still_tells_its_callers(templates: Templates) -> None:
    parameters = templates.of_type("AWS::SSM::Parameter")

    assert parameters["SettingsParameter"]["Properties"]["Name"] == "/callscribe/dev/settings"
    assert json.loads(parameters["SettingsParameter"]["Properties"]["Value"]) == {
        "default": {"then": {"say": "This call is transcribed."}}
    }


# --- functions


def test_functions_run_on_arm_and_the_newest_python_and_are_traced(templates: Templates) -> None:
    for name, function in templates.of_type("AWS::Lambda::Function").items():
        properties = function["Properties"]
        assert properties["Handler"] == f"functions.{FUNCTIONS[name]}.handler.handler"
        assert properties["Runtime"] == "python3.14"
        assert properties["Architectures"] == ["arm64"]
        assert properties["TracingConfig"] == {"Mode": "Active"}


def test_every_process_has_a_log_of_its_own_that_is_not_kept_for_ever(templates: Templates) -> None:
    groups = templates.of_type("AWS::Logs::LogGroup")

    assert sorted(groups) == [
        "AssistFunctionLog",
        "AuthorizeLog",
        "BatchFunctionLog",
        "CallsApiAccessLog",
        "CallsFunctionLog",
        "DeliverFunctionLog",
        "FinishFunctionLog",
        "JoinFunctionLog",
        "PageAccessLog",
        "PageFunctionLog",
        "PublishFunctionLog",
        "PushApiAccessLog",
        "PushFunctionLog",
        "ServiceLog",
        "SubscribeLog",
        "SweepFunctionLog",
        "VoiceApiAccessLog",
        "VoiceLog",
    ]
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {30}
    for name, function in templates.of_type("AWS::Lambda::Function").items():
        assert templates.text(function["Properties"]["LoggingConfig"]["LogGroup"]) == "{" + f"{name}Log" + "}"


def test_calls_that_no_bridge_attends_to_are_looked_after_each_minute_by_one_run_at_a_time(
    templates: Templates,
) -> None:
    rule = templates.of_type("AWS::Events::Rule")["SweepEachMinute"]["Properties"]
    (target,) = rule["Targets"]
    function = templates.of_type("AWS::Lambda::Function")["SweepFunction"]["Properties"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert templates.text(target["Arn"]) == "{SweepFunction.Arn}"
    assert function["Timeout"] < 60
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    configured = templates.of_type("AWS::Lambda::EventInvokeConfig").values()
    assert {each["Properties"]["MaximumRetryAttempts"] for each in configured} == {0}


def test_webhooks_that_are_due_are_taken_up_each_minute(templates: Templates) -> None:
    rule = templates.of_type("AWS::Events::Rule")["DeliverEachMinute"]["Properties"]
    (target,) = rule["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert templates.text(target["Arn"]) == "{DeliverFunction.Arn}"
    # A day's attempts are made within the life of what is kept of them, and each within the time of its message.
    function = templates.of_type("AWS::Lambda::Function")["DeliverFunction"]["Properties"]
    queue = templates.of_type("AWS::SQS::Queue")["DeliverReaderQueue"]["Properties"]
    assert LIMIT_S + DRAIN_S < function["Timeout"] < queue["VisibilityTimeout"] < LEASE.total_seconds()


def test_what_endpoints_may_ask_for_comes_to_who_tells_them(templates: Templates) -> None:
    rule = templates.of_type("AWS::Events::Rule")["DeliverReaderRule"]["Properties"]
    mapping = templates.of_type("AWS::Lambda::EventSourceMapping")["DeliverReaderEvents"]["Properties"]

    assert rule["EventPattern"] == {"source": [SOURCE], "detail-type": list(WEBHOOK_KINDS)}
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 100}
    assert environments(templates)["deliver"]["WEBHOOK_TARGETS"] == "public"


def test_hooks_are_asked_once_and_by_the_bridge_while_that_is_of_use(templates: Templates) -> None:
    (configured,) = (
        each["Properties"]
        for each in templates.of_type("AWS::Lambda::EventInvokeConfig").values()
        if templates.text(each["Properties"]["FunctionName"]) == "{AssistFunction}"
    )
    function = templates.of_type("AWS::Lambda::Function")["AssistFunction"]["Properties"]

    assert configured["MaximumRetryAttempts"] == 0
    assert configured["MaximumEventAgeInSeconds"] == 60
    assert DEADLINES_MS[1] / 1000 < function["Timeout"]
    assert environments(templates)["bridge"]["ASSIST_FUNCTION"] == "{AssistFunction}"


def test_what_sweeps_sends_audio_where_calls_are_sent(templates: Templates) -> None:
    told = environments(templates)

    assert told["sweep"]["MEDIA_URL_PARAMETER"] == told["voice"]["MEDIA_URL_PARAMETER"]
    assert told["sweep"]["GLADIA_URL"] == told["bridge"]["GLADIA_URL"]


@pytest.mark.parametrize(
    ("name", "retries", "age_s"),
    [
        ("Push", 3, 300),  # what was said long ago is replayed
        ("Publish", None, 24 * 3600),  # what never came to the bus nobody replays
    ],
)
def test_new_entries_come_to_each_reader_at_once_in_order_and_never_for_ever(
    templates: Templates, name: str, retries: int | None, age_s: int
) -> None:
    mapping = templates.of_type("AWS::Lambda::EventSourceMapping")[f"{name}ReaderEntries"]["Properties"]

    assert templates.text(mapping["EventSourceArn"]) == "{CallsTable.StreamArn}"
    assert templates.text(mapping["FunctionName"]) == f"{{{name}Function}}"
    (rule,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(rule["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"kind": {"S": [{"exists": True}]}}},
    }
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BatchSize"] == 100
    assert mapping["MaximumBatchingWindowInSeconds"] == 0
    assert mapping["ParallelizationFactor"] == 10
    assert mapping.get("MaximumRetryAttempts") == retries
    assert mapping["MaximumRecordAgeInSeconds"] == age_s
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert templates.text(destination) == f"{{{name}ReaderFailures.Arn}}"


def test_a_stream_has_no_more_than_two_readers(templates: Templates) -> None:
    sources = [
        templates.text(mapping["Properties"]["EventSourceArn"])
        for mapping in templates.of_type("AWS::Lambda::EventSourceMapping").values()
    ]

    assert sources.count("{CallsTable.StreamArn}") == 2


def test_what_hears_of_calls_by_the_bus_is_told_again_until_it_has_done_it_and_what_it_gives_up_is_kept(
    templates: Templates,
) -> None:
    rule = templates.of_type("AWS::Events::Rule")["FinishReaderRule"]["Properties"]
    (target,) = rule["Targets"]
    queues = templates.of_type("AWS::SQS::Queue")
    queue = queues["FinishReaderQueue"]["Properties"]
    mapping = templates.of_type("AWS::Lambda::EventSourceMapping")["FinishReaderEvents"]["Properties"]
    function = templates.of_type("AWS::Lambda::Function")["FinishFunction"]["Properties"]

    assert rule["EventPattern"] == {"source": [SOURCE], "detail-type": list(FINISH_KINDS)}
    assert set(FINISH_KINDS) <= set(KINDS)
    assert templates.text(rule["EventBusName"]) == "{EventBus}"
    assert templates.text(target["Arn"]) == templates.text(mapping["EventSourceArn"]) == "{FinishReaderQueue.Arn}"
    assert templates.text(target["DeadLetterConfig"]["Arn"]) == "{FinishReaderFailures.Arn}"
    assert templates.text(queue["RedrivePolicy"]["deadLetterTargetArn"]) == "{FinishReaderFailures.Arn}"
    assert queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"] > PATIENCE.total_seconds()
    assert queue["VisibilityTimeout"] > function["Timeout"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


# --- the ways in


def routes(templates: Templates) -> dict[str, dict[str, Any]]:
    return {
        route["Properties"]["RouteKey"]: route["Properties"]
        for route in templates.of_type("AWS::ApiGatewayV2::Route").values()
    }


def test_twilio_and_gladia_may_only_post_and_only_to_their_paths(templates: Templates) -> None:
    webhooks = {key for key, route in routes(templates).items() if templates.text(route["ApiId"]) == "{VoiceApi}"}

    assert webhooks == {
        "POST /twilio/voice",
        "POST /twilio/status",
        "POST /twilio/stream",
        "POST /twilio/recording",
        GLADIA_ROUTE,
    }


def test_each_operation_of_the_http_api_has_a_route_and_there_is_no_other(templates: Templates) -> None:
    answered = {key for key, route in routes(templates).items() if templates.text(route["ApiId"]) == "{CallsApi}"}

    assert answered == {f"{each.method} {each.path}" for each in OPERATIONS} | {f"GET {PATH}"}


def test_pages_may_ask_the_http_api_from_a_browser_without_cookies(templates: Templates) -> None:
    cors = templates.of_type("AWS::ApiGatewayV2::Api")["CallsApi"]["Properties"]["CorsConfiguration"]

    assert cors["AllowOrigins"] == ["*"]
    assert cors["AllowHeaders"] == ["authorization", "content-type"]
    assert sorted(cors["AllowMethods"]) == ["DELETE", "GET", "POST"]
    assert "AllowCredentials" not in cors


def test_the_page_is_behind_cloudfront_and_asks_the_http_api(templates: Templates) -> None:
    distributions = templates.of_type("AWS::CloudFront::Distribution")
    distribution = distributions["PageDistribution"]["Properties"]["DistributionConfig"]
    paths = {key for key, route in routes(templates).items() if templates.text(route["ApiId"]) == "{PageApi}"}

    assert environments(templates)["page"]["API_URL"] == "{CallsApi.ApiEndpoint}"
    assert paths == {"GET /", "GET /{file}"}
    assert distribution["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert distribution["Origins"][0]["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert "Logging" not in distribution
    assert templates.outputs("Web") == {
        "PageUrl": "https://{PageDistribution.DomainName}/",
        "PageOriginUrl": "{PageApi.ApiEndpoint}",
    }


def test_nobody_follows_calls_without_a_ticket(templates: Templates) -> None:
    authorizer = templates.only("AWS::ApiGatewayV2::Authorizer")

    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["IdentitySource"] == ["route.request.querystring.ticket"]
    assert "{Authorize.Arn}" in templates.text(authorizer["AuthorizerUri"])
    connect = routes(templates)["$connect"]
    assert connect["AuthorizationType"] == "CUSTOM"
    assert templates.text(connect["AuthorizerId"]) == "{PushApiAuthorizer}"


def test_every_client_message_has_a_route_and_unknown_ones_have_one_too(templates: Templates) -> None:
    messages = {key for key, route in routes(templates).items() if templates.text(route["ApiId"]) == "{PushApi}"}

    assert messages == {"$connect", "$disconnect", "$default", "subscribe", "replay", "unsubscribe", "ping"}


def test_every_public_route_is_throttled(templates: Templates) -> None:
    stages = templates.of_type("AWS::ApiGatewayV2::Stage")

    assert {stage["Properties"]["StageName"] for stage in stages.values()} == {"live", "$default"}
    for stage in stages.values():
        limits = stage["Properties"]["DefaultRouteSettings"]
        assert 0 < limits["ThrottlingRateLimit"] <= 2000
        assert 0 < limits["ThrottlingBurstLimit"] <= 1000


def test_access_logs_hold_no_query_path_header_or_address(templates: Templates) -> None:
    harmless = {
        "requestId",
        "requestTime",
        "routeKey",
        "eventType",
        "connectionId",
        "status",
        "responseLatency",
        "integrationLatency",
        "integrationErrorMessage",
        "authorizer.status",
    }

    for stage in templates.of_type("AWS::ApiGatewayV2::Stage").values():
        line = stage["Properties"]["AccessLogSettings"]["Format"]
        assert json.loads(line)
        assert set(re.findall(r"\$context\.([\w.]+)", line)) <= harmless


def test_only_cloudfront_stands_between_twilio_and_the_bridge(templates: Templates) -> None:
    distributions = templates.of_type("AWS::CloudFront::Distribution")
    distribution = distributions["IngressDistribution"]["Properties"]["DistributionConfig"]

    (origin,) = distribution["Origins"]
    assert templates.text(origin["DomainName"]) == "{IngressBalancer.DNSName}"
    assert "VpcOriginConfig" in origin
    behaviour = distribution["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # Managed-CachingDisabled
    assert behaviour["OriginRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"  # Managed-AllViewer
    assert "Logging" not in distribution  # paths hold tokens


def test_the_internet_reaches_neither_the_load_balancer_nor_a_task(templates: Templates) -> None:
    groups = templates.of_type("AWS::EC2::SecurityGroup")
    (ingress,) = groups["IngressTasksTaskGroup"]["Properties"]["SecurityGroupIngress"]

    assert templates.only("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"
    assert templates.text(ingress["SourceSecurityGroupId"]) == "{IngressBalancerGroup.GroupId}"
    assert (ingress["FromPort"], ingress["ToPort"]) == (8080, 8080)
    assert not templates.of_type("AWS::EC2::SecurityGroupIngress")


def test_tasks_speak_tls_to_the_outside_and_nothing_else(templates: Templates) -> None:
    (egress,) = templates.of_type("AWS::EC2::SecurityGroup")["IngressTasksTaskGroup"]["Properties"][
        "SecurityGroupEgress"
    ]

    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)


def test_the_network_has_no_nat_and_a_free_way_to_dynamodb(templates: Templates) -> None:
    assert not templates.of_type("AWS::EC2::NatGateway")
    assert templates.only("AWS::EC2::VPCEndpoint")["VpcEndpointType"] == "Gateway"


# --- the bridge


def test_the_bridge_runs_on_arm_and_writes_to_no_disk_but_the_one_that_goes_with_its_task(templates: Templates) -> None:
    task = templates.only("AWS::ECS::TaskDefinition")
    (container,) = task["ContainerDefinitions"]

    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assert container["ReadonlyRootFilesystem"] is True
    assert task["Volumes"] == [{"Name": "spill"}]
    assert container["MountPoints"] == [{"ContainerPath": "/spill", "ReadOnly": False, "SourceVolume": "spill"}]
    assert "Secrets" not in container


def test_calls_have_time_to_end_when_a_task_is_replaced(templates: Templates) -> None:
    service = templates.only("AWS::ECS::Service")
    (container,) = templates.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    targets = attributes(templates.only("AWS::ElasticLoadBalancingV2::TargetGroup")["TargetGroupAttributes"])

    assert container["StopTimeout"] == 120
    assert targets["deregistration_delay.timeout_seconds"] == "300"
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}


def test_a_quiet_media_stream_is_not_cut_by_the_load_balancer_first(templates: Templates) -> None:
    balancer = templates.only("AWS::ElasticLoadBalancingV2::LoadBalancer")

    assert attributes(balancer["LoadBalancerAttributes"])["idle_timeout.timeout_seconds"] == "600"


def test_new_calls_go_to_the_task_with_the_fewest(templates: Templates) -> None:
    targets = templates.only("AWS::ElasticLoadBalancingV2::TargetGroup")

    assert attributes(targets["TargetGroupAttributes"])["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert targets["HealthCheckPath"] == "/healthz"
    assert targets["Port"] == 8080


# --- the archive as a table


def tables(templates: Templates) -> dict[str, dict[str, Any]]:
    """Return the tables by their names."""
    found = [each["Properties"]["TableInput"] for each in templates.of_type("AWS::Glue::Table").values()]
    return {each["Name"]: each for each in found}


@pytest.mark.parametrize(("name", "prefix"), [(ENTRIES_TABLE, archive.PREFIX), (JOINED_TABLE, JOINED_PREFIX)])
def test_the_archives_tables_have_the_columns_of_its_files(templates: Templates, name: str, prefix: str) -> None:
    table = tables(templates)[name]
    storage = table["StorageDescriptor"]

    assert {each["Name"]: each["Type"] for each in storage["Columns"]} == archive.COLUMNS
    assert {each["Name"]: each["Type"] for each in table["PartitionKeys"]} == archive.PARTITIONS
    assert templates.text(storage["Location"]) == f"s3://{{ArchiveBucket}}/{prefix}/"


def test_a_files_key_is_where_the_tables_look_for_it(templates: Templates) -> None:
    call = fold([Entry("CA1", 1, "2026-11-26T09:00:00.000Z", "acme", CALL)])
    keys = {ENTRIES_TABLE: archive.key_of(call, "CA1", "acme"), JOINED_TABLE: joined_key(date(2026, 11, 26), "acme")}

    for name, key in keys.items():
        template = tables(templates)[name]["Parameters"]["storage.location.template"]
        folder = templates.text(template).removeprefix("s3://{ArchiveBucket}/")
        assert key.startswith(folder.replace("${day}", "2026-11-26").replace("${tenant}", "acme"))


def test_every_search_names_its_tenant_and_may_read_so_much(templates: Templates) -> None:
    injected = {each["Parameters"]["projection.tenant.type"] for each in tables(templates).values()}
    workgroup = templates.only("AWS::Athena::WorkGroup")["WorkGroupConfiguration"]

    assert injected == {"injected"}
    assert workgroup["EnforceWorkGroupConfiguration"]
    assert workgroup["BytesScannedCutoffPerQuery"] == 10**11
    assert templates.text(workgroup["ResultConfiguration"]["OutputLocation"]) == "s3://{ArchiveBucket}/athena/"
