"""The HTTP API that products call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.access_log import access_log
from infra.function import Function

ROUTES: Final = (
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/calls"),
    ("GET", "/v1/calls/{call_id}"),
    ("GET", "/v1/calls/{call_id}/log"),
    ("GET", "/v1/calls/{call_id}/transcript"),
    ("GET", "/v1/calls/{call_id}/second-pass"),
    ("POST", "/v1/calls/{call_id}/streams"),
    ("DELETE", "/v1/calls/{call_id}/streams/{media_stream}"),
    ("GET", "/v1/search"),
    ("POST", "/v1/tickets"),
)

_LOGGED: Final = ("requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationErrorMessage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who makes the tokens that are let in, and for whom they have to be made."""

    url: str
    audiences: tuple[str, ...]


class CallsApi(Construct):
    """All routes of the API; with an `issuer` behind API Gateway's own check of tokens, else open to API keys."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: Function,
        origins: Sequence[str],
        issuer: Issuer | None = None,
    ) -> None:
        """`function` answers. `origins` are the pages that may ask from a browser.

        `*` is all of them: a key is no cookie, so that no page has one that was not given it.
        """
        super().__init__(scope, construct_id)
        authorizer = None
        if issuer is not None:
            authorizer = HttpJwtAuthorizer("Issuer", issuer.url, jwt_audience=list(issuer.audiences))
        self._api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=f"{Stack.of(self).stack_name}-{'tokens' if issuer else 'calls'}",
            create_default_stage=False,
            cors_preflight=apigatewayv2.CorsPreflightOptions(
                allow_origins=list(origins),
                allow_methods=[
                    apigatewayv2.CorsHttpMethod.GET,
                    apigatewayv2.CorsHttpMethod.POST,
                    apigatewayv2.CorsHttpMethod.DELETE,
                ],
                allow_headers=["authorization", "content-type"],
                expose_headers=["content-disposition", "retry-after"],
                max_age=Duration.hours(2),
            ),
        )
        apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self._api.api_id,
            stage_name="$default",
            auto_deploy=True,
            # Some hundred screens that look at calls, beside a product's own servers; a stranger costs no more.
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=200, throttling_burst_limit=400
            ),
            access_log_settings=access_log(self, "AccessLog", fields=_LOGGED),
        )
        integration = HttpLambdaIntegration("Calls", function.resource)
        for method, path in ROUTES:
            for route in self._api.add_routes(
                path=path,
                methods=[apigatewayv2.HttpMethod[method]],
                integration=integration,
                authorizer=authorizer,
            ):
                if authorizer is None:
                    Validations.of(route).acknowledge(
                        Acknowledgment(id="AwsSolutions-APIG4", reason="the function asks for an API key")
                    )

    @property
    def url(self) -> str:
        """The https URL that all paths follow, without a slash at its end."""
        return self._api.api_endpoint
