"""The function that posts what is appended to a call's log to those who watch it."""

from pathlib import Path

from aws_cdk import Duration
from constructs import Construct

from infra.call_log import CallLog
from infra.function import Function
from infra.push_api import PushApi
from infra.stream_reader import StreamReader
from infra.subscriptions import Subscriptions


class Push(Construct):
    """A reader of the stream of Calls that tells clients."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Path,
        calls: CallLog,
        subscriptions: Subscriptions,
        push_api: PushApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self,
            "Function",
            name="push",
            code=code,
            memory_mib=512,  # for its CPU: it signs one request a subscriber
            timeout_s=30,
            environment={"SUBSCRIPTIONS_TABLE": subscriptions.table_name, "PUSH_ENDPOINT": push_api.endpoint},
        )
        subscriptions.allow_find(self.function.role)
        subscriptions.allow_forget(self.function.role)
        subscriptions.allow_mark(self.function.role)
        push_api.allow_post(self.function.role)
        # What was said long ago is replayed, not pushed.
        reader = StreamReader(
            self, "Reader", function=self.function, calls=calls, max_record_age=Duration.minutes(5), retries=3
        )
        self.failures = reader.failures
