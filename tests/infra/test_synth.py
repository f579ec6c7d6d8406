"""The templates before their judges: CloudFormation's own specification, and the well-known rules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.infra.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from aws_cdk import App

    from tests.infra.conftest import Synth


def test_cloudformation_finds_nothing_but_what_cdk_itself_repeats(synth: Synth) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", *synth.outdir.glob("*.template.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(done.stdout)

    # CDK makes a function wait for its role by name, although it waits for it by reference already.
    repeated = [finding for finding in findings if finding["Rule"]["Id"] == "W3005"]
    assert all(finding["Message"].endswith("/Properties/Role'") for finding in repeated)
    assert [finding for finding in findings if finding not in repeated] == []
    assert done.stderr == ""


def test_the_rules_find_nothing_that_was_not_acknowledged(synth: Synth) -> None:
    report = json.loads((synth.outdir / "validation-report.json").read_text())

    assert report["pluginReports"] == []


def test_a_finding_that_nobody_acknowledged_stops_the_synth(tmp_path: Path, command: ModuleType) -> None:
    def careless(app: App) -> None:
        from aws_cdk import Stack  # noqa: PLC0415, not before infra
        from aws_cdk import aws_sqs as sqs  # noqa: PLC0415

        sqs.Queue(Stack(app, "Careless"), "Queue")

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        command.synthesize(careless, outdir=tmp_path)
    report = (tmp_path / "validation-report.json").read_text()
    assert "AwsSolutions-SQS3" in report
    assert "Serverless-SQSRedrivePolicy" in report


# --- what context changes


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, command: ModuleType, compose: Callable[[App], None]
) -> Templates:
    outdir = tmp_path_factory.mktemp("production")
    context = {
        "stage": "prod",
        "bundle": "none",
        "tasks": "3",
        "tasks_max": "20",
        "calls_per_task": "25",
        "encryption": "own",
        "account_logs_role": "existing",
        "origin_prefix_list": "pl-0123456789abcdef0",
        "api_origins": "https://app.example.test",
        "jwt_issuer": "https://issuer.example.test",
        "jwt_audience": "screens,servers",
        "jwt_tenant_claim": "org",
    }
    command.synthesize(compose, outdir=outdir, context=context)
    return Templates.read(outdir)


def test_a_stage_has_names_of_its_own(production: Templates) -> None:
    names = {parameter["Properties"]["Name"] for parameter in production.of_type("AWS::SSM::Parameter").values()}

    assert names == {"/callscribe/prod/settings", "/callscribe/prod/media-url"}


def test_tasks_follow_the_calls_and_not_the_processor(production: Templates) -> None:
    target = production.only("AWS::ApplicationAutoScaling::ScalableTarget")
    policy = production.only("AWS::ApplicationAutoScaling::ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"]

    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 20)
    assert policy["TargetValue"] == 25
    assert policy["CustomizedMetricSpecification"] == {
        "Dimensions": [{"Name": "service", "Value": "bridge"}],
        "MetricName": "live",
        "Namespace": "callscribe/prod",
        "Statistic": "Average",
    }
    # Else each deployment would set the number of tasks anew, in the middle of the day's calls.
    assert "DesiredCount" not in production.only("AWS::ECS::Service")


def test_the_archive_outlives_its_stack_and_is_nobodys_else(production: Templates) -> None:
    (bucket,) = production.of_type("AWS::S3::Bucket").values()
    policy = production.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]

    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (encryption,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert production.text(encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == "{Key.Arn}"
    assert [(each["Effect"], each["Condition"]) for each in policy] == [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    ]


def test_with_a_key_of_ones_own_every_table_and_secret_is_under_it(production: Templates) -> None:
    key = "{Key.Arn}"
    tables = production.of_type("AWS::DynamoDB::GlobalTable").values()
    secrets = production.of_type("AWS::SecretsManager::Secret").values()

    assert {production.text(each["Properties"]["KmsKeyId"]) for each in secrets} == {key}
    for table in tables:
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
        (replica,) = table["Properties"]["Replicas"]
        assert production.text(replica["SSESpecification"]["KMSMasterKeyId"]) == key


def test_that_key_rotates_outlives_its_stack_and_is_used_through_three_services_alone(production: Templates) -> None:
    (key,) = production.of_type("AWS::KMS::Key").values()
    _, through = key["Properties"]["KeyPolicy"]["Statement"]

    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == ("Retain", True)
    conditions = through["Condition"]["StringEquals"]
    assert [production.text(each) for each in conditions["kms:ViaService"]] == [
        "dynamodb.{AWS::Region}.amazonaws.com",
        "s3.{AWS::Region}.amazonaws.com",
        "secretsmanager.{AWS::Region}.amazonaws.com",
    ]
    assert production.text(conditions["kms:CallerAccount"]) == "{AWS::AccountId}"


@pytest.fixture(scope="module")
def with_domain(
    tmp_path_factory: pytest.TempPathFactory, command: ModuleType, compose: Callable[[App], None]
) -> Templates:
    outdir = tmp_path_factory.mktemp("domain")
    context = {"bundle": "none", "domain_name": "media.example.com", "hosted_zone_id": "Z0123456789", "tasks": "0"}
    command.synthesize(compose, outdir=outdir, context=context)
    return Templates.read(outdir)


def test_with_a_domain_carriers_reach_a_load_balancer_of_that_name_over_tls_and_nothing_else(
    with_domain: Templates,
) -> None:
    listener = with_domain.only("AWS::ElasticLoadBalancingV2::Listener")
    certificate = with_domain.only("AWS::CertificateManager::Certificate")
    record = with_domain.only("AWS::Route53::RecordSet")
    (ingress,) = with_domain.of_type("AWS::EC2::SecurityGroup")["IngressBalancerGroup"]["Properties"][
        "SecurityGroupIngress"
    ]

    assert with_domain.outputs("Bridge") == {"MediaUrl": "wss://media.example.com"}
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert (ingress["FromPort"], ingress["ToPort"], ingress["CidrIp"]) == (443, 443, "0.0.0.0/0")
    assert (certificate["DomainName"], record["Name"]) == ("media.example.com", "media.example.com.")
    assert "IngressDistribution" not in with_domain.of_type("AWS::CloudFront::Distribution")
    balancer = with_domain.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    idle_s = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}["idle_timeout.timeout_seconds"]
    assert idle_s == "4000"


@pytest.fixture(scope="module")
def with_certificates(
    tmp_path_factory: pytest.TempPathFactory, command: ModuleType, compose: Callable[[App], None]
) -> Templates:
    outdir = tmp_path_factory.mktemp("certificates")
    domain = {"domain_name": "media.example.com", "hosted_zone_id": "Z0123456789"}
    command.synthesize(compose, outdir=outdir, context={"bundle": "none", **domain, "client_ca": "certificates/ca.pem"})
    return Templates.read(outdir)


def test_client_certificates_are_checked_on_a_port_of_their_own_that_leads_to_one_of_their_own(
    with_certificates: Templates,
) -> None:
    listeners = with_certificates.of_type("AWS::ElasticLoadBalancingV2::Listener")
    ports = {each["Properties"]["Port"]: each["Properties"] for each in listeners.values()}
    targets = with_certificates.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")
    store = with_certificates.only("AWS::ElasticLoadBalancingV2::TrustStore")

    assert set(ports) == {443, 8443}
    assert "MutualAuthentication" not in ports[443]
    assert ports[8443]["MutualAuthentication"]["Mode"] == "verify"
    assert (store["CaCertificatesBundleS3Bucket"], store["CaCertificatesBundleS3Key"]) == ("certificates", "ca.pem")
    (leads_to,) = ports[8443]["DefaultActions"]
    assert with_certificates.text(leads_to["TargetGroupArn"]) == "{IngressTasksCertifiedTargets}"
    assert targets["IngressTasksCertifiedTargets"]["Properties"]["Port"] == 8081
    groups = with_certificates.of_type("AWS::EC2::SecurityGroup")
    (reach,) = (
        each
        for each in groups["IngressTasksTaskGroup"]["Properties"]["SecurityGroupIngress"]
        if each["FromPort"] == 8081
    )
    assert with_certificates.text(reach["SourceSecurityGroupId"]) == "{IngressBalancerGroup.GroupId}"
    service = with_certificates.only("AWS::ECS::Service")
    assert {each["ContainerPort"] for each in service["LoadBalancers"]} == {8080, 8081}
    definition = with_certificates.only("AWS::ECS::TaskDefinition")
    told = {each["Name"]: each["Value"] for each in definition["ContainerDefinitions"][0]["Environment"]}
    assert told["CERTIFIED_PORT"] == "8081"
    assert with_certificates.outputs("Bridge")["CertifiedMediaUrl"] == "wss://media.example.com:8443"


SIP = {"bundle": "none", "sip_networks": "10.20.0.0/16,192.168.7.0/24", "audiosocket_trunk": "pbx"}


@pytest.fixture(scope="module")
def with_sip(
    tmp_path_factory: pytest.TempPathFactory, command: ModuleType, compose: Callable[[App], None]
) -> Templates:
    outdir = tmp_path_factory.mktemp("sip")
    command.synthesize(compose, outdir=outdir, context=SIP)
    return Templates.read(outdir)


def test_with_networks_of_sip_its_ports_are_open_to_them_and_no_others_to_anybody(with_sip: Templates) -> None:
    def rules(group: str) -> set[tuple[str, int, int, str]]:
        given = with_sip.of_type("AWS::EC2::SecurityGroup")[group]["Properties"]["SecurityGroupIngress"]
        return {
            (each["IpProtocol"], each["FromPort"], each["ToPort"], each["CidrIp"]) for each in given if "CidrIp" in each
        }

    networks = ("10.20.0.0/16", "192.168.7.0/24")
    sip = {("tcp", 5060, 5060, network) for network in networks}
    assert rules("SipBalancerGroup") == sip | {("tcp", 9092, 9092, network) for network in networks}
    assert rules("SipTaskGroup") == sip | {("udp", 10_000, 10_999, network) for network in networks}
    balancers = with_sip.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancers["SipBalancer"]["Properties"]["Scheme"] == "internal"
    listeners = with_sip.of_type("AWS::ElasticLoadBalancingV2::Listener")
    assert {(each["Properties"]["Protocol"], each["Properties"]["Port"]) for each in listeners.values()} == {
        ("HTTP", 80),
        ("TCP", 5060),
        ("TCP", 9092),
    }
    for name in ("SipSIPTargets", "SipAudioSocketTargets"):
        targets = with_sip.of_type("AWS::ElasticLoadBalancingV2::TargetGroup")[name]["Properties"]
        told = {each["Key"]: each["Value"] for each in targets["TargetGroupAttributes"]}
        assert told["preserve_client_ip.enabled"] == "true"
    service = with_sip.only("AWS::ECS::Service")
    assert {each["ContainerPort"] for each in service["LoadBalancers"]} == {8080, 5060, 9092}
    assert len(service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]) == 2
    definition = with_sip.only("AWS::ECS::TaskDefinition")
    told = {each["Name"]: each["Value"] for each in definition["ContainerDefinitions"][0]["Environment"]}
    assert (told["SIP_PORT"], told["RTP_PORTS"]) == ("5060", "10000-10999")
    assert (told["AUDIOSOCKET_PORT"], told["AUDIOSOCKET_TRUNK"]) == ("9092", "pbx")
    assert set(with_sip.outputs("Bridge")) == {"MediaUrl", "SipHost"}


def test_a_stage_may_sleep(with_domain: Templates) -> None:
    assert with_domain.only("AWS::ECS::Service")["DesiredCount"] == 0
    assert not with_domain.of_type("AWS::ApplicationAutoScaling::ScalableTarget")


def test_a_role_that_the_account_has_for_logs_is_left_alone(production: Templates) -> None:
    assert not production.of_type("AWS::ApiGateway::Account")
    assert "AccountLogsRole" not in production.roles()


def test_where_cloudfronts_addresses_are_known_only_they_reach_the_load_balancer(production: Templates) -> None:
    ingress = production.only("AWS::EC2::SecurityGroupIngress")

    assert production.text(ingress["GroupId"]) == "{IngressBalancerGroup.GroupId}"
    assert ingress["SourcePrefixListId"] == "pl-0123456789abcdef0"
    group = production.of_type("AWS::EC2::SecurityGroup")["IngressBalancerGroup"]
    assert "SecurityGroupIngress" not in group["Properties"]


def test_with_an_issuer_its_tokens_open_a_second_way_in_to_the_same_operations(production: Templates) -> None:
    authorizer = next(
        each["Properties"]
        for each in production.of_type("AWS::ApiGatewayV2::Authorizer").values()
        if each["Properties"]["AuthorizerType"] == "JWT"
    )
    routes = [each["Properties"] for each in production.of_type("AWS::ApiGatewayV2::Route").values()]
    apis = ("{CallsApi}", "{CallsTokensApi}")
    of = {api: [each for each in routes if production.text(each["ApiId"]) == api] for api in apis}

    assert authorizer["JwtConfiguration"] == {
        "Audience": ["screens", "servers"],
        "Issuer": "https://issuer.example.test",
    }
    assert {each["RouteKey"] for each in of["{CallsApi}"]} == {each["RouteKey"] for each in of["{CallsTokensApi}"]}
    assert {each["AuthorizationType"] for each in of["{CallsTokensApi}"]} == {"JWT"}
    assert {each["AuthorizationType"] for each in of["{CallsApi}"]} == {"NONE"}
    function = production.of_type("AWS::Lambda::Function")["CallsFunction"]["Properties"]
    assert function["Environment"]["Variables"]["TENANT_CLAIM"] == "org"
    assert production.outputs("Api")["TokensApiUrl"] == "{CallsTokensApi.ApiEndpoint}"


def test_pages_of_other_origins_than_those_that_were_named_are_not_answered(production: Templates) -> None:
    apis = production.of_type("AWS::ApiGatewayV2::Api")

    for name in ("CallsApi", "CallsTokensApi"):
        assert apis[name]["Properties"]["CorsConfiguration"]["AllowOrigins"] == ["https://app.example.test"]


# --- what is said to who asks wrongly


@pytest.mark.parametrize("given", ["stage", "stgae=prod"])
def test_context_that_nobody_reads_is_refused(
    given: str,
    command: ModuleType,
    compose: Callable[[App], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "-c", given])

    with pytest.raises(SystemExit) as end:
        command.main(compose)

    assert end.value.code == 2
    assert f"{given}: NAME=VALUE with one of stage, bundle" in capsys.readouterr().err


def test_a_value_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, command: ModuleType, compose: Callable[[App], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "-c", "tasks=many", "-o", str(tmp_path)])

    with pytest.raises(SystemExit, match=r"^synth: tasks=many: a number from 0$"):
        command.main(compose)
