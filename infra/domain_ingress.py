"""The way in for audio under a domain of one's own: a load balancer on the internet with a certificate for it."""

from typing import Final

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.media_targets import CERTIFIED_PORT, PORT, MediaTargets, as_is
from infra.network import CIDR

_HTTPS: Final = 443
_CERTIFIED: Final = 8443  # another one, as Twilio has no client certificate to show


class DomainIngress(Construct):
    """One hop less than `MediaIngress`, where there is a domain whose zone is in Route 53."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.Vpc,
        domain_name: str,
        hosted_zone_id: str,
        client_ca: str,
    ) -> None:
        """`domain_name` is the bridge's own, such as media.example.com; the zone is that of the name's parent.

        With `client_ca`, bucket and key of certificates in PEM, there is a port for clients that these certified.
        """
        super().__init__(scope, construct_id)
        self._domain_name = domain_name
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id=hosted_zone_id, zone_name=domain_name.partition(".")[2]
        )
        group = ec2.SecurityGroup(
            self, "BalancerGroup", vpc=vpc, description="The load balancer of the bridge", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "Carriers, wherever their media servers are")
        group.add_egress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(PORT), "The tasks")
        if client_ca:
            group.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_CERTIFIED), "Trunks with client certificates")
            group.add_egress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(CERTIFIED_PORT), "The tasks, of these")
        media_targets = MediaTargets(self, "Tasks", vpc=vpc, balancer_group=group, has_certified=bool(client_ca))
        self.targets = media_targets.targets
        self.task_group = media_targets.task_group
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_group=as_is(self, "BalancerGroupAsIs", group),
            idle_timeout=Duration.seconds(4000),  # the most there is; a carrier may be silent for as long as it likes
            drop_invalid_header_fields=True,
        )
        certificate = acm.Certificate(
            self, "Certificate", domain_name=domain_name, validation=acm.CertificateValidation.from_dns(zone)
        )
        self.listener = balancer.add_listener(
            "Listener",
            port=_HTTPS,
            open=False,
            certificates=[certificate],
            ssl_policy=elb.SslPolicy.TLS13_RES,  # TLS 1.2 and 1.3
            default_target_groups=[self.targets],
        )
        self.certified_targets = media_targets.certified
        self.certified_listener: elb.ApplicationListener | None = None
        if media_targets.certified is not None:
            bucket, _, key = client_ca.partition("/")
            self.certified_listener = balancer.add_listener(
                "CertifiedListener",
                port=_CERTIFIED,
                protocol=elb.ApplicationProtocol.HTTPS,
                open=False,
                certificates=[certificate],
                ssl_policy=elb.SslPolicy.TLS13_RES,
                default_target_groups=[media_targets.certified],
                mutual_authentication=elb.MutualAuthentication(
                    mutual_authentication_mode=elb.MutualAuthenticationMode.VERIFY,
                    trust_store=elb.TrustStore(
                        self, "ClientCa", bucket=s3.Bucket.from_bucket_name(self, "ClientCaBucket", bucket), key=key
                    ),
                ),
            )
        route53.ARecord(
            self,
            "Record",
            zone=zone,
            record_name=f"{domain_name}.",
            target=route53.RecordTarget.from_alias(targets.LoadBalancerTarget(balancer)),
        )
        Validations.of(balancer).acknowledge(
            Acknowledgment(id="AwsSolutions-ELB2", reason="its log would hold paths, and a path holds a call's token")
        )
        Validations.of(group).acknowledge(
            Acknowledgment(id="AwsSolutions-EC23", reason="carriers come from anywhere; the bridge checks who may")
        )

    hops: Final = 1  # the load balancer, which adds whom it saw to X-Forwarded-For

    @property
    def url(self) -> str:
        """The wss URL that media streams are opened under, without a slash at its end."""
        return f"wss://{self._domain_name}"

    @property
    def certified_url(self) -> str:
        """The wss URL for who has a client certificate; empty if there is none."""
        return f"{self.url}:{_CERTIFIED}" if self.certified_targets is not None else ""
