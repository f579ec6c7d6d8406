"""The bridge as a service on Fargate: one process a task, one core a process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aws_cdk import Acknowledgment, CfnElement, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.domain_ingress import DomainIngress
from infra.grants import allow
from infra.media_ingress import MediaIngress
from infra.media_targets import CERTIFIED_PORT, PORT
from infra.metrics import namespace, service_metric
from infra.sip_ingress import SipIngress


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many tasks run: at least `tasks`, at most `tasks_max`, so that each has about `calls_per_task` calls.

    That is about half of what a core carries (docs/performance.md), as another task takes some minutes to be there.
    """

    tasks: int
    tasks_max: int
    calls_per_task: int


class BridgeService(Construct):
    """Tasks behind `ingress`; grant what the process may do to `role`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: Path,
        vpc: ec2.Vpc,
        ingress: MediaIngress | DomainIngress,
        sip: SipIngress | None,
        environment: Mapping[str, str],
        scale: Scale,
    ) -> None:
        """`sip` is the way in for SIP, if there is one."""
        super().__init__(scope, construct_id)
        certified = ingress.certified_targets if isinstance(ingress, DomainIngress) else None
        cluster = ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        self._allow_protection(cluster)
        allow(self.role, "xray:PutTraceSegments", on="*")
        start_role = iam.Role(self, "StartRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=1024,  # one process, one core
            memory_limit_mib=2048,  # the least there is with a core; a hundred calls take less than 100 MB
            task_role=self.role,
            execution_role=start_role,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        log = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )  # ids and counts only, so nothing is lost with it
        definition.add_volume(name="spill")  # on the task's own disk, gone with it
        container = definition.add_container(
            "Bridge",
            image=ecs.ContainerImage.from_asset(
                str(source), file="bridge/Dockerfile", platform=ecr_assets.Platform.LINUX_ARM64
            ),
            environment={"PORT": str(PORT), "METRICS_NAMESPACE": namespace(self), **environment},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="bridge", log_group=log),
            port_mappings=[
                ecs.PortMapping(container_port=port)
                for port in (PORT, *([CERTIFIED_PORT] if certified else ()), *(sip.targets if sip else ()))
            ],
            readonly_root_filesystem=True,
            stop_timeout=Duration.seconds(120),  # the most that Fargate gives; calls still on are handed over
            # No health check of its own: it would start a Python beside the calls each time (docs/image.md), to find
            # what the balancer's finds.
        )
        container.add_mount_points(ecs.MountPoint(container_path="/spill", source_volume="spill", read_only=False))
        service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=definition,
            # Not else: a number here would be the number of tasks again after each deployment, whatever is going on.
            desired_count=0 if scale.tasks == 0 else None,
            assign_public_ip=True,  # the way out, as there is no NAT
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[ingress.task_group, *([sip.task_group] if sip else [])],
            min_healthy_percent=100,  # the new ones take calls before the old ones stop
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            health_check_grace_period=Duration.seconds(30),
        )
        ingress.targets.add_target(service)
        service.node.add_dependency(ingress.listener)  # a group without a listener takes no tasks
        if certified is not None:
            certified.add_target(
                service.load_balancer_target(container_name=container.container_name, container_port=CERTIFIED_PORT)
            )
        if isinstance(ingress, DomainIngress) and ingress.certified_listener is not None:
            service.node.add_dependency(ingress.certified_listener)
        if sip is not None:
            for port, targets in sip.targets.items():
                targets.add_target(
                    service.load_balancer_target(container_name=container.container_name, container_port=port)
                )
            service.node.add_dependency(*sip.listeners)
        if scale.tasks:
            self._scale(service, scale)
        self.cluster_name, self.service_name = cluster.cluster_name, service.service_name
        Validations.of(definition).acknowledge(
            Acknowledgment(id="AwsSolutions-ECS2", reason="names and addresses; the process reads secrets itself")
        )
        Validations.of(self.role).acknowledge(
            Acknowledgment(id="AwsSolutions-IAM5[Resource::*]", reason="xray:PutTraceSegments knows no resources")
        )
        Validations.of(start_role).acknowledge(
            Acknowledgment(id="AwsSolutions-IAM5[Resource::*]", reason="ecr:GetAuthorizationToken knows no resources")
        )

    def _scale(self, service: ecs.FargateService, scale: Scale) -> None:
        """Follow the calls, and nothing else: a task is full when it has its calls, whatever its CPU shows."""
        service.auto_scale_task_count(
            min_capacity=scale.tasks, max_capacity=scale.tasks_max
        ).scale_to_track_custom_metric(
            "Calls",
            # Each task tells of its own once a minute.
            metric=service_metric(namespace(self), "bridge", "live", "Average"),
            target_value=scale.calls_per_task,
            scale_out_cooldown=Duration.minutes(1),
            scale_in_cooldown=Duration.minutes(10),
        )

    def _allow_protection(self, cluster: ecs.Cluster) -> None:
        """Let a task keep itself from being stopped while calls are on, and know when it is to make room."""
        stack = Stack.of(self)
        name = stack.get_logical_id(cast("CfnElement", cluster.node.default_child))
        for kind, action, why in (
            ("task", "ecs:UpdateTaskProtection", "their ids are made while it runs"),
            ("service", "ecs:DescribeServices", "the service's name is made after this role"),
        ):
            arn = stack.format_arn(service="ecs", resource=kind, resource_name=f"{cluster.cluster_name}/*")
            allow(self.role, action, on=arn)
            pattern = f"arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:{kind}/<{name}>/*"
            Validations.of(self.role).acknowledge(
                Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{pattern}]", reason=f"{kind}s of this cluster; {why}")
            )
