"""What a role was not granted is refused to it: all that others may do, and what nobody should."""

from __future__ import annotations

import pytest

from tests.path.rights.probes import PREFIXES, SECRETS, TABLES, allowed, probes

BRIDGE, SWEEP, VOICE, CALLS = "ServiceRole", "SweepFunctionRole", "VoiceRole", "CallsFunctionRole"
PUSH, SUBSCRIBE, AUTHORIZE, FINISH = "PushFunctionRole", "SubscribeRole", "AuthorizeRole", "FinishFunctionRole"
BATCH, JOIN, DELIVER = "BatchFunctionRole", "JoinFunctionRole", "DeliverFunctionRole"
ASSIST = "AssistFunctionRole"


@pytest.fixture(scope="session")
def tried(deployment):
    """What of all that was tried was not refused, by role."""
    root = deployment.stack.root
    return {
        name: allowed(deployment, root.assume(role.arn, session_name="a-probe"))
        for name, role in deployment.roles.items()
    }


@pytest.fixture(scope="session")
def may(tried):
    def who_may(action, on):
        return {role for role, rights in tried.items() if (action, on) in rights}

    return who_may


def test_each_role_may_do_what_it_was_granted_and_nothing_else(deployment, tried):
    asked = {probe.right for probe in probes(deployment)}

    assert tried == {name: role.granted() & asked for name, role in deployment.roles.items()}


def test_all_that_any_role_was_granted_of_tables_secrets_and_settings_was_tried(deployment):
    granted = {right for role in deployment.roles.values() for right in role.granted()}
    kept = {
        right
        for right in granted
        if right.service in ("dynamodb", "secretsmanager", "ssm", "sqs", "events", "execute-api", "s3", "athena")
    }

    assert {right for right in kept if right.on != "CALLS_STREAM"} <= {probe.right for probe in probes(deployment)}


def test_nobody_deletes_from_a_log_or_makes_or_revokes_a_key(may):
    assert may("dynamodb:DeleteItem", "CALLS_TABLE") == set()
    for action in ("PutItem", "UpdateItem", "DeleteItem"):
        assert may(f"dynamodb:{action}", "KEYS_TABLE") == set()


def test_nobody_reads_a_whole_table_or_an_index_or_deletes_one(may):
    for table, indexes in TABLES.items():
        for on in (table, *(f"{table}/index/{index}" for index in indexes)):
            assert may("dynamodb:Scan", on) == set()
        assert may("dynamodb:DeleteTable", table) == set()


def test_keys_and_trunks_are_looked_up_one_at_a_time_by_the_http_api_and_the_bridge(may):
    assert may("dynamodb:GetItem", "KEYS_TABLE") == {BRIDGE, CALLS}
    assert may("dynamodb:Query", "KEYS_TABLE") == may("dynamodb:Query", "KEYS_TABLE/index/by-tenant") == set()


def test_where_customers_are_told_and_asked_is_known_to_two_functions_which_forget_none_of_it(may):
    for action in ("PutItem", "Query", "UpdateItem"):
        assert may(f"dynamodb:{action}", "WEBHOOKS_TABLE") == {DELIVER}
    assert may("dynamodb:GetItem", "WEBHOOKS_TABLE") == {ASSIST, DELIVER}
    assert may("dynamodb:DeleteItem", "WEBHOOKS_TABLE") == set()


def test_logs_are_written_by_those_who_open_end_hear_help_and_finish_calls_and_read_by_two_more(may):
    writers = {BATCH, BRIDGE, CALLS, SWEEP, VOICE}
    assert may("dynamodb:UpdateItem", "CALLS_TABLE") == writers
    assert may("dynamodb:PutItem", "CALLS_TABLE") == {*writers, ASSIST, FINISH}
    assert may("dynamodb:Query", "CALLS_TABLE") == {*writers, ASSIST, DELIVER, FINISH, SUBSCRIBE}


def test_each_file_of_the_archive_is_written_and_read_by_who_has_to_and_none_is_deleted_but_a_mark(may):
    def who(action):
        found = {prefix: may(action, f"ARCHIVE_BUCKET/{prefix}/*") for prefix in PREFIXES}
        return {prefix: roles for prefix, roles in found.items() if roles}

    assert who("s3:PutObject") == {
        "entries": {FINISH}, "stale": {FINISH}, "batch": {BATCH}, "joined": {JOIN}, "state": {JOIN}, "athena": {CALLS},
    }  # fmt: skip
    assert who("s3:GetObject") == {
        "entries": {CALLS, JOIN}, "joined": {CALLS}, "state": {CALLS, JOIN}, "athena": {CALLS}, "batch": {CALLS},
    }  # fmt: skip
    assert who("s3:DeleteObject") == {}
    assert who("s3:DeleteObjectVersion") == {"stale": {JOIN}}


def test_searches_are_begun_by_the_http_api_alone_and_in_their_workgroup(may):
    assert may("athena:StartQueryExecution", "SEARCH_WORKGROUP") == {CALLS}
    assert may("athena:GetQueryExecution", "*") == may("athena:GetQueryResults", "*") == {CALLS}
    assert may("athena:StartQueryExecution", "primary") == may("athena:StopQueryExecution", "*") == set()
    assert may("athena:DeleteWorkGroup", "SEARCH_WORKGROUP") == set()


def test_a_queue_is_read_by_its_own_function_alone(may):
    for queue, reader in {"FINISH_QUEUE": FINISH, "BATCH_QUEUE": BATCH, "DELIVER_QUEUE": DELIVER}.items():
        assert may("sqs:ReceiveMessage", queue) == may("sqs:DeleteMessage", queue) == {reader}
    assert may("sqs:SendMessage", "BATCH_QUEUE") == may("sqs:ChangeMessageVisibility", "BATCH_QUEUE") == {BATCH}
    assert may("sqs:SendMessage", "DELIVER_QUEUE") == {DELIVER}
    assert may("sqs:ChangeMessageVisibility", "DELIVER_QUEUE") == set()
    assert may("sqs:SendMessage", "FINISH_QUEUE") == may("sqs:ChangeMessageVisibility", "FINISH_QUEUE") == set()


def test_secrets_are_read_by_those_who_need_them_and_changed_by_nobody(may):
    readers = {secret: may("secretsmanager:GetSecretValue", secret) for secret in SECRETS}
    assert readers == {
        "GLADIA_SECRET": {BATCH, BRIDGE, FINISH, SWEEP},
        "SIGNING_SECRET": {AUTHORIZE, BATCH, BRIDGE, CALLS, SWEEP, VOICE},
        "TWILIO_SECRET": {BATCH, BRIDGE, CALLS, SWEEP, VOICE},
    }
    assert not any(may("secretsmanager:PutSecretValue", secret) for secret in SECRETS)


def test_who_posts_to_connections_can_neither_look_them_up_nor_close_them(may):
    assert may("execute-api:ManageConnections", "PUSH_ENDPOINT") == {BRIDGE, PUSH, SUBSCRIBE}
    for operation in ("GetConnection", "DeleteConnection"):
        assert may(f"apigatewaymanagementapi:{operation}", "PUSH_ENDPOINT") == set()


def test_the_bus_hears_of_calls_from_one_function_alone(may):
    assert may("events:PutEvents", "EVENT_BUS") == {"PublishFunctionRole"}
    assert may("events:DeleteEventBus", "EVENT_BUS") == set()


def test_hooks_are_asked_by_one_function_and_that_by_the_bridge(may):
    assert may("lambda:InvokeFunction", "ASSIST_FUNCTION") == {BRIDGE}
    assert may("lambda:InvokeFunction", "callscribe-hook-*") == {ASSIST}


def test_nobody_invokes_another_function_or_becomes_another_role_or_changes_one(deployment, may):
    for folder in deployment.stack.functions:
        if folder != "assist":
            assert may("lambda:InvokeFunction", folder) == set()
    for role in deployment.roles:
        assert may("sts:AssumeRole", role) == may("iam:PutRolePolicy", role) == set()
