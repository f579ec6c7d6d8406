"""The way in for audio: a public name with a certificate, and no load balancer on the internet."""

from typing import Final

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.media_targets import PORT, MediaTargets, as_is
from infra.network import CIDR

_HTTP: Final = 80


class MediaIngress(Construct):
    """CloudFront's own domain, a VPC origin, an internal load balancer, and the group of tasks behind it.

    Twilio asks for wss on port 443 with a public certificate (error 31910), which no load balancer has without
    a domain of one's own.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc, origin_prefix_list: str) -> None:
        super().__init__(scope, construct_id)
        balancer_group = self._balancer_group(vpc, origin_prefix_list)
        tasks = MediaTargets(self, "Tasks", vpc=vpc, balancer_group=balancer_group)
        self.targets = tasks.targets
        self.task_group = tasks.task_group
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_group=as_is(self, "BalancerGroupAsIs", balancer_group),
            idle_timeout=Duration.minutes(10),  # as CloudFront's, so that one limit holds for quiet sockets
            drop_invalid_header_fields=True,
        )
        self.listener = balancer.add_listener("Listener", port=_HTTP, open=False, default_target_groups=[self.targets])
        self._distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="callscribe media streams",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.VpcOrigin.with_application_load_balancer(
                    balancer, http_port=_HTTP, protocol_policy=cloudfront.OriginProtocolPolicy.HTTP_ONLY
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                # All of them: the upgrade's headers, and the Host that Twilio's signature covers.
                origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER,
                compress=False,
            ),
        )
        Validations.of(balancer).acknowledge(
            Acknowledgment(id="AwsSolutions-ELB2", reason="its log would hold paths, and a path holds a call's token")
        )
        Validations.of(self._distribution).acknowledge(
            Acknowledgment(id="AwsSolutions-CFR1", reason="calls come from wherever Twilio has media servers"),
            Acknowledgment(id="AwsSolutions-CFR2", reason="the bridge checks a token and Twilio's signature itself"),
            Acknowledgment(id="AwsSolutions-CFR3", reason="its log would hold paths, and a path holds a call's token"),
            Acknowledgment(id="AwsSolutions-CFR4", reason="CloudFront's own certificate allows no choice of TLS"),
            Acknowledgment(id="AwsSolutions-CFR5", reason="VPC origins are reached privately, by uncertified names"),
        )

    hops: Final = 2  # CloudFront and the load balancer; each adds whom it saw to X-Forwarded-For

    @property
    def url(self) -> str:
        """The wss URL that media streams are opened under, without a slash at its end."""
        return f"wss://{self._distribution.distribution_domain_name}"

    def _balancer_group(self, vpc: ec2.Vpc, origin_prefix_list: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "BalancerGroup",
            vpc=vpc,
            description="The internal load balancer",
            allow_all_outbound=False,
        )
        # Which source address CloudFront's VPC origin shows to a security group isn't documented, so any may come:
        # the balancer has no public address, hence only this VPC and that origin can route to it. The prefix list
        # narrows it where it is known.
        peer = ec2.Peer.prefix_list(origin_prefix_list) if origin_prefix_list else ec2.Peer.any_ipv4()
        group.add_ingress_rule(peer, ec2.Port.tcp(_HTTP), "CloudFront's VPC origin")
        group.add_egress_rule(ec2.Peer.ipv4(CIDR), ec2.Port.tcp(PORT), "The tasks")
        Validations.of(group).acknowledge(
            Acknowledgment(id="AwsSolutions-EC23", reason="internal: it can't be reached from the internet")
        )
        return group
