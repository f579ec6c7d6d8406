"""The tasks that media streams go to, behind whatever load balancer is before them."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

PORT: Final = 8080
CERTIFIED_PORT: Final = 8081  # reached only by a listener that checks client certificates
HEALTH_PATH: Final = "/healthz"


class MediaTargets(Construct):
    """A group of tasks, and the security group that lets only their load balancer reach them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.Vpc,
        balancer_group: ec2.SecurityGroup,
        has_certified: bool = False,
    ) -> None:
        """With `has_certified` there is a second way to them, for who was asked for a client certificate."""
        super().__init__(scope, construct_id)
        self.targets = self._targets("Targets", vpc, PORT)
        self.certified = self._targets("CertifiedTargets", vpc, CERTIFIED_PORT) if has_certified else None
        group = ec2.SecurityGroup(
            self, "TaskGroup", vpc=vpc, description="The tasks of the bridge", allow_all_outbound=False
        )
        group.add_ingress_rule(
            ec2.Peer.security_group_id(balancer_group.security_group_id), ec2.Port.tcp(PORT), "The load balancer"
        )
        if has_certified:
            group.add_ingress_rule(
                ec2.Peer.security_group_id(balancer_group.security_group_id),
                ec2.Port.tcp(CERTIFIED_PORT),
                "The load balancer, of who has a client certificate",
            )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Gladia and AWS")
        self.task_group = as_is(self, "TaskGroupAsIs", group)

    def _targets(self, construct_id: str, vpc: ec2.Vpc, port: int) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            construct_id,
            vpc=vpc,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            # A call stays where it began, so tasks are filled by what they carry, not in turn.
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            deregistration_delay=Duration.minutes(5),  # after that the balancer may cut a call's socket
            health_check=elb.HealthCheck(
                path=HEALTH_PATH, interval=Duration.seconds(10), healthy_threshold_count=2, unhealthy_threshold_count=3
            ),
        )


def as_is(scope: Construct, construct_id: str, group: ec2.SecurityGroup) -> ec2.ISecurityGroup:
    """Return `group` as one that CDK may not add rules to.

    The rules of a group are written out with it: CDK's own way makes rules resources of their own, of a type that
    the local AWS doesn't have.
    """
    return ec2.SecurityGroup.from_security_group_id(scope, construct_id, group.security_group_id, mutable=False)
