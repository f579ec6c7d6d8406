"""Who may open a media socket."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator
from websockets.datastructures import Headers

from bridge.door import Admitted, Door, TurnedAway, knock
from callscribe.tickets import Ticket, sign

DOOR = Door("wss://bridge.example.test", ("key",), ("token", "the token before"))
TICKET = Ticket(use="media", tenant="acme", calls=("CA1",), expires_at=1000)
PATH = f"/twilio/{sign(TICKET, 'key')}"


def signed(path: str, *, token: str = "token", base: str = "wss://bridge.example.test") -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(base + path, {})}


def test_a_ticket_in_the_path_and_twilios_signature_open_the_door():
    assert knock(PATH, signed(PATH), DOOR, now_s=999) == Admitted(TICKET)


def test_while_the_auth_token_is_replaced_both_are_good():
    assert knock(PATH, signed(PATH, token="the token before"), DOOR, now_s=999) == Admitted(TICKET)


@pytest.mark.parametrize("path", ["/", "/twilio", "/twilio/", "/elsewhere/x", f"{PATH}/more", "/healthz/../x"])
def test_a_path_that_is_not_ours_is_not_found(path):
    assert knock(path, signed(path), DOOR, now_s=999) == TurnedAway(404, "unknown path")


@pytest.mark.parametrize(
    ("path", "now_s", "reason"),
    [
        ("/twilio/nonsense", 999, "ticket malformed"),
        ("/twilio/" + sign(TICKET, "another key"), 999, "ticket forged"),
        (PATH[:-1] + ("A" if PATH[-1] != "A" else "B"), 999, "ticket forged"),
        (PATH, 1000, "ticket expired"),
        (
            "/twilio/" + sign(Ticket(use="push", tenant="acme", calls=None, expires_at=1000), "key"),
            999,
            "ticket misused",
        ),
    ],
)
def test_a_ticket_that_is_no_good_is_forbidden_though_the_signature_is(path, now_s, reason):
    assert knock(path, signed(path), DOOR, now_s=now_s) == TurnedAway(403, reason)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "signature missing"),
        ({"X-Twilio-Signature": ""}, "signature wrong"),
        ({"X-Twilio-Signature": "Zm9yZ2Vk"}, "signature wrong"),
        (signed(PATH, token="a stranger's"), "signature wrong"),
        (signed(PATH, base="wss://elsewhere.example.test"), "signature wrong"),
    ],
)
def test_a_signature_that_is_no_good_is_forbidden_though_the_ticket_is(headers, reason):
    assert knock(PATH, headers, DOOR, now_s=999) == TurnedAway(403, reason)


def test_a_signature_that_comes_twice_is_none():
    headers = Headers([*signed(PATH).items(), *signed(PATH).items()])

    assert knock(PATH, headers, DOOR, now_s=999) == TurnedAway(403, "signature repeated")


def test_what_is_logged_of_a_refusal_holds_no_ticket():
    turned_away = knock(PATH, {}, DOOR, now_s=999)

    assert PATH.rsplit("/", 1)[1] not in repr(turned_away)
