"""Trunks: opened by a secret of which a digest is kept, from networks that were named, until they are revoked."""

from __future__ import annotations

import json

import pytest

from callscribe.api_keys import ApiKeys, new_key
from callscribe.dynamodb import perform
from callscribe.errors import MalformedMessage, Refused
from callscribe.settings import decode_trunk_settings
from callscribe.trunks import DAY_S, MOST_CERTIFICATES, MOST_NETWORKS, Trunks, fingerprint_of, new_trunk
from tests.certificate import certificate_for
from tests.tables import TABLES

AT = "2026-11-26T09:15:02.417Z"
NOW_S = 1_795_684_502
TRUNKS = Trunks("Keys")


@pytest.fixture
def table(dynamodb):
    dynamodb.create_table(**TABLES["Keys"])
    return lambda steps: perform(dynamodb, steps)


def test_a_trunk_is_opened_by_its_secret_and_by_nothing_close_to_it(table):
    new = new_trunk("acme", "pbx-berlin", at=AT, networks=["203.0.113.0/24"])
    assert table(TRUNKS.add(new))

    found = table(TRUNKS.find("pbx-berlin"))
    assert found == new.trunk
    assert found.is_opened_by(new.secret, now_s=NOW_S)
    for wrong in (new.secret[:-1], new.secret + "A", new.secret.upper(), "", "ct_", new.trunk.digest, "\ud800"):
        assert not found.is_opened_by(wrong, now_s=NOW_S)


def test_the_secret_is_kept_nowhere(table, dynamodb):
    new = new_trunk("acme", "pbx", at=AT)
    table(TRUNKS.add(new))

    kept = json.dumps(dynamodb.scan(TableName="Keys")["Items"])
    assert "TRUNK#pbx" in kept
    assert new.secret not in kept
    assert new.secret.removeprefix("ct_") not in kept + repr(new)
    assert new.trunk.digest not in repr(new)


def test_certificates_are_what_they_were_set_to_last(table):
    first, second = certificate_for("pbx.example.test"), certificate_for("pbx.example.test")
    table(TRUNKS.add(new_trunk("acme", "pbx", at=AT, certificates=[first, first])))
    found = table(TRUNKS.find("pbx"))
    assert found.certificates == (fingerprint_of(first),)
    assert found.is_proved_by(fingerprint_of(first))
    assert not found.is_proved_by("")

    assert table(TRUNKS.certify("pbx", [second, first]))
    assert table(TRUNKS.find("pbx")).certificates == (fingerprint_of(second), fingerprint_of(first))
    assert table(TRUNKS.certify("pbx", []))
    assert not table(TRUNKS.find("pbx")).is_proved_by(fingerprint_of(first))
    assert not table(TRUNKS.certify("nobody", [first]))

    table(TRUNKS.certify("pbx", [first]))
    table(TRUNKS.revoke("pbx", at=AT))
    assert not table(TRUNKS.find("pbx")).is_proved_by(fingerprint_of(first))


def test_a_trunk_from_before_there_were_certificates_has_none(table, dynamodb):
    new = new_trunk("acme", "pbx", at=AT)
    table(TRUNKS.add(new))
    key = {"pk": {"S": "TRUNK#pbx"}, "sk": {"S": "TRUNK"}}
    dynamodb.update_item(TableName="Keys", Key=key, UpdateExpression="REMOVE certificates")
    assert table(TRUNKS.find("pbx")) == new.trunk


def test_what_is_no_certificate_is_refused():
    for wrong in (
        "",
        "pbx",
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
        "-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----",
    ):
        with pytest.raises(Refused, match="certificate"):
            fingerprint_of(wrong)
    many = [certificate_for(f"pbx{n}.example.test") for n in range(MOST_CERTIFICATES + 1)]
    with pytest.raises(Refused, match="at most"):
        new_trunk("acme", "pbx", at=AT, certificates=many)


def test_names_are_taken_once(table):
    new = new_trunk("acme", "pbx", at=AT)
    assert table(TRUNKS.add(new))
    assert not table(TRUNKS.add(new_trunk("other", "pbx", at=AT)))
    assert table(TRUNKS.find("pbx")) == new.trunk
    assert table(TRUNKS.find("PBX")) is None
    assert table(TRUNKS.find("another")) is None


def test_a_rotated_secret_stays_good_for_a_while_and_the_one_before_it_does_not(table):
    first = new_trunk("acme", "pbx", at=AT)
    table(TRUNKS.add(first))
    second = table(TRUNKS.rotate("pbx", now_s=NOW_S))

    found = table(TRUNKS.find("pbx"))
    assert found == second.trunk
    for secret, until_s in ((first.secret, NOW_S + DAY_S), (second.secret, NOW_S + 9 * DAY_S)):
        assert found.is_opened_by(secret, now_s=until_s - 1)
    assert not found.is_opened_by(first.secret, now_s=NOW_S + DAY_S)

    third = table(TRUNKS.rotate("pbx", now_s=NOW_S + 1, keep_s=0))
    assert not third.trunk.is_opened_by(first.secret, now_s=NOW_S + 1)
    assert not third.trunk.is_opened_by(second.secret, now_s=NOW_S + 1)
    assert third.trunk.is_opened_by(third.secret, now_s=NOW_S + 1)


def test_of_two_who_rotate_at_once_one_has_a_secret_that_is_good(table):
    table(TRUNKS.add(new_trunk("acme", "pbx", at=AT)))
    slow = TRUNKS.rotate("pbx", now_s=NOW_S)
    read = next(slow)
    item = table(_only(read))
    quick = table(TRUNKS.rotate("pbx", now_s=NOW_S))

    with pytest.raises(StopIteration) as ended:
        slow.send(table(_only(slow.send(item))))
    assert ended.value.value is None
    assert table(TRUNKS.find("pbx")).is_opened_by(quick.secret, now_s=NOW_S)


def _only(request):
    return (yield request)


def test_a_revoked_trunk_opens_nothing_and_is_not_rotated(table):
    new = new_trunk("acme", "pbx", at=AT)
    table(TRUNKS.add(new))

    assert table(TRUNKS.revoke("pbx", at=AT))
    assert not table(TRUNKS.find("pbx")).is_opened_by(new.secret, now_s=NOW_S)
    assert table(TRUNKS.rotate("pbx", now_s=NOW_S)) is None
    assert not table(TRUNKS.revoke("another", at=AT))
    assert table(TRUNKS.rotate("another", now_s=NOW_S)) is None


def test_a_tenants_trunks_and_keys_are_listed_apart(table):
    trunk, key = new_trunk("acme", "pbx", at=AT), new_key("acme", "CRM", at=AT)
    table(TRUNKS.add(trunk))
    table(ApiKeys("Keys").add(key))
    table(TRUNKS.revoke("pbx", at=AT))

    assert [(each.name, each.revoked_at) for each in table(TRUNKS.of_tenant("acme"))] == [("pbx", AT)]
    assert table(ApiKeys("Keys").of_tenant("acme")) == [key.key]
    assert table(TRUNKS.of_tenant("other")) == []


@pytest.mark.parametrize(
    ("networks", "address", "may"),
    [
        ((), "198.51.100.7", True),
        ((), "not an address", True),
        (("203.0.113.0/24",), "203.0.113.200", True),
        (("203.0.113.0/24",), "::ffff:203.0.113.200", True),
        (("203.0.113.0/24",), "203.0.114.1", False),
        (("203.0.113.0/24", "2001:db8::/32"), "2001:db8::7", True),
        (("203.0.113.7",), "203.0.113.7", True),
        (("203.0.113.0/24",), "not an address", False),
    ],
)
def test_a_trunk_may_come_from_its_networks(networks, address, may):
    assert new_trunk("acme", "pbx", at=AT, networks=networks).trunk.may_come_from(address) is may


@pytest.mark.parametrize("name", ["", "PBX", "-pbx", "a" * 32, "pbx/1", "pbx 1"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(Refused, match="1 to 31"):
        new_trunk("acme", name, at=AT)


@pytest.mark.parametrize("network", ["", "203.0.113.7/24", "example.com", "203.0.113.0/33"])
def test_a_network_that_is_none_is_refused_with_how_it_is_written(network):
    with pytest.raises(Refused, match=r"203\.0\.113\.0/24"):
        new_trunk("acme", "pbx", at=AT, networks=[network])


def test_more_networks_than_are_looked_at_are_refused():
    with pytest.raises(Refused, match=str(MOST_NETWORKS)):
        new_trunk("acme", "pbx", at=AT, networks=[f"10.0.{n}.0/24" for n in range(MOST_NETWORKS + 1)])


def test_the_settings_of_its_calls_are_kept_with_it(table, dynamodb):
    settings = decode_trunk_settings(
        '{"session": "per_leg", "parties": {"inbound": "patient"}, "gladia": {"model": "solaria-1"},'
        ' "second_pass": {"recording": "https://pbx.example.com/recordings/{call_id}.wav"}}'
    )
    table(TRUNKS.add(new_trunk("acme", "pbx", at=AT, settings=settings)))
    assert table(TRUNKS.find("pbx")).settings == settings
    assert table(TRUNKS.find("pbx")).settings.party("inbound", "inbound") == "patient"
    assert table(TRUNKS.find("pbx")).settings.party("agent", "inbound") == "agent"

    broken = {"settings": {"S": '{"session": "per_call"}'}}
    (item,) = dynamodb.scan(TableName="Keys")["Items"]
    dynamodb.put_item(TableName="Keys", Item=item | broken)
    with pytest.raises(MalformedMessage):
        table(TRUNKS.find("pbx"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"session": "per_call"}', "per_call"),
        ('{"then": {"say": "hello"}}', "then"),
        ('{"second_pass": {}}', "recording"),  # Twilio's own, by default
        ("[]", "object"),
    ],
)
def test_settings_that_make_no_sense_of_a_trunk_are_refused(text, why):
    with pytest.raises(Refused, match=why):
        decode_trunk_settings(text)
