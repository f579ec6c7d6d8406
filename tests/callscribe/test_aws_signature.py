"""Signatures, held against botocore's own signer."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from callscribe.aws_signature import Signer

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEYS = ReadOnlyCredentials("AKIDEXAMPLE", "example-key-not-a-secret", "example-token")

CHARACTERS = string.ascii_letters + string.digits
words = st.text(CHARACTERS + "-_", min_size=1, max_size=20)
# What is sent is printable; a `#` or `?` would end a path, and is quoted in one.
segments = st.one_of(
    st.text("".join(map(chr, range(0x21, 0x7F))).translate({ord(each): None for each in "#?/[]\\"}), max_size=12),
    st.text(max_size=12).map(lambda text: quote(text, safe="")),
    st.sampled_from([".", "..", "", "@connections", "L0SM9cOFvHcCIhw%3D"]),
)
paths = st.lists(segments, max_size=6).map(lambda found: "/" + "/".join(found))
hosts = st.sampled_from(
    ["dynamodb.eu-west-1.amazonaws.com", "abc123.execute-api.eu-west-1.amazonaws.com", "push.example.test",
     "127.0.0.1:4566"]
)  # fmt: skip
values = st.text("".join(map(chr, range(0x20, 0x7F))), max_size=40)
names = words.map(str.lower).filter(lambda name: name not in (*auth.SIGNED_HEADERS_BLACKLIST, "date", "host"))
some_keys = st.builds(
    ReadOnlyCredentials,
    st.text(CHARACTERS, min_size=16, max_size=20),
    st.text(CHARACTERS + "/+=", min_size=40, max_size=40),
    st.one_of(st.none(), st.text(CHARACTERS + "/+=", min_size=1, max_size=400)),
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2050, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def by_botocore(keys, *, service, region, host, path, headers, body, at) -> dict[str, str]:
    request = AWSRequest("POST", f"https://{host}{path}", headers=dict(headers), data=body)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(auth, "get_current_datetime", lambda *_args, **_more: at)
        auth.SigV4Auth(keys, service, region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


requests = st.fixed_dictionaries(
    {
        "host": hosts,
        "path": paths,
        "headers": st.dictionaries(names.filter(lambda name: not name.startswith("x-amz")), values, max_size=4),
        "body": st.binary(max_size=200),
        "at": moments,
    }
)


@given(
    keys=some_keys,
    service=st.sampled_from(["dynamodb", "execute-api", "lambda"]),
    region=st.sampled_from(["eu-west-1", "us-gov-east-1", "ap-southeast-5"]),
    request=requests,
)
def test_any_request_is_signed_as_botocore_signs_it(keys, service, region, request):
    theirs = by_botocore(keys, service=service, region=region, **request)
    ours = Signer(service=service, region=region).sign(keys, **request)

    assert ours["authorization"] == theirs["authorization"]
    assert ours == {**theirs, "host": request["host"]}


@given(calls=st.lists(st.tuples(some_keys, moments), min_size=2, max_size=6))
def test_a_signer_goes_with_the_day_and_with_renewed_keys(calls):
    signer = Signer(service="dynamodb", region="eu-west-1")
    request = {"host": "a.example.test", "path": "/", "headers": {}, "body": b"{}"}

    for keys, at in [*calls, *calls]:
        theirs = by_botocore(keys, service="dynamodb", region="eu-west-1", at=at, **request)
        assert signer.sign(keys, at=at, **request)["authorization"] == theirs["authorization"]


def test_midnight_is_another_day():
    signer = Signer(service="dynamodb", region="eu-west-1")
    request = {"host": "a.example.test", "path": "/", "headers": {}, "body": b"{}"}
    days = [NOON, NOON + timedelta(hours=12), NOON]

    signed = [signer.sign(KEYS, at=at, **request)["authorization"] for at in days]

    assert ["/20261130/" in signed[0], "/20261201/" in signed[1]] == [True, True]
    assert signed[0] == signed[2] != signed[1]


def test_without_a_session_no_token_is_sent():
    signer = Signer(service="execute-api", region="eu-west-1")
    own = ReadOnlyCredentials("AKIDEXAMPLE", "example-key-not-a-secret", None)

    assert signer.sign(own, host="a.example.test", path="/", headers={}, body=b"", at=NOON).keys() == {
        "host", "x-amz-date", "authorization",
    }  # fmt: skip
