import re

from local.twilio.account import Account, new_sid
from local.twilio.signing import sign_upgrade, sign_webhook

ACCOUNT = Account(auth_token="example-token-not-a-secret")
FORM = {
    "ApiVersion": "2010-04-01",
    "CallSid": "CAexample",
    "CallStatus": "ringing",
    "CallerName": "",
    "Direction": "inbound",
    "From": "+12025550123",
    "To": "+12025550188",
}


def test_a_form_is_signed_over_its_url_with_the_query_and_its_blank_values():
    url = "https://voice.example.test/prod/voice?tenant=7"
    assert sign_webhook(ACCOUNT, url, FORM) == "gEeUB9q5paLHya5W/RyS412pSuQ="


def test_connection_overrides_after_a_hash_are_not_signed():
    url = "https://voice.example.test/prod/voice?tenant=7#rc=2&rp=all"
    assert sign_webhook(ACCOUNT, url, FORM) == "gEeUB9q5paLHya5W/RyS412pSuQ="


def test_a_get_is_signed_over_its_url_alone():
    url = "https://voice.example.test/prod/status?CallSid=CAexample&CallStatus=completed"
    assert sign_webhook(ACCOUNT, url, {}) == "WNNRy+i9RNoHmYAAPyo8/65sm9Y="


def test_a_port_that_is_written_is_signed():
    assert sign_webhook(ACCOUNT, "https://voice.example.test:8443/voice", FORM) == "De+vptS3ERLi/tL+lsQx2VxBwl4="


def test_an_upgrade_is_signed_over_the_address_as_written():
    assert sign_upgrade(ACCOUNT, "wss://stream.example.test/twilio/ws") == "eLq6l1YtawoqVpTCQ/U7d9kC3K0="
    assert sign_upgrade(ACCOUNT, "wss://stream.example.test/twilio/ws/") == "eFc4hRQ+J07aZBENDp1s6Hd/0l0="


def test_identifiers_are_two_letters_and_32_hexadecimal_digits_and_never_the_same():
    assert re.fullmatch(r"MZ[0-9a-f]{32}", new_sid("MZ"))
    assert new_sid("CA") != new_sid("CA")


def test_an_account_never_shows_its_token():
    assert ACCOUNT.auth_token not in repr(ACCOUNT)
