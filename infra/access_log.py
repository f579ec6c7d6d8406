"""Who called an API and how it went, without what they carried."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_logs as logs
from constructs import Construct


def access_log(
    scope: Construct, construct_id: str, *, fields: Sequence[str]
) -> apigatewayv2.CfnStage.AccessLogSettingsProperty:
    """Return the settings of a stage that logs `fields` to a group of its own, kept for a month.

    The fields are names of API Gateway's `$context`. None may hold a path, query string, header or address:
    tickets travel in query strings.
    """
    group = logs.LogGroup(
        scope, construct_id, retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    # Not the group's own attribute, which ends in ":*".
    arn = Stack.of(scope).format_arn(
        service="logs",
        resource="log-group",
        resource_name=group.log_group_name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    line = ",".join(f'"{field}":"$context.{field}"' for field in fields)
    return apigatewayv2.CfnStage.AccessLogSettingsProperty(destination_arn=arn, format=f"{{{line}}}")
