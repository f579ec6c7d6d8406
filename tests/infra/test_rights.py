"""Who may do what: one table a role, complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callscribe.hooks import FUNCTION_PREFIX

if TYPE_CHECKING:
    from tests.infra.templates import Rights, Templates

CALLS = "{CallsTable.Arn}"
SUBSCRIPTIONS = "{SubscriptionsTable.Arn}"
SESSIONS = "{SessionsTable.Arn}"
ACCOUNT = "{AWS::Region}:{AWS::AccountId}"
CONNECTIONS = f"arn:{{AWS::Partition}}:execute-api:{ACCOUNT}:{{PushApi}}/live/POST/@connections/*"
GLUE = f"arn:{{AWS::Partition}}:glue:{ACCOUNT}"
READ_SECRET = {"secretsmanager:GetSecretValue"}

# X-Ray's actions know no resources, and neither does the one that lets Docker log in to the registry.
TRACES: Rights = {"*": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}}


def log_of(name: str) -> Rights:
    return {f"{{{name}.Arn}}": {"logs:CreateLogStream", "logs:PutLogEvents"}}


def parameter(name: str) -> str:
    return f"arn:{{AWS::Partition}}:ssm:{ACCOUNT}:parameter/callscribe/dev/{name}"


def test_the_voice_function_may_open_and_close_calls_once_each(templates: Templates) -> None:
    assert templates.rights("VoiceRole") == {
        **TRACES,
        **log_of("VoiceLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "{IdempotencyTable.Arn}": {
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        parameter("settings"): {"ssm:GetParameter"},
        parameter("media-url"): {"ssm:GetParameter"},
        "{SecretsTwilioSecret.Id}": READ_SECRET,
        "{SecretsSigningSecret.Id}": READ_SECRET,
    }


def test_the_page_function_may_do_nothing(templates: Templates) -> None:
    assert templates.rights("PageFunctionRole") == {**TRACES, **log_of("PageFunctionLog")}


def test_the_calls_function_may_read_open_and_search_calls_and_check_one_key_at_a_time(templates: Templates) -> None:
    assert templates.rights("CallsFunctionRole") == {
        **TRACES,
        **log_of("CallsFunctionLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        f"{CALLS}/index/by-start": {"dynamodb:Query"},
        f"arn:{{AWS::Partition}}:athena:{ACCOUNT}:workgroup/callscribe-dev-search": {
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StartQueryExecution",
        },
        f"{GLUE}:catalog": {"glue:GetDatabase", "glue:GetTable"},
        f"{GLUE}:database/callscribe_dev": {"glue:GetDatabase", "glue:GetTable"},
        f"{GLUE}:table/callscribe_dev/entries": {"glue:GetTable"},
        f"{GLUE}:table/callscribe_dev/joined": {"glue:GetTable"},
        "{ArchiveBucket.Arn}": {"s3:GetBucketLocation", "s3:ListBucket"},
        "{ArchiveBucket.Arn}/entries/*": {"s3:GetObject"},
        "{ArchiveBucket.Arn}/joined/*": {"s3:GetObject"},
        "{ArchiveBucket.Arn}/state/*": {"s3:GetObject"},
        "{ArchiveBucket.Arn}/athena/*": {"s3:GetObject", "s3:PutObject"},
        "{ArchiveBucket.Arn}/batch/*": {"s3:GetObject"},
        "{KeysTable.Arn}": {"dynamodb:GetItem"},
        parameter("settings"): {"ssm:GetParameter"},
        parameter("media-url"): {"ssm:GetParameter"},
        "{SecretsTwilioSecret.Id}": READ_SECRET,
        "{SecretsSigningSecret.Id}": READ_SECRET,
    }


def test_the_authorizer_may_read_the_key_that_signs_tickets_and_note_which_were_used(templates: Templates) -> None:
    assert templates.rights("AuthorizeRole") == {
        **TRACES,
        **log_of("AuthorizeLog"),
        "{TicketsTable.Arn}": {"dynamodb:PutItem"},
        "{SecretsSigningSecret.Id}": READ_SECRET,
    }


def test_the_subscribe_function_may_read_calls_but_not_write_them(templates: Templates) -> None:
    assert templates.rights("SubscribeRole") == {
        **TRACES,
        **log_of("SubscribeLog"),
        CALLS: {"dynamodb:Query"},
        SUBSCRIPTIONS: {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
        f"{SUBSCRIPTIONS}/index/by-connection": {"dynamodb:Query"},
        CONNECTIONS: {"execute-api:ManageConnections"},
    }


def test_the_push_function_may_follow_calls_without_touching_their_table(templates: Templates) -> None:
    assert templates.rights("PushFunctionRole") == {
        **TRACES,
        **log_of("PushFunctionLog"),
        "{CallsTable.StreamArn}": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        },
        SUBSCRIPTIONS: {"dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:UpdateItem"},
        CONNECTIONS: {"execute-api:ManageConnections"},
        "{PushReaderFailures.Arn}": {"sqs:SendMessage"},
    }


def test_the_publish_function_may_follow_calls_and_put_events_on_one_bus(templates: Templates) -> None:
    assert templates.rights("PublishFunctionRole") == {
        **TRACES,
        **log_of("PublishFunctionLog"),
        "{CallsTable.StreamArn}": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
        },
        "{EventBus.Arn}": {"events:PutEvents"},
        "{PublishReaderFailures.Arn}": {"sqs:SendMessage"},
    }


def test_the_finish_function_may_write_what_a_call_lacks_and_keep_it_but_read_no_archive(templates: Templates) -> None:
    assert templates.rights("FinishFunctionRole") == {
        **TRACES,
        **log_of("FinishFunctionLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query"},
        "{ArchiveBucket.Arn}/entries/*": {"s3:PutObject"},
        "{ArchiveBucket.Arn}/stale/*": {"s3:PutObject"},
        "{SecretsGladiaSecret.Id}": READ_SECRET,
        "{FinishReaderQueue.Arn}": {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
    }


def test_the_batch_function_may_write_what_recordings_tell_and_put_off_what_waits(templates: Templates) -> None:
    assert templates.rights("BatchFunctionRole") == {
        **TRACES,
        **log_of("BatchFunctionLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "{ArchiveBucket.Arn}/batch/*": {"s3:PutObject"},
        "{SecretsTwilioSecret.Id}": READ_SECRET,
        "{SecretsGladiaSecret.Id}": READ_SECRET,
        "{SecretsSigningSecret.Id}": READ_SECRET,
        "{BatchReaderQueue.Arn}": {
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        },
    }


def test_the_deliver_function_may_read_calls_and_note_what_endpoints_were_told_but_forget_nothing(
    templates: Templates,
) -> None:
    assert templates.rights("DeliverFunctionRole") == {
        **TRACES,
        **log_of("DeliverFunctionLog"),
        CALLS: {"dynamodb:Query"},
        "{WebhooksTable.Arn}": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        "{WebhooksTable.Arn}/index/due": {"dynamodb:Query"},
        "{DeliverReaderQueue.Arn}": {
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        },
    }


def test_the_assist_function_may_look_up_hooks_ask_those_of_their_name_and_write_what_they_answer(
    templates: Templates,
) -> None:
    assert templates.rights("AssistFunctionRole") == {
        **TRACES,
        **log_of("AssistFunctionLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query"},
        "{WebhooksTable.Arn}": {"dynamodb:GetItem"},
        f"arn:{{AWS::Partition}}:lambda:{ACCOUNT}:function:{FUNCTION_PREFIX}*": {"lambda:InvokeFunction"},
    }


def test_the_join_function_may_read_calls_files_and_keep_days_of_them_and_deletes_only_marks(
    templates: Templates,
) -> None:
    assert templates.rights("JoinFunctionRole") == {
        **TRACES,
        **log_of("JoinFunctionLog"),
        "{ArchiveBucket.Arn}": {"s3:ListBucket", "s3:ListBucketVersions"},
        "{ArchiveBucket.Arn}/entries/*": {"s3:GetObject"},
        "{ArchiveBucket.Arn}/joined/*": {"s3:PutObject"},
        "{ArchiveBucket.Arn}/state/*": {"s3:GetObject", "s3:PutObject"},
        "{ArchiveBucket.Arn}/stale/*": {"s3:DeleteObjectVersion"},
    }


def test_the_sweep_function_may_end_calls_and_forget_sessions_but_keep_none(templates: Templates) -> None:
    assert templates.rights("SweepFunctionRole") == {
        **TRACES,
        **log_of("SweepFunctionLog"),
        CALLS: {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        f"{CALLS}/index/in-progress": {"dynamodb:Query"},
        SESSIONS: {"dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        f"{SESSIONS}/index/by-owner": {"dynamodb:Query"},
        parameter("media-url"): {"ssm:GetParameter"},
        "{SecretsTwilioSecret.Id}": READ_SECRET,
        "{SecretsGladiaSecret.Id}": READ_SECRET,
        "{SecretsSigningSecret.Id}": READ_SECRET,
    }


def test_the_bridge_may_append_entries_reach_subscribers_keep_sessions_look_up_trunks_have_hooks_asked_and_nothing_else(
    templates: Templates,
) -> None:
    assert templates.rights("ServiceRole") == {
        "*": {"xray:PutTraceSegments"},
        CALLS: {"dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        SUBSCRIPTIONS: {"dynamodb:Query"},
        SESSIONS: {
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        },
        f"{SESSIONS}/index/by-owner": {"dynamodb:Query"},
        "{KeysTable.Arn}": {"dynamodb:GetItem"},
        CONNECTIONS: {"execute-api:ManageConnections"},
        "{AssistFunction.Arn}": {"lambda:InvokeFunction"},
        "{SecretsGladiaSecret.Id}": READ_SECRET,
        "{SecretsTwilioSecret.Id}": READ_SECRET,
        "{SecretsSigningSecret.Id}": READ_SECRET,
        f"arn:{{AWS::Partition}}:ecs:{ACCOUNT}:task/{{ServiceCluster}}/*": {"ecs:UpdateTaskProtection"},
        f"arn:{{AWS::Partition}}:ecs:{ACCOUNT}:service/{{ServiceCluster}}/*": {"ecs:DescribeServices"},
    }


def test_what_starts_the_bridge_may_fetch_its_image_and_write_its_log_and_nothing_else(templates: Templates) -> None:
    repository = "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}"
    images = f"arn:{{AWS::Partition}}:ecr:{ACCOUNT}:repository/{repository}"
    assert templates.rights("ServiceStartRole") == {
        "*": {"ecr:GetAuthorizationToken"},
        images: {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
        **log_of("ServiceLog"),
    }


def test_api_gateway_may_write_logs_and_nothing_else(templates: Templates) -> None:
    (actions,) = templates.rights("AccountLogsRole").values()

    assert {action.partition(":")[0] for action in actions} == {"logs"}


def test_there_is_one_role_a_process_and_no_other(templates: Templates) -> None:
    assert sorted(templates.roles()) == [
        "AccountLogsRole",
        "AssistFunctionRole",
        "AuthorizeRole",
        "BatchFunctionRole",
        "CallsFunctionRole",
        "DeliverFunctionRole",
        "FinishFunctionRole",
        "JoinFunctionRole",
        "PageFunctionRole",
        "PublishFunctionRole",
        "PushFunctionRole",
        "ServiceRole",
        "ServiceStartRole",
        "SubscribeRole",
        "SweepFunctionRole",
        "VoiceRole",
    ]


def test_every_wildcard_is_one_of_those_that_cannot_be_narrowed(templates: Templates) -> None:
    resources = {resource for role in templates.roles() for resource in templates.rights(role)}

    assert {resource for resource in resources if "*" in resource} == {
        "*",  # X-Ray and the registry's login, as above
        CONNECTIONS,  # connections get their ids while it runs
        f"arn:{{AWS::Partition}}:ecs:{ACCOUNT}:task/{{ServiceCluster}}/*",  # and so do tasks
        f"arn:{{AWS::Partition}}:ecs:{ACCOUNT}:service/{{ServiceCluster}}/*",  # the service is made after the role
        "{ArchiveBucket.Arn}/entries/*",  # calls get their ids while it runs, too
        "{ArchiveBucket.Arn}/batch/*",
        "{ArchiveBucket.Arn}/joined/*",
        "{ArchiveBucket.Arn}/stale/*",
        "{ArchiveBucket.Arn}/state/*",
        "{ArchiveBucket.Arn}/athena/*",
        f"arn:{{AWS::Partition}}:lambda:{ACCOUNT}:function:{FUNCTION_PREFIX}*",  # a customer makes them
        f"arn:{{AWS::Partition}}:logs:{ACCOUNT}:log-group:*",  # API Gateway has one role for all logs of an account
    }


def test_no_action_is_a_wildcard(templates: Templates) -> None:
    actions = {
        action for role in templates.roles() for granted in templates.rights(role).values() for action in granted
    }

    assert not {action for action in actions if "*" in action}
