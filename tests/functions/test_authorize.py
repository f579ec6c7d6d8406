"""The door of the WebSocket API: a good ticket opens, a wrong one is 403, none is 401."""

from __future__ import annotations

import json
import time

import msgspec
import pytest

from callscribe.errors import Refused
from callscribe.tickets import Ticket, push_ticket, sign
from functions.scope import of_context, to_context

KEY = "example-key-not-a-secret"


def ticket(*, calls=("CA1", "CA2"), use="push", lasts_s: int = 60) -> Ticket:
    made = push_ticket("acme", calls, expires_at=int(time.time()) + lasts_s)
    return msgspec.structs.replace(made, use=use)


@pytest.fixture
def asking(context, event):
    def of(handler):
        def ask(text: str | None):
            query = None if text is None else {"ticket": text}
            return handler(event("websocket_authorizer.json") | {"queryStringParameters": query}, context)

        return ask

    return of


@pytest.fixture
def authorize(aws, start, asking):
    return asking(start("authorize", warm=True))


@pytest.fixture
def authorize_afresh(aws, start, asking):
    return asking(start("authorize"))


def effect_of(answer) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"].endswith("/live/$connect")
    return statement["Effect"]


def test_a_good_ticket_opens_and_goes_along_as_flat_strings(authorize):
    given = ticket()
    answer = authorize(sign(given, KEY))

    assert effect_of(answer) == "Allow"
    assert answer["context"] == {"tenant": "acme", "calls": "CA1,CA2", "expires_at": str(given.expires_at)}


def test_a_ticket_opens_one_connection(authorize, logged):
    text = sign(ticket(), KEY)

    assert [effect_of(authorize(text)) for _ in range(3)] == ["Allow", "Deny", "Deny"]
    assert '"code":"used"' in logged()


def test_a_ticket_that_cannot_be_told_from_others_opens_nothing(authorize):
    assert effect_of(authorize(sign(msgspec.structs.replace(ticket(), id=""), KEY))) == "Deny"


def test_a_used_ticket_is_kept_in_mind_until_it_expires(authorize, aws):
    given = ticket()
    authorize(sign(given, KEY))

    (item,) = aws.dynamodb.scan(TableName="Tickets")["Items"]
    assert item["expires_at"] == {"N": str(given.expires_at)}


def test_a_ticket_for_every_call_says_so(authorize):
    assert authorize(sign(ticket(calls=None), KEY))["context"]["calls"] == "*"


@pytest.mark.parametrize(
    "text",
    [
        sign(ticket(), "another key"),
        sign(ticket(lasts_s=-1), KEY),
        sign(ticket(use="media"), KEY),
        "no ticket",
        "é.\ud800",
    ],
    ids=["forged", "expired", "misused", "malformed", "no text"],
)
def test_a_wrong_ticket_is_denied_which_clients_see_as_403(authorize, text):
    answer = authorize(text)

    assert effect_of(answer) == "Deny"
    assert "context" not in answer


@pytest.mark.parametrize("text", ["", None])
def test_no_ticket_is_unauthorized_which_clients_see_as_401(authorize, text):
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(text)


def test_a_ticket_of_the_key_before_still_opens(aws, authorize_afresh):
    aws.secrets.put_secret_value(SecretId="signing", SecretString=json.dumps({"current": "a new key", "previous": KEY}))

    assert effect_of(authorize_afresh(sign(ticket(), KEY))) == "Allow"
    assert effect_of(authorize_afresh(sign(ticket(), "a new key"))) == "Allow"


@pytest.mark.parametrize("secret", ["no JSON", "{}", '{"current": ""}', '{"current": 5}'])
def test_a_signing_secret_that_is_wrong_lets_nobody_in(aws, authorize_afresh, secret):
    aws.secrets.put_secret_value(SecretId="signing", SecretString=secret)

    with pytest.raises(Refused) as refused:
        authorize_afresh(sign(ticket(), ""))
    assert secret not in str(refused.value)


def test_a_refusal_is_logged_by_its_code_and_without_the_ticket(authorize, logged):
    text = sign(ticket(), "another key")
    authorize(text)

    assert json.loads(logged())["code"] == "forged"
    assert text not in logged()
    assert text.partition(".")[2] not in logged()


def test_a_function_without_its_settings_says_which_one_is_missing(environment, start):
    environment.delenv("SIGNING_SECRET")

    with pytest.raises(Exception, match="SIGNING_SECRET is not set"):
        start("authorize")


@pytest.mark.parametrize("calls", [("CA1",), ("CA1", "CA2"), (), None])
def test_a_ticket_survives_the_way_through_api_gateway(calls):
    given = Ticket(use="push", tenant="acme", calls=calls, expires_at=5)

    assert of_context({"principalId": "acme", "integrationLatency": 3, **to_context(given)}) == given


@pytest.mark.parametrize(
    "context", [{}, {"tenant": "acme", "calls": "*"}, {"tenant": "a", "calls": "", "expires_at": ""}]
)
def test_a_connection_without_a_ticket_is_refused(context):
    with pytest.raises(Refused):
        of_context(context)
