"""What the AWS account says of a deployment, and what to do about it."""

from __future__ import annotations

import json

import pytest

from callscribe.dynamodb import perform
from callscribe.sessions import STALE_MS, Task
from callscribe.slots import Slots, Standing
from local.doctor.account import (
    SECRETS,
    AwsFailed,
    Stack,
    credentials,
    media_address,
    secret,
    settings,
    slots,
    stack,
    tasks,
)
from local.doctor.check import Outcome
from tests.local.doctor.conftest import SETTINGS

DENIED = AwsFailed("AccessDenied")
GLADIA, TWILIO, SIGNING = SECRETS
GENERATED = "a1B2" * 16
NOW_MS = 1_795_000_000_000


def test_credentials_that_nobody_has_are_wrong():
    check = credentials(AwsFailed("ExpiredToken"))

    assert (check.outcome, "ExpiredToken" in check.found) == (Outcome.WRONG, True)
    assert "AWS_PROFILE" in check.todo
    assert credentials("123456789012").outcome is Outcome.OK


@pytest.mark.parametrize(
    ("status", "outcome", "todo"),
    [
        ("CREATE_COMPLETE", Outcome.OK, ""),
        ("UPDATE_COMPLETE", Outcome.OK, ""),
        ("UPDATE_IN_PROGRESS", Outcome.WARNING, "when that is over"),
        ("UPDATE_ROLLBACK_COMPLETE", Outcome.WARNING, "events"),
        ("ROLLBACK_COMPLETE", Outcome.WRONG, "deploy again"),
        ("DELETE_FAILED", Outcome.WRONG, "deploy again"),
        ("REVIEW_IN_PROGRESS", Outcome.WRONG, "deploy again"),
    ],
)
def test_a_stack_is_told_by_its_status(status, outcome, todo):
    check = stack("stack Api", Stack(status, {}))

    assert check.outcome is outcome
    assert todo in check.todo


def test_a_stack_that_is_not_there_is_wrong_unless_products_do_without():
    assert stack("stack Api", None).outcome is Outcome.WRONG
    assert "deploy" in stack("stack Api", None).todo
    assert stack("stack Web", None, without="page").outcome is Outcome.OK


def test_a_stack_that_may_not_be_read_says_what_to_allow():
    assert "cloudformation:DescribeStacks" in stack("stack Api", DENIED).todo


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (GLADIA, {"api_key": GENERATED}),
        (GLADIA, {"api_key": ""}),
        (GLADIA, {"key": "g"}),
        (TWILIO, {"auth_token": GENERATED}),
        (TWILIO, {"auth_token": ""}),
        (SIGNING, {"current": ""}),
    ],
)
def test_a_secret_that_is_not_filled_in_says_how_and_gives_no_value(kind, text):
    check, value = secret(kind, json.dumps(text), arn="arn:aws:x")

    assert (check.outcome, value) == (Outcome.WRONG, None)
    assert f"put-secret-value --secret-id arn:aws:x --secret-string '{kind.shape}'" in check.todo
    assert GENERATED not in f"{check.found} {check.todo}"


def test_a_generated_value_is_told_apart_from_a_broken_one():
    assert "CloudFormation made up" in secret(GLADIA, json.dumps({"api_key": GENERATED}), arn="")[0].found


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (GLADIA, {"api_key": "g-key"}, "g-key"),
        (TWILIO, {"auth_token": "now", "previous_auth_token": GENERATED}, "now"),
        (SIGNING, {"current": GENERATED}, GENERATED),
    ],
)
def test_a_secret_that_is_filled_in_is_used(kind, text, value):
    check, used = secret(kind, json.dumps(text), arn="")

    assert (check.outcome, used) == (Outcome.OK, value)


def test_a_secret_that_may_not_be_read_says_what_to_allow():
    check, value = secret(TWILIO, DENIED, arn="arn:aws:x")

    assert (value, check.outcome) == (None, Outcome.WRONG)
    assert "secretsmanager:GetSecretValue on arn:aws:x" in check.todo


def test_settings_that_make_no_sense_are_wrong_and_no_number_is_told():
    broken = {**SETTINGS, "numbers": {"+12025550188": {"then": {}}}}

    check = settings(json.dumps(broken), parameter="/p")

    assert (check.outcome, "/p" in check.todo) == (Outcome.WRONG, True)
    assert "+12025550188" not in f"{check.found} {check.todo}"
    assert settings(DENIED, parameter="/p").outcome is Outcome.WRONG
    assert settings(json.dumps(SETTINGS), parameter="/p").outcome is Outcome.OK


def test_calls_that_are_sent_past_the_bridge_are_lost():
    there = media_address("wss://old.test/", parameter="/p", media_url="wss://new.test")

    assert (there.outcome, "wss://old.test" in there.found, "/p" in there.todo) == (Outcome.WRONG, True, True)
    assert media_address("wss://new.test/", parameter="/p", media_url="wss://new.test").outcome is Outcome.OK
    assert media_address(DENIED, parameter="/p", media_url="wss://new.test").outcome is Outcome.WRONG


def test_a_bridge_that_is_dead_or_leaving_takes_no_calls():
    alive = Task("a", NOW_MS, leaving=False)
    dead = Task("b", NOW_MS - STALE_MS - 1, leaving=False)
    leaving = Task("c", NOW_MS, leaving=True)

    check = tasks([dead, leaving], now_ms=NOW_MS)

    assert (check.outcome, "1 on their way out" in check.found) == (Outcome.WRONG, True)
    assert "log" in check.todo
    assert tasks([dead, alive], now_ms=NOW_MS).outcome is Outcome.OK
    assert "dynamodb:Query" in tasks(DENIED, now_ms=NOW_MS).todo


def test_slots_that_are_all_in_use_are_told(aws):
    plan = Slots("Sessions", limit=1)
    assert slots(perform(aws("dynamodb"), plan.standing(now_ms=NOW_MS))).outcome is Outcome.OK

    for holder in ("one", "two"):
        steps = plan.acquire(holder, tenant="t", task="task", now_ms=NOW_MS, waiting_since_ms=None)
        perform(aws("dynamodb"), steps)
    check = slots(perform(aws("dynamodb"), plan.standing(now_ms=NOW_MS)))

    assert check.outcome is Outcome.WARNING
    assert check.found == "1 of 1 in use by our own count, 1 calls wait"
    assert "GLADIA_SESSIONS" in check.todo
    assert slots(Standing(taken=1, free=1, waiting=0)).outcome is Outcome.OK
    assert slots(DENIED).outcome is Outcome.WRONG
