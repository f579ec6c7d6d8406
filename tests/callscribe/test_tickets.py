"""Tickets open what they say, until they say, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe import tickets
from callscribe.tickets import InvalidTicket, Ticket, sign, verify

NOW_S = 1_795_000_000
PUSH = Ticket(use="push", tenant="acme", calls=("CA1",), expires_at=NOW_S + 60)


def code_of(text: str, *keys: str, use="push", now_s: float = NOW_S) -> str:
    with pytest.raises(InvalidTicket) as refused:
        verify(text, keys or ("key",), use=use, now_s=now_s)
    return refused.value.code


@given(
    st.builds(
        Ticket,
        use=st.sampled_from(["push", "media"]),
        tenant=st.text(),
        calls=st.none() | st.lists(st.text()).map(tuple),
        expires_at=st.integers(NOW_S + 1, 2**53),
    ),
    st.text(min_size=1),
)
def test_a_ticket_comes_back_as_it_was_signed(ticket, key):
    assert verify(sign(ticket, key), [key], use=ticket.use, now_s=NOW_S) == ticket


def test_a_ticket_stands_in_a_path_and_in_a_query_as_it_is():
    text = sign(Ticket(use="media", tenant="a?b/c&d=e", calls=None, expires_at=NOW_S + 60), "key")

    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_ticket_of_the_key_before_still_opens():
    assert verify(sign(PUSH, "old"), ["new", "old"], use="push", now_s=NOW_S) == PUSH


@given(st.data())
def test_a_ticket_with_any_letter_changed_opens_nothing(data):
    text = sign(PUSH, "key")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda letter: letter != text[at]))

    assert code_of(text[:at] + other + text[at + 1 :]) in {"forged", "malformed"}


@given(st.text())
def test_text_that_is_no_ticket_opens_nothing(text):
    assert code_of(text) in {"forged", "malformed"}


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "\ud800.a", "é.è"])
def test_odd_texts_are_refused_like_any_other(text):
    assert code_of(text) in {"forged", "malformed"}


def test_a_ticket_of_another_key_is_forged():
    assert code_of(sign(PUSH, "key"), "another", "and another") == "forged"


def test_without_keys_every_ticket_is_forged():
    with pytest.raises(InvalidTicket):
        verify(sign(PUSH, "key"), [], use="push", now_s=NOW_S)


def test_a_ticket_ends_at_its_second():
    text = sign(PUSH, "key")

    assert verify(text, ["key"], use="push", now_s=NOW_S + 59.9) == PUSH
    assert code_of(text, now_s=NOW_S + 60) == "expired"


def test_a_ticket_for_one_socket_does_not_open_the_other():
    assert code_of(sign(PUSH, "key"), use="media") == "misused"


def test_claims_that_are_no_ticket_are_malformed_even_if_signed():
    claims = tickets._base64(json.dumps({"use": "everything"}).encode())

    assert code_of(f"{claims}.{tickets._mac(claims, 'key')}") == "malformed"


def test_a_ticket_covers_the_calls_that_it_names_or_all():
    everything = Ticket(use="push", tenant="acme", calls=None, expires_at=0)
    nothing = Ticket(use="push", tenant="acme", calls=(), expires_at=0)

    assert (PUSH.covers("CA1"), PUSH.covers("CA2")) == (True, False)
    assert everything.covers("CA2")
    assert not nothing.covers("CA1")


def test_what_a_refusal_says_holds_nothing_of_the_ticket():
    text = sign(PUSH, "key")

    with pytest.raises(InvalidTicket) as refused:
        verify(text, ["another"], use="push", now_s=NOW_S)

    assert str(refused.value) == "the ticket is forged"
