"""The role that API Gateway writes the access logs of WebSocket APIs with: one an account and region."""

from aws_cdk import Acknowledgment, ArnFormat, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct


class AccountLogs(Construct):
    """Sets the account's role for API Gateway's logs; stays when the stack goes, as other APIs may use it by then.

    Without such a role a WebSocket stage with an access log is refused ("CloudWatch Logs role ARN must be set in
    account settings"). Where the account has one already, `-c account_logs_role=existing` leaves it alone.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            # The actions of AmazonAPIGatewayPushToCloudWatchLogs, which API Gateway tries out when the role is set.
            inline_policies={
                "Logs": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "logs:CreateLogGroup",
                                "logs:CreateLogStream",
                                "logs:DescribeLogGroups",
                                "logs:DescribeLogStreams",
                                "logs:PutLogEvents",
                                "logs:GetLogEvents",
                                "logs:FilterLogEvents",
                            ],
                            resources=[groups],
                        )
                    ]
                )
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*]",
                reason="one role for the logs of all APIs of an account, whatever groups they are given",
            )
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        self.resource = apigateway.CfnAccount(self, "Resource", cloud_watch_role_arn=role.role_arn)
        self.resource.apply_removal_policy(RemovalPolicy.RETAIN)
