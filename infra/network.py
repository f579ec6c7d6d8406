"""The network of the bridge: two zones, public subnets, no NAT."""

from typing import Final

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

CIDR: Final = "10.0.0.0/16"


class Network(Construct):
    """Tasks have public addresses to reach Gladia and AWS with, and security groups that let nobody in.

    A NAT gateway would cost more than a task, and each call's audio would be paid for twice. DynamoDB is reached
    over a gateway endpoint, which is free.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24)
            ],
            gateway_endpoints={
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
            },
            # Nothing is in the default group; emptying it would take a function of CDK's own at each deployment.
            restrict_default_security_group=False,
        )
        Validations.of(self.vpc).acknowledge(
            Acknowledgment(id="AwsSolutions-VPC7", reason="the bridge logs each media stream; flow logs add addresses")
        )
