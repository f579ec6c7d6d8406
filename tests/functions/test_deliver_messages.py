"""What comes in the queue of `deliver`, and what of it makes no sense."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.deliveries import Delivery
from functions.deliver.messages import Due, due, read

DELIVERY = Delivery("we_1", "acme", "CA1", 7, "2026-11-22T09:15:02.417Z", "summary", attempts=3)


def test_a_delivery_is_asked_for_as_it_was_then():
    (received,), malformed = read([{"messageId": "m1", "body": due(DELIVERY)}])

    assert (received.message_id, malformed) == ("m1", 0)
    assert isinstance(received.asks, Due)
    assert received.asks.delivery == DELIVERY


@pytest.mark.parametrize(
    "record",
    [
        {"messageId": "m1", "body": "not JSON"},
        {"messageId": "m1", "body": "{}"},
        {"messageId": "m1", "body": '{"due": {"endpoint": "we_1"}}'},
        {"messageId": "m1", "body": '{"detail": null}'},
        {"messageId": "m1", "body": "\ud800"},
        {"messageId": "m1"},
        {"body": due(DELIVERY)},
    ],
)
def test_what_makes_no_sense_is_counted_and_the_rest_is_read(record):
    received, malformed = read([record, {"messageId": "m2", "body": due(DELIVERY)}])

    assert ([each.message_id for each in received], malformed) == (["m2"], 1)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda part: st.dictionaries(st.text(), part)))
def test_fuzz_no_body_stops_the_others(document):
    received, malformed = read([{"messageId": "m1", "body": json.dumps(document)}])

    assert (len(received), malformed) in ((0, 1), (1, 0))
