"""Gladia's key, as its secret holds it."""

from __future__ import annotations

import pytest

from callscribe.errors import Refused
from functions.secrets import gladia_key


def test_the_key_is_a_field_of_the_secret():
    assert gladia_key('{"api_key": "k"}') == "k"


@pytest.mark.parametrize("text", ["", "{}", '{"api_key": ""}', '{"api_key": 1}', '["sk-1234"]', '{"key": "sk-1234"}'])
def test_a_secret_that_holds_no_key_is_refused_without_its_words(text):
    with pytest.raises(Refused) as raised:
        gladia_key(text)
    assert "1234" not in str(raised.value)
