"""What `voice` does: opens a call, closes it, and answers a repeated callback from what it remembers."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from callscribe.twilio_signature import sign
from local.twilio.account import new_sid
from tests.path.rights.act import Act
from tests.path.rights.deployment import ACCOUNT, event
from tests.path.rights.right import rights

if TYPE_CHECKING:
    from tests.path.rights.deployment import Deployment

CALLS = "CALLS_TABLE"
IDEMPOTENCY = "IDEMPOTENCY_TABLE"
SECRET = "secretsmanager:GetSecretValue"
PARAMETER = "ssm:GetParameter"
SIGNED = rights("TWILIO_SECRET", SECRET)
REMEMBERED = rights(IDEMPOTENCY, "dynamodb:PutItem", "dynamodb:UpdateItem")


def acts(deployment: Deployment) -> list[Act]:
    return [
        Act(
            "a call is opened, listed, and answered with a media stream",
            SIGNED
            | rights("SIGNING_SECRET", SECRET)
            | rights("SETTINGS_PARAMETER", PARAMETER)
            | rights("MEDIA_URL_PARAMETER", PARAMETER)
            | rights(CALLS, "dynamodb:PutItem", "dynamodb:UpdateItem"),
            partial(opens, deployment),
        ),
        Act(
            "a call is closed, once, however often Twilio tells of it",
            SIGNED | REMEMBERED | rights(CALLS, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            partial(closes, deployment),
        ),
        Act(
            "a callback that failed is served when Twilio repeats it",
            SIGNED
            | REMEMBERED
            | rights(IDEMPOTENCY, "dynamodb:DeleteItem")
            | rights(CALLS, "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"),
            partial(serves_again, deployment),
        ),
    ]


async def opens(deployment: Deployment) -> None:
    call_id = new_sid("CA")
    answer = await post(deployment, "/twilio/voice", of(call_id, "ringing"))

    assert "<Stream " in answer["body"]
    assert deployment.log(call_id) == ["call.started"]
    assert deployment.listed(call_id) == "in-progress"


async def closes(deployment: Deployment) -> None:
    call_id = deployment.new_call()
    over = of(call_id, "completed")
    first = await post(deployment, "/twilio/status", over)
    assert (first["statusCode"], deployment.log(call_id)) == (204, ["call.started", "call.ended"])
    assert deployment.listed(call_id) == "ended"

    asked = len(deployment.witness.requests)
    again = await post(deployment, "/twilio/status", over)
    assert again["statusCode"] == 204
    assert [right.on for right in deployment.witness.requests[asked:]] == [IDEMPOTENCY]


async def serves_again(deployment: Deployment) -> None:
    call_id = deployment.new_call()
    over = of(call_id, "completed")
    with deployment.spoiled(call_id):
        failed = await post(deployment, "/twilio/status", over)
        assert failed["statusCode"] == 400

    again = await post(deployment, "/twilio/status", over)
    assert (again["statusCode"], deployment.log(call_id)) == (204, ["call.started", "call.ended"])


def of(call_id: str, status: str) -> dict[str, str]:
    return {
        "AccountSid": ACCOUNT.sid,
        "CallSid": call_id,
        "CallStatus": status,
        "Direction": "inbound",
        "From": "+12025550101",
        "To": "+12025550188",
        "SequenceNumber": "2",
    }


async def post(deployment: Deployment, path: str, form: dict[str, str]) -> dict:
    """Return the answer to a form that Twilio has signed."""
    request = event("http_api_webhook.json")
    request["routeKey"] = request["requestContext"]["routeKey"] = f"POST {path}"
    request["rawPath"] = request["requestContext"]["http"]["path"] = path
    request["body"] = base64.b64encode(urlencode(form).encode()).decode()
    url = f"{deployment.environments['voice']['PUBLIC_URL']}{path}"
    request["headers"]["x-twilio-signature"] = sign(url, list(form.items()), ACCOUNT.auth_token)
    return await deployment.invoke("voice", request)
