"""What a deployment's doors do with strangers, and with those who may come in; real ones are in tests/path."""

from __future__ import annotations

import pytest

from local.doctor.check import Answer, NoAnswer, Outcome
from local.doctor.doors import (
    OPENED,
    Talk,
    health,
    http_api,
    push,
    signed_webhook,
    stranger_at_media,
    twilio_at_media,
    unsigned_webhook,
)

GONE = NoAnswer("ConnectError")
MADE = Answer(201)


@pytest.mark.parametrize(
    ("decide", "right"),
    [
        (unsigned_webhook, Answer(403)),
        (signed_webhook, Answer(204)),
        (health, Answer(200, b"ok\n")),
        (stranger_at_media, Answer(403, b"ticket malformed\n")),
        (twilio_at_media, Answer(OPENED)),
    ],
)
def test_a_door_that_does_as_it_should_is_right_and_one_that_is_gone_is_not(decide, right):
    assert decide(right).outcome is Outcome.OK

    check = decide(GONE)
    assert (check.outcome, check.found) == (Outcome.WRONG, "can't be reached (ConnectError)")
    assert check.todo


@pytest.mark.parametrize(
    ("check", "found", "todo"),
    [
        (unsigned_webhook(Answer(200)), "let in (200)", "deploy Api"),
        (unsigned_webhook(Answer(404)), "answered 404", "VoiceUrl"),
        (signed_webhook(Answer(403)), "its signature is refused", "PUBLIC_URL"),
        (signed_webhook(Answer(503)), "not served (503)", "log of the function `voice`"),
        (health(Answer(503)), "no bridge behind the address (503)", "tasks"),
        (health(Answer(200, b"<html>")), "answered 200", "MediaUrl"),
        (stranger_at_media(Answer(403, b"<html>")), "refused, but not by the bridge", "distribution"),
        (stranger_at_media(Answer(OPENED)), "let in", "deploy Bridge"),
        (twilio_at_media(Answer(403, b"ticket forged\n")), "its ticket is refused", "five minutes later"),
        (twilio_at_media(Answer(403, b"signature wrong\n")), "its signature is refused", "MEDIA_URL"),
        (twilio_at_media(Answer(403, b"signature missing\n")), "its signature got lost", "headers"),
        (http_api(Answer(401), keys_table="Keys"), "refuses the key", "callscribe keys create --table Keys"),
        (http_api(Answer(500), keys_table="Keys"), "answered 500", "log of the function `calls`"),
    ],
)
def test_a_door_that_does_not_says_what_to_do(check, found, todo):
    assert (check.outcome, check.found) == (Outcome.WRONG, found)
    assert todo in check.todo


def test_without_a_key_nobody_asks():
    check = http_api(None, keys_table="Keys")

    assert (check.outcome, "CALLSCRIBE_API_KEY" in check.todo) == (Outcome.WARNING, True)


@pytest.mark.parametrize(
    ("talk", "outcomes", "found"),
    [
        (Talk(MADE, Answer(OPENED), pong=True, again=Answer(403)), "ok ok ok", "refused"),
        (Talk(Answer(401)), "wrong", "answered 401"),
        (Talk(MADE, Answer(403)), "ok wrong", "refused (403)"),
        (Talk(MADE, GONE), "ok wrong", "can't be reached (ConnectError)"),
        (Talk(MADE, Answer(OPENED), pong=False, again=Answer(403)), "ok wrong ok", "opens, but no pong came"),
        (Talk(MADE, Answer(OPENED), pong=True, again=Answer(OPENED)), "ok ok wrong", "let in a second time"),
        (Talk(MADE, Answer(OPENED), pong=True, again=Answer(500)), "ok ok wrong", "answered 500"),
    ],
)
def test_a_client_gets_as_far_as_the_deployment_lets_it(talk, outcomes, found):
    checks = push(talk)

    assert [check.outcome.value for check in checks] == outcomes.split()
    assert found in [check.found for check in checks]
    assert all(check.todo for check in checks if check.outcome is Outcome.WRONG)
