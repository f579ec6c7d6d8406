"""The WebSocket API that clients follow calls over."""

from typing import Final

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.access_log import access_log
from infra.function import Function

STAGE: Final = "live"
ROUTES: Final = ("$connect", "$disconnect", "$default", "subscribe", "replay", "unsubscribe", "ping")

_LOGGED: Final = (
    "requestId",
    "requestTime",
    "routeKey",
    "eventType",
    "connectionId",
    "status",
    "integrationLatency",
    "authorizer.status",
)


class PushApi(Construct):
    """One stage, one route a client message, and a ticket in the query string to get in.

    Nothing is answered on the routes themselves: replies are posted to the connection, as entries are.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._api = apigatewayv2.CfnApi(
            self,
            "Api",
            name=f"{Stack.of(self).stack_name}-push",
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
        )
        self.stage = apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=self._api.ref,
            stage_name=STAGE,
            auto_deploy=True,
            # A fifth of what an account has for all its APIs, so that a flood here leaves Twilio's webhooks theirs.
            # Not less: whether posts to connections count as well isn't documented.
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=2000, throttling_burst_limit=1000
            ),
            access_log_settings=access_log(self, "AccessLog", fields=_LOGGED),
        )

        self._posting = self._posting_policy()

    @property
    def url(self) -> str:
        """The wss URL that clients open."""
        return f"wss://{self._host}/{STAGE}"

    @property
    def endpoint(self) -> str:
        """The https URL that messages to connections are posted under."""
        return f"https://{self._host}/{STAGE}"

    def route(self, *, messages: Function, authorizer: Function) -> None:
        """Send what clients do to `messages`, once `authorizer` has let them in."""
        gate = apigatewayv2.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self._api.ref,
            name="ticket",
            authorizer_type="REQUEST",
            authorizer_uri=self._invocation_of(authorizer),
            identity_source=["route.request.querystring.ticket"],
        )
        self._allow_invoke(authorizer, f"authorizers/{gate.ref}")
        integration = apigatewayv2.CfnIntegration(
            self,
            "Messages",
            api_id=self._api.ref,
            integration_type="AWS_PROXY",
            integration_uri=self._invocation_of(messages),
        )
        self._allow_invoke(messages, f"{STAGE}/*")  # any route of this stage
        for key in ROUTES:
            connects = key == "$connect"
            route = apigatewayv2.CfnRoute(
                self,
                f"Route{key.lstrip('$').title()}",
                api_id=self._api.ref,
                route_key=key,
                target=f"integrations/{integration.ref}",
                authorization_type="CUSTOM" if connects else "NONE",
                authorizer_id=gate.ref if connects else None,
            )
            if not connects:
                Validations.of(route).acknowledge(
                    Acknowledgment(id="AwsSolutions-APIG4", reason="API Gateway authorizes connections, not messages")
                )

    def allow_post(self, role: iam.Role) -> None:
        """Let `role` post to the connections of this stage: not look them up, not close them."""
        role.add_managed_policy(self._posting)

    def _posting_policy(self) -> iam.ManagedPolicy:
        """Return the one policy that all who post share, so that its wildcard stands in one place."""
        connections = f"{STAGE}/POST/@connections/*"
        policy = iam.ManagedPolicy(
            self,
            "Posting",
            description="Post messages to clients that follow calls",
            statements=[
                iam.PolicyStatement(actions=["execute-api:ManageConnections"], resources=[self._arn(connections)])
            ],
        )
        api = Stack.of(self).get_logical_id(self._api)
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:"
                f"<{api}>/{connections}]",
                reason="the ids of connections are made while it runs",
            )
        )
        return policy

    @property
    def _host(self) -> str:
        stack = Stack.of(self)
        return f"{self._api.ref}.execute-api.{stack.region}.{stack.url_suffix}"

    def _arn(self, path: str) -> str:
        return Stack.of(self).format_arn(service="execute-api", resource=self._api.ref, resource_name=path)

    def _invocation_of(self, function: Function) -> str:
        return Stack.of(self).format_arn(
            service="apigateway",
            account="lambda",
            resource="path/2015-03-31/functions",
            resource_name=f"{function.resource.function_arn}/invocations",
        )

    def _allow_invoke(self, function: Function, path: str) -> None:
        function.resource.add_permission(
            "PushApi", principal=iam.ServicePrincipal("apigateway.amazonaws.com"), source_arn=self._arn(path)
        )
