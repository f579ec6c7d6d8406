"""The subscribe function behind the WebSocket API: events as API Gateway sends them, answers posted back."""

from __future__ import annotations

import base64
import json

import pytest

from callscribe.entries import CallStarted, Dtmf, Other

ME = "QZ2gHcP9joECJPg="
STARTED = CallStarted(provider="twilio", direction="inbound", account="AC1", from_number="+1", to_number="+2")


@pytest.fixture
def subscribe(aws, sockets, start, context):
    handler = start("subscribe", warm=True)
    return lambda event: handler(event, context)


@pytest.fixture
def say(subscribe, event):
    """Say something as the client of the event."""

    def send(body: str, *, route: str = "$default", **more):
        message = event("websocket_message.json")
        message["requestContext"]["routeKey"] = route
        return subscribe(message | {"body": body} | more)

    return send


def digit(number: int) -> Dtmf:
    return Dtmf(leg="a", digit=str(number % 10), at_ms=number)


def test_a_connection_opens_and_nothing_is_posted_before_it_has(subscribe, event, sockets):
    opening = event("websocket_message.json")
    opening["requestContext"] |= {"eventType": "CONNECT", "routeKey": "$connect"}
    del opening["body"]

    assert subscribe(opening) == {"statusCode": 200}
    assert sockets.posted == {}


def test_a_subscriber_is_sent_the_log_and_found_by_those_who_push(aws, subscribe, event, sockets):
    aws.append("CA1", STARTED, digit(1), digit(2))

    assert subscribe(event("websocket_message.json")) == {"statusCode": 200}

    sent = sockets.messages(ME)
    assert [each["type"] for each in sent] == ["entry", "entry", "entry", "replayed"]
    assert [each["seq"] for each in sent[:-1]] == [1, 2, 3]
    (subscription,) = aws.subscriptions("CA1")
    assert (subscription.connection_id, subscription.tenant) == (ME, "acme")
    assert subscription.expires_at < 4102444800


def test_a_replay_begins_where_it_was_asked_and_comes_in_frames_that_api_gateway_takes(aws, say, sockets):
    aws.append("CA1", STARTED, *(Other(kind="note", fields={"text": "x" * 9000}) for _ in range(12)))

    say('{"action":"replay","call_id":"CA1","after":3}', route="replay")

    assert [each["seq"] for each in sockets.messages(ME)[:-1]] == list(range(4, 14))
    assert sockets.messages(ME)[-1]["through"] == 13
    assert len(sockets.posted[ME]) > 1
    assert all(len(frame) <= 32 * 1024 for frame in sockets.posted[ME])


def test_a_connection_that_closes_is_forgotten_in_every_call(aws, subscribe, event):
    aws.subscribe("CA1", ME)
    aws.subscribe("CA2", ME)
    aws.subscribe("CA1", "another=")

    assert subscribe(event("websocket_disconnect.json")) == {"statusCode": 200}

    assert (aws.subscribers("CA1"), aws.subscribers("CA2")) == (["another="], [])


def test_a_connection_that_is_gone_before_its_answer_is_forgotten(aws, say, sockets):
    aws.append("CA1", STARTED)
    sockets.gone.add(ME)

    assert say('{"action":"subscribe","call_id":"CA1"}', route="subscribe") == {"statusCode": 200}

    assert aws.subscribers("CA1") == []


def test_unsubscribe_ends_the_subscription(aws, say):
    aws.subscribe("CA1", ME)

    say('{"action":"unsubscribe","call_id":"CA1"}', route="unsubscribe")

    assert aws.subscribers("CA1") == []


def test_ping_keeps_the_connection(say, sockets):
    say('{"action":"ping"}', route="ping")

    assert sockets.messages(ME) == [{"type": "pong"}]


@pytest.mark.parametrize("body", ["", "hello", "[]", '{"action":"subscribe","call_id":7}', "\ud800"])
def test_text_that_is_no_message_gets_an_error_and_the_connection_lives_on(say, sockets, body):
    assert say(body) == {"statusCode": 200}
    assert say('{"action":"ping"}') == {"statusCode": 200}

    assert [each["type"] for each in sockets.messages(ME)] == ["error", "pong"]


def test_a_binary_message_is_read_like_a_text(say, sockets):
    say(base64.b64encode(b'{"action":"ping"}').decode(), isBase64Encoded=True)

    assert sockets.messages(ME) == [{"type": "pong"}]


def test_what_clients_say_is_not_logged(say, logged, capsys):
    say('{"action":"tell nobody","call_id":"CA1"}')

    line = json.loads(logged())
    assert (line["code"], line["field"], line["connection_id"]) == ("malformed", "action", ME)
    assert "tell nobody" not in logged()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ErrorsAnswered"] == [1.0]
