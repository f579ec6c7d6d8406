"""Secrets and settings: asked for once a minute, and remembered while AWS can't answer."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from botocore.exceptions import ClientError, ConnectTimeoutError

from callscribe.errors import Refused, Unavailable
from functions.kept import Kept, Missing

DOWN = ConnectTimeoutError(endpoint_url="https://ssm.eu-west-1.amazonaws.com")


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetParameter")


class Store(BaseProvider):
    """A store that gives these answers."""

    def __init__(self, *answers: str | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked = 0

    def _get(self, name, **_):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _get_multiple(self, path, **_):
        return {}

    def forget(self) -> None:
        """Let the minute pass."""
        self.clear_cache()


def test_a_text_is_asked_for_once_within_its_time():
    store = Store("one", "two")
    kept = Kept(store, "settings")

    assert [kept.read(), kept.read()] == ["one", "one"]
    store.forget()
    assert kept.read() == "two"


@pytest.mark.parametrize("passing", [DOWN, error("ThrottlingException"), error("InternalServerError")])
def test_while_the_store_is_down_the_last_known_text_serves(passing):
    store = Store("one", passing, "two")
    kept = Kept(store, "settings")
    kept.read()
    store.forget()

    assert [kept.read(), kept.read()] == ["one", "two"]


def test_a_text_that_was_never_known_is_unavailable_while_the_store_is_down():
    with pytest.raises(Unavailable):
        Kept(Store(DOWN), "settings").read()


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ParameterNotFound", Missing), ("ResourceNotFoundException", Missing), ("AccessDeniedException", Refused)],
)
def test_a_text_that_is_not_there_or_not_for_us_is_refused_even_if_it_was_known_once(code, kind):
    store = Store("one", error(code))
    kept = Kept(store, "settings")
    kept.read()
    store.forget()

    with pytest.raises(kind):
        kept.read()


def test_a_mistake_of_ours_is_not_taken_for_a_fault_of_the_store():
    with pytest.raises(Exception, match="no such key"):
        Kept(Store(ValueError("no such key")), "settings").read()
