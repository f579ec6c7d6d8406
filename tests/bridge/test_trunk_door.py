"""Trunks at the door: what an upgrade may show, and what is said to who is wrong."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from bridge.door import TurnedAway
from bridge.trunk_door import (
    BURST,
    CERTIFICATE,
    MISSING,
    MOST_ADDRESSES,
    WRONG,
    Refusals,
    Shown,
    admit,
    certified,
    shown,
)
from callscribe.trunks import fingerprint_of, new_trunk
from tests.certificate import certificate_for

SHOWN = Shown("asterisk", "pbx", "ct_secret")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/asterisk/pbx", basic("pbx", "ct_secret")),
        ("/asterisk/pbx", {"Authorization": "Bearer ct_secret"}),
        ("/asterisk/pbx", {"Authorization": "bearer  ct_secret "}),
        ("/asterisk/pbx/ct_secret", {}),
    ],
)
def test_the_secret_comes_as_password_token_or_path(path, headers):
    assert shown(path, headers) == SHOWN
    assert "ct_secret" not in repr(SHOWN)


@pytest.mark.parametrize(
    ("path", "headers", "answer"),
    [
        ("/", {}, TurnedAway(404, "unknown path")),
        ("/asterisk", {}, TurnedAway(404, "unknown path")),
        ("/asterisk/", {}, TurnedAway(404, "unknown path")),
        ("/cisco/pbx/ct_secret", {}, TurnedAway(404, "unknown path")),
        ("/asterisk/pbx/ct_secret/more", {}, TurnedAway(404, "unknown path")),
        ("/asterisk/pbx", {}, MISSING),
        ("/asterisk/pbx/", {}, MISSING),
        ("/asterisk/pbx", {"Authorization": "Bearer "}, MISSING),
        ("/asterisk/pbx", {"Authorization": "Digest x"}, MISSING),
        ("/asterisk/pbx/ct_secret", basic("pbx", "ct_secret"), MISSING),
        ("/asterisk/pbx", basic("another", "ct_secret"), WRONG),
        ("/asterisk/pbx", basic("pbx", ""), WRONG),
        ("/asterisk/pbx", {"Authorization": "Basic ***"}, WRONG),
        ("/asterisk/pbx", {"Authorization": "Basic /w=="}, WRONG),
    ],
)
def test_what_shows_no_secret_is_turned_away(path, headers, answer):
    assert shown(path, headers) == answer


def test_credentials_that_come_twice_are_none():
    headers = Headers([("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
    assert shown("/asterisk/pbx", headers) == TurnedAway(401, "credentials repeated")


def test_who_is_wrong_does_not_learn_how():
    new = new_trunk("acme", "pbx", at="2026-11-26T09:15:02.417Z", networks=["203.0.113.0/24"])
    right = Shown("asterisk", "pbx", new.secret)

    assert admit(new.trunk, right, address="203.0.113.7", now_s=0) is None
    assert admit(new.trunk, right, address="198.51.100.7", now_s=0) == WRONG
    assert admit(new.trunk, SHOWN, address="203.0.113.7", now_s=0) == WRONG
    assert admit(None, right, address="203.0.113.7", now_s=0) == WRONG


def test_a_certificate_that_the_balancer_checked_is_as_good_as_the_secret_and_networks_hold_for_it_too():
    pem = certificate_for("pbx.example.test")
    new = new_trunk("acme", "pbx", at="2026-11-26T09:15:02.417Z", networks=["203.0.113.0/24"], certificates=[pem])
    headers = {CERTIFICATE: quote(pem, safe="+=/")}
    by_certificate = certified("/asterisk/pbx", headers)
    assert by_certificate == Shown("asterisk", "pbx", "", fingerprint_of(pem))
    assert certified("/asterisk/pbx/", headers) == by_certificate
    assert certified("/asterisk/pbx/guess", headers) == Shown("asterisk", "pbx", "guess", fingerprint_of(pem))

    assert admit(new.trunk, by_certificate, address="203.0.113.7", now_s=0) is None
    assert admit(new.trunk, by_certificate, address="198.51.100.7", now_s=0) == WRONG
    another = Shown("asterisk", "pbx", "", fingerprint_of(certificate_for("pbx.example.test")))
    assert admit(new.trunk, another, address="203.0.113.7", now_s=0) == WRONG
    # Its networks vouch for it only where there is no place for a certificate.
    assert admit(new.trunk, Shown("siprec", "pbx", ""), address="203.0.113.7", now_s=0) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {CERTIFICATE: ""},
        {CERTIFICATE: "pbx"},
        {CERTIFICATE: "-----BEGIN CERTIFICATE-----%0A*%0A-----END CERTIFICATE-----"},
        Headers([(CERTIFICATE, "-----BEGIN CERTIFICATE-----"), (CERTIFICATE, "-----BEGIN CERTIFICATE-----")]),
    ],
)
def test_what_is_no_certificate_is_none(headers):
    assert certified("/asterisk/pbx", headers) == MISSING
    assert certified("/cisco/pbx", headers) == TurnedAway(404, "unknown path")
    assert certified("/asterisk/pbx/ct_secret", headers) == SHOWN


def test_a_port_that_anybody_reaches_takes_nobodys_word_for_a_certificate():
    assert shown("/asterisk/pbx", {CERTIFICATE: quote(certificate_for("pbx.example.test"))}) == MISSING


def test_an_address_that_floods_waits_and_others_do_not():
    refusals = Refusals()
    for _ in range(BURST):
        assert not refusals.is_too_many("198.51.100.7", now_s=10)
        refusals.count("198.51.100.7", now_s=10)

    assert refusals.is_too_many("198.51.100.7", now_s=10.5)
    assert not refusals.is_too_many("203.0.113.7", now_s=10.5)
    assert not refusals.is_too_many("198.51.100.7", now_s=11)
    refusals.count("198.51.100.7", now_s=11)
    assert refusals.is_too_many("198.51.100.7", now_s=11.5)
    assert not refusals.is_too_many("198.51.100.7", now_s=1000)


def test_of_addresses_that_were_wrong_only_so_many_are_kept_those_of_late():
    refusals = Refusals()
    for _ in range(BURST):
        refusals.count("198.51.100.7", now_s=0)
    for number in range(MOST_ADDRESSES):
        refusals.count(f"address {number}", now_s=0)
    assert not refusals.is_too_many("198.51.100.7", now_s=0)


@given(st.text(), st.text())
def test_fuzz_no_request_breaks_the_door(path, authorization):
    assert isinstance(shown(path, {"Authorization": authorization}), Shown | TurnedAway)
    assert isinstance(shown("/asterisk/pbx", {"Authorization": f"Basic {authorization}"}), TurnedAway)
