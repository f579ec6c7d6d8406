"""The stack Api: Twilio's webhooks, the WebSocket API that clients follow calls over, and the HTTP API for products."""

from aws_cdk import App, CfnOutput, Stack

from infra.account_logs import AccountLogs
from infra.assist import Assist
from infra.batch import Batch
from infra.bundle import Bundles
from infra.calls import Access, Calls
from infra.data_stack import DataStack
from infra.deliver import Deliver
from infra.event_bus import EventBus
from infra.finish import Finish
from infra.function import Function
from infra.join import Join
from infra.parameters import Parameter
from infra.publish import Publish
from infra.push import Push
from infra.push_api import PushApi
from infra.sweep import Sweep
from infra.voice_api import ASK_AGAIN, ROUTES, VoiceApi


class ApiStack(Stack):
    """The functions, each with what it needs of Data, and their ways in."""

    def __init__(
        self,
        app: App,
        construct_id: str,
        *,
        stage: str,
        data: DataStack,
        media_url: Parameter,
        bundles: Bundles,
        access: Access,
        makes_account_logs_role: bool,
    ) -> None:
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-api")
        self.push_api = PushApi(self, "PushApi")
        if makes_account_logs_role:
            self.push_api.stage.add_resource_dependency(AccountLogs(self, "AccountLogs").resource)
        voice_api = VoiceApi(self, "VoiceApi")

        voice = Function(
            self,
            "Voice",
            name="voice",
            code=bundles.make("voice"),
            memory_mib=512,  # Twilio and the caller wait for it: more memory is more CPU
            timeout_s=13,  # Twilio gives up after 15; a service that hangs costs up to 4, and three may
            environment={
                "CALLS_TABLE": data.calls.table_name,
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "SETTINGS_PARAMETER": data.settings.name,
                "MEDIA_URL_PARAMETER": media_url.name,
                "TWILIO_SECRET": data.secrets.twilio.arn,
                "SIGNING_SECRET": data.secrets.signing.arn,
                "PUBLIC_URL": voice_api.url,
            },
        )
        data.calls.allow_append(voice.role)
        data.idempotency.allow_remember(voice.role)
        data.settings.allow_read(voice.role)
        media_url.allow_read(voice.role)
        data.secrets.twilio.allow_read(voice.role)
        data.secrets.signing.allow_read(voice.role)
        voice_api.route("Voice", voice, *ROUTES, because="Twilio signs its requests; the function checks")

        authorize = Function(
            self,
            "Authorize",
            name="authorize",
            code=bundles.make("authorize"),
            memory_mib=256,
            timeout_s=5,
            environment={"SIGNING_SECRET": data.secrets.signing.arn, "TICKETS_TABLE": data.tickets.table_name},
        )
        data.tickets.allow_use(authorize.role)
        data.secrets.signing.allow_read(authorize.role)

        subscribe = Function(
            self,
            "Subscribe",
            name="subscribe",
            code=bundles.make("subscribe"),
            memory_mib=512,  # it replays whole calls
            timeout_s=29,  # API Gateway's own limit
            environment={
                "CALLS_TABLE": data.calls.table_name,
                "SUBSCRIPTIONS_TABLE": data.subscriptions.table_name,
                "PUSH_ENDPOINT": self.push_api.endpoint,
            },
        )
        data.calls.allow_read(subscribe.role)
        data.subscriptions.allow_keep(subscribe.role)
        self.push_api.allow_post(subscribe.role)
        self.push_api.route(messages=subscribe, authorizer=authorize)

        push = Push(
            self,
            "Push",
            code=bundles.make("push"),
            calls=data.calls,
            subscriptions=data.subscriptions,
            push_api=self.push_api,
        )
        bus = EventBus(self, "EventBus", stage=stage)
        publish = Publish(self, "Publish", code=bundles.make("publish"), calls=data.calls, bus=bus)
        finish = Finish(
            self,
            "Finish",
            code=bundles.make("finish"),
            calls=data.calls,
            secrets=data.secrets,
            archive=data.archive,
            bus=bus,
        )
        batch = Batch(
            self,
            "Batch",
            code=bundles.make("batch"),
            calls=data.calls,
            secrets=data.secrets,
            archive=data.archive,
            bus=bus,
            voice_api=voice_api,
        )
        join = Join(self, "Join", code=bundles.make("join"), archive=data.archive)
        deliver = Deliver(
            self, "Deliver", code=bundles.make("deliver"), calls=data.calls, webhooks=data.webhooks, bus=bus
        )
        self.assist = Assist(self, "Assist", code=bundles.make("assist"), calls=data.calls, webhooks=data.webhooks)
        sweep = Sweep(
            self,
            "Sweep",
            code=bundles.make("sweep"),
            calls=data.calls,
            sessions=data.sessions,
            secrets=data.secrets,
            media_url=media_url,
        )

        calls = Calls(
            self,
            "Calls",
            code=bundles.make("calls"),
            data=data,
            media_url=media_url,
            push_url=self.push_api.url,
            voice_url=voice_api.url,
            access=access,
        )
        self.api_url = calls.api.url
        self.functions = {
            "voice": voice,
            "authorize": authorize,
            "subscribe": subscribe,
            "push": push.function,
            "publish": publish.function,
            "finish": finish.function,
            "batch": batch.function,
            "join": join.function,
            "deliver": deliver.function,
            "assist": self.assist.function,
            "sweep": sweep.function,
            "calls": calls.function,
        }
        self.push_failures = push.failures
        self.publish_failures = publish.failures
        self.finish_failures = finish.failures
        self.batch_failures = batch.failures
        self.deliver_failures = deliver.failures

        CfnOutput(
            self,
            "VoiceUrl",
            value=f"{voice_api.url}/twilio/voice#{ASK_AGAIN}",
            description="Twilio: a call comes in (POST)",
        )
        CfnOutput(
            self,
            "StatusUrl",
            value=f"{voice_api.url}/twilio/status#{ASK_AGAIN}",
            description="Twilio: call status changes (POST)",
        )
        CfnOutput(self, "PushUrl", value=self.push_api.url, description="Clients: the WebSocket API, with ?ticket=")
        CfnOutput(self, "EventBusName", value=bus.name, description="Your rules: what happens in calls, by kind")
        CfnOutput(self, "ApiUrl", value=self.api_url, description="Products: the HTTP API, with an API key")
        if calls.tokens_api is not None:
            CfnOutput(
                self,
                "TokensApiUrl",
                value=calls.tokens_api.url,
                description="Products: the same, with the issuer's tokens",
            )
