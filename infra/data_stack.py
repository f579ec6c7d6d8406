"""The stack Data: what outlives a deployment."""

from aws_cdk import App, CfnOutput, Stack

from infra.api_keys import ApiKeys
from infra.archive import Archive
from infra.archive_table import ArchiveTable
from infra.call_log import CallLog
from infra.idempotency import Idempotency
from infra.key import Key
from infra.parameters import Parameter
from infra.secrets import Secrets
from infra.sessions import Sessions
from infra.subscriptions import Subscriptions
from infra.used_tickets import UsedTickets
from infra.webhooks import Webhooks


class DataStack(Stack):
    """Tables, the archive, secrets and settings; the other stacks are handed what they may use."""

    def __init__(self, app: App, construct_id: str, *, stage: str, settings: str, has_own_key: bool) -> None:
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-data")
        key = Key(self, "Key") if has_own_key else None
        self.calls = CallLog(self, "Calls", key=key)
        self.subscriptions = Subscriptions(self, "Subscriptions", key=key)
        self.sessions = Sessions(self, "Sessions", key=key)
        self.idempotency = Idempotency(self, "Idempotency", key=key)
        self.keys = ApiKeys(self, "Keys", key=key)
        self.tickets = UsedTickets(self, "Tickets", key=key)
        self.webhooks = Webhooks(self, "Webhooks", key=key)
        self.archive = Archive(self, "Archive", key=key)
        self.archive_table = ArchiveTable(self, "ArchiveTable", stage=stage, archive=self.archive, key=key)
        CfnOutput(self, "KeysTable", value=self.keys.table_name, description="`callscribe keys --table`: API keys")
        CfnOutput(
            self,
            "WebhooksTable",
            value=self.webhooks.table_name,
            description="`callscribe webhooks --table`: whom to tell of calls",
        )
        self.secrets = Secrets(self, "Secrets", key=key)
        CfnOutput(self, "GladiaSecret", value=self.secrets.gladia.arn, description='Put in {"api_key": "..."}')
        CfnOutput(self, "TwilioSecret", value=self.secrets.twilio.arn, description='Put in {"auth_token": "..."}')
        self.settings = Parameter(stage=stage, name="settings")
        self.settings.make(self, "SettingsParameter", value=settings, description="What each number does with a call")
