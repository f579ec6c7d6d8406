"""The function that asks customers' hooks while a call goes on."""

from pathlib import Path

from aws_cdk import Acknowledgment, ArnFormat, Duration, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.call_log import CallLog
from infra.function import Function
from infra.grants import allow
from infra.webhooks import Webhooks

# What functions of a customer's are named that may be asked; `callscribe.hooks` has it too, and a test holds them
# together.
FUNCTION_PREFIX = "callscribe-hook-"


class Assist(Construct):
    """Invoked by the bridge, which does not wait: an answer that comes late is of no use, so nothing is tried twice."""

    def __init__(self, scope: Construct, construct_id: str, *, code: Path, calls: CallLog, webhooks: Webhooks) -> None:
        super().__init__(scope, construct_id)
        self.function = function = Function(
            self,
            "Function",
            name="assist",
            code=code,
            memory_mib=512,
            timeout_s=15,  # a hook has ten at most
            environment={
                "CALLS_TABLE": calls.table_name,
                "WEBHOOKS_TABLE": webhooks.table_name,
                "WEBHOOK_TARGETS": "public",
            },
        )
        calls.allow_supplement(function.role)
        webhooks.allow_find(function.role)
        hooks = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{FUNCTION_PREFIX}*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(function.role, "lambda:InvokeFunction", on=hooks)
        function.resource.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        Validations.of(function).acknowledge(
            Acknowledgment(id="Serverless-LambdaAsyncFailureDestination", reason="what came too late is worth nothing")
        )
        pattern = f"arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:{FUNCTION_PREFIX}*"
        Validations.of(function.role).acknowledge(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{pattern}]", reason="customers name their functions")
        )

    def allow_ask(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` have hooks asked."""
        allow(grantee, "lambda:InvokeFunction", on=self.function.resource.function_arn)
