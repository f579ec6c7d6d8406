"""A message is signed as Standard Webhooks says; a receiver that follows it can tell ours from others."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
import standardwebhooks

from callscribe.errors import Refused
from callscribe.webhook_signature import TOLERANCE_S, InvalidSignature, new_secret, sign, verify

NOW = 1_674_087_231
SECRET = "whsec_" + base64.b64encode(b"an example key that is no secret").decode()
BODY = b'{"type":"transcript.ready"}'


def test_the_signature_is_over_id_time_and_body():
    headers = sign("CA1.7", BODY, [SECRET], now_s=NOW)

    # By hand, as a receiver in any language does it.
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, b"CA1.7.1674087231." + BODY, hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "CA1.7",
        "webhook-timestamp": "1674087231",
        "webhook-signature": "v1," + base64.b64encode(expected).decode(),
    }


@pytest.mark.parametrize("body", [BODY, '{"text":"grüße 👋"}'.encode(), b"", b"{" + b" " * 100_000 + b"}"])
def test_it_is_the_one_that_the_schemes_own_library_makes_and_believes(body):
    now = datetime.now(UTC)  # its clock is the machine's
    headers = sign("CA1.7", body, [new_secret(), SECRET], now_s=int(now.timestamp()))

    judge = standardwebhooks.Webhook(SECRET)
    assert headers["webhook-signature"].split()[1] == judge.sign("CA1.7", now, body.decode())
    judge.verify(body, headers, json_parse=False)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new_secret()).verify(body, headers, json_parse=False)


def test_it_is_that_of_the_schemes_own_example():
    # Svix, "Verifying webhooks manually": the id, time, body and secret of its documentation.
    headers = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        now_s=1_614_265_330,
    )  # fmt: skip

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_who_has_the_secret_can_tell_that_it_is_ours():
    assert verify(sign("CA1.7", BODY, [SECRET], now_s=NOW), BODY, [SECRET], now_s=NOW + TOLERANCE_S) == "CA1.7"


def test_while_secrets_are_replaced_either_will_do():
    other = new_secret()
    headers = sign("CA1.7", BODY, [other, SECRET], now_s=NOW)

    assert len(headers["webhook-signature"].split()) == 2
    assert verify(headers, BODY, [SECRET], now_s=NOW) == verify(headers, BODY, [other], now_s=NOW) == "CA1.7"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"webhook-id": "CA2.7"}, "wrong"),
        ({"webhook-timestamp": str(NOW + 1)}, "wrong"),
        ({"webhook-timestamp": str(NOW - TOLERANCE_S - 1)}, "not of now"),
        ({"webhook-timestamp": str(NOW + TOLERANCE_S + 1)}, "not of now"),
        ({"webhook-timestamp": "now"}, "not of now"),
        ({"webhook-timestamp": "9" * 40}, "not of now"),
        ({"webhook-signature": ""}, "wrong"),
        ({"webhook-signature": "v2,abc v1,abc"}, "wrong"),
    ],
)
def test_what_was_changed_or_is_old_is_told(change, why):
    headers = sign("CA1.7", BODY, [SECRET], now_s=NOW) | change

    with pytest.raises(InvalidSignature, match=why):
        verify(headers, BODY, [SECRET], now_s=NOW)


def test_so_is_another_body_another_secret_and_a_header_that_is_missing():
    headers = sign("CA1.7", BODY, [SECRET], now_s=NOW)

    with pytest.raises(InvalidSignature, match="wrong"):
        verify(headers, BODY + b" ", [SECRET], now_s=NOW)
    with pytest.raises(InvalidSignature, match="wrong"):
        verify(headers, BODY, [new_secret()], now_s=NOW)
    with pytest.raises(InvalidSignature, match="no header webhook-signature"):
        verify({name: headers[name] for name in ("webhook-id", "webhook-timestamp")}, BODY, [SECRET], now_s=NOW)


@pytest.mark.parametrize("odd", ["", "whsec_", "whsec_no base64!", "whsec_c2hvcnQ="])
def test_what_is_no_secret_signs_nothing(odd):
    with pytest.raises(Refused):
        sign("CA1.7", BODY, [odd], now_s=NOW)


def test_a_new_secret_is_nobodys():
    assert new_secret() != new_secret()
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32
