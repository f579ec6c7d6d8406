"""The page where people follow calls: a function that has its files, and CloudFront before it."""

from pathlib import Path
from typing import Final

from aws_cdk import Acknowledgment, Fn, Stack, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.access_log import access_log
from infra.function import Function

ROUTES: Final = ("/", "/{file}")

_LOGGED: Final = ("requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationErrorMessage")


class Page(Construct):
    """A dozen small text files.

    In the function's own bundle they are there with the deployment and go back with it, and so they are in the
    local AWS; a bucket would need something that fills it. CloudFront keeps each for a minute.
    """

    def __init__(self, scope: Construct, construct_id: str, *, code: Path, api_url: str) -> None:
        """`code` holds the function and `web/`; `api_url` is the HTTP API that the page asks."""
        super().__init__(scope, construct_id)
        function = Function(
            self,
            "Function",
            name="page",
            code=code,
            memory_mib=256,
            timeout_s=5,
            environment={"API_URL": api_url},
        )
        api = apigatewayv2.HttpApi(
            self, "Api", api_name=f"{Stack.of(self).stack_name}-page", create_default_stage=False
        )
        apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            # CloudFront asks for each file once a minute and edge location.
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=50, throttling_burst_limit=100
            ),
            access_log_settings=access_log(self, "AccessLog", fields=_LOGGED),
        )
        integration = HttpLambdaIntegration("Page", function.resource)
        for path in ROUTES:
            for route in api.add_routes(path=path, methods=[apigatewayv2.HttpMethod.GET], integration=integration):
                Validations.of(route).acknowledge(
                    Acknowledgment(id="AwsSolutions-APIG4", reason="the page holds no call; what it asks has a key")
                )
        self.origin_url = api.api_endpoint
        host = Fn.select(2, Fn.split("/", api.api_endpoint))
        self._distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="callscribe page",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.HttpOrigin(host, protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,  # as the function's headers say
                compress=True,
            ),
        )
        Validations.of(self._distribution).acknowledge(
            Acknowledgment(id="AwsSolutions-CFR1", reason="whoever has a key may be anywhere"),
            Acknowledgment(id="AwsSolutions-CFR2", reason="static files, and a throttle behind it"),
            Acknowledgment(id="AwsSolutions-CFR3", reason="who looks at calls from where is nobody's to keep"),
            Acknowledgment(id="AwsSolutions-CFR4", reason="CloudFront's own certificate allows no choice of TLS"),
        )

    @property
    def url(self) -> str:
        """Where people find the page."""
        return f"https://{self._distribution.distribution_domain_name}/"
