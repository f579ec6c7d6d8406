"""The stack Data: what outlives a deployment."""

from aws_cdk import App, CfnOutput, Stack

from infra.api_keys import ApiKeys
from infra.call_log import CallLog
from infra.idempotency import Idempotency
from infra.parameters import Parameter
from infra.secrets import Secrets
from infra.sessions import Sessions
from infra.subscriptions import Subscriptions
from infra.used_tickets import UsedTickets


class DataStack(Stack):
    """Tables, secrets and settings; the other stacks are handed what they may use."""

    def __init__(self, app: App, construct_id: str, *, stage: str, settings: str) -> None:
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-data")
        self.calls = CallLog(self, "Calls")
        self.subscriptions = Subscriptions(self, "Subscriptions")
        self.sessions = Sessions(self, "Sessions")
        self.idempotency = Idempotency(self, "Idempotency")
        self.keys = ApiKeys(self, "Keys")
        self.tickets = UsedTickets(self, "Tickets")
        CfnOutput(self, "KeysTable", value=self.keys.table_name, description="`callscribe keys --table`: API keys")
        self.secrets = Secrets(self, "Secrets")
        self.settings = Parameter(stage=stage, name="settings")
        self.settings.make(self, "SettingsParameter", value=settings, description="What each number does with a call")
