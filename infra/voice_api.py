"""The HTTP API that Twilio's webhooks come to, and Gladia's callbacks."""

from typing import Final

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.access_log import access_log
from infra.function import Function

ROUTES: Final = ("/twilio/voice", "/twilio/status", "/twilio/stream", "/twilio/recording")

# Behind the addresses at Twilio, which else asks once, whatever the answer: a refused or failed request is asked again.
# All of them may be repeated. Twilio's "Webhooks connection overrides".
ASK_AGAIN: Final = "rc=3&rp=all"

_LOGGED: Final = ("requestId", "requestTime", "routeKey", "status", "responseLatency", "integrationErrorMessage")


class VoiceApi(Construct):
    """Public routes, POST only; the functions behind them check who asks."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._api = apigatewayv2.HttpApi(
            self, "Api", api_name=f"{Stack.of(self).stack_name}-voice", create_default_stage=False
        )
        apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self._api.api_id,
            stage_name="$default",
            auto_deploy=True,
            # About six webhooks a call: eight calls may begin each second, twenty at once. A stranger without
            # signatures costs no more than that.
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=50, throttling_burst_limit=120
            ),
            access_log_settings=access_log(self, "AccessLog", fields=_LOGGED),
        )

    @property
    def url(self) -> str:
        """The https URL that all routes begin with, without a slash at its end."""
        return self._api.api_endpoint

    def route(self, construct_id: str, function: Function, *paths: str, because: str) -> None:
        """Send what is posted to `paths` to `function`; `because` says how it knows who asks."""
        integration = HttpLambdaIntegration(construct_id, function.resource)
        for path in paths:
            for route in self._api.add_routes(
                path=path, methods=[apigatewayv2.HttpMethod.POST], integration=integration
            ):
                Validations.of(route).acknowledge(Acknowledgment(id="AwsSolutions-APIG4", reason=because))
