"""The way in for SIP, RTP and AudioSocket, where a stage asks for it: from private networks, as none is encrypted."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.media_targets import HEALTH_PATH, as_is
from infra.media_targets import PORT as HEALTH_PORT
from infra.network import CIDR

PORT: Final = 5060
AUDIOSOCKET_PORT: Final = 9092
RTP_FIRST, RTP_LAST = 10_000, 10_999


class SipIngress(Construct):
    """An internal balancer for connections; RTP, and later requests of a session, go to the task itself."""

    def __init__(
        self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc, networks: Sequence[str], has_audiosocket: bool
    ) -> None:
        """`networks` are where border controllers and PBXs are, such as 10.20.0.0/16."""
        super().__init__(scope, construct_id)
        balancer_group = ec2.SecurityGroup(
            self, "BalancerGroup", vpc=vpc, description="The balancer of SIP", allow_all_outbound=False
        )
        tasks = ec2.SecurityGroup(self, "TaskGroup", vpc=vpc, description="SIP and RTP", allow_all_outbound=False)
        ports = {PORT: "SIP", **({AUDIOSOCKET_PORT: "AudioSocket"} if has_audiosocket else {})}
        for network in networks:
            peer = ec2.Peer.ipv4(network)
            for port, what in ports.items():
                balancer_group.add_ingress_rule(peer, ec2.Port.tcp(port), what)
            tasks.add_ingress_rule(peer, ec2.Port.tcp(PORT), "SIP, of sessions that have begun")
            tasks.add_ingress_rule(peer, ec2.Port.udp_range(RTP_FIRST, RTP_LAST), "RTP")
        for port, what in {**ports, HEALTH_PORT: "Whether a task is well"}.items():
            balancer_group.add_egress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(port), what)
            tasks.add_ingress_rule(
                ec2.Peer.security_group_id(balancer_group.security_group_id), ec2.Port.tcp(port), what
            )
        self.task_group = as_is(self, "TaskGroupAsIs", tasks)
        balancer = elb.NetworkLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),  # there are no others
            security_groups=[as_is(self, "BalancerGroupAsIs", balancer_group)],
            cross_zone_enabled=True,
        )
        self.targets = {port: self._targets(vpc, port, what) for port, what in ports.items()}
        self.listeners = [
            balancer.add_listener(f"{ports[port]}Listener", port=port, default_target_groups=[targets])
            for port, targets in self.targets.items()
        ]
        self.host = balancer.load_balancer_dns_name
        Validations.of(balancer).acknowledge(
            Acknowledgment(id="AwsSolutions-ELB2", reason="it logs TLS alone, and there is none here")
        )

    def _targets(self, vpc: ec2.Vpc, port: int, what: str) -> elb.NetworkTargetGroup:
        return elb.NetworkTargetGroup(
            self,
            f"{what}Targets",
            vpc=vpc,
            port=port,
            protocol=elb.Protocol.TCP,
            target_type=elb.TargetType.IP,
            preserve_client_ip=True,  # a trunk's networks are checked against it
            deregistration_delay=Duration.minutes(5),
            health_check=elb.HealthCheck(
                protocol=elb.Protocol.HTTP, port=str(HEALTH_PORT), path=HEALTH_PATH, interval=Duration.seconds(10)
            ),
        )
