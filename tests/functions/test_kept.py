"""Secrets and settings: asked for once a minute, and remembered while AWS can't answer."""

from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from botocore.exceptions import ClientError, ConnectTimeoutError

from callscribe.errors import Refused, Unavailable
from functions.kept import REST_S, Kept, Missing, Store

DOWN = ConnectTimeoutError(endpoint_url="https://ssm.eu-west-1.amazonaws.com")


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetParameter")


class Provider(BaseProvider):
    """A service that gives these answers, and a clock that moves when it is told."""

    def __init__(self, *answers: str | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.now = 0.0
        self.behind = Store(self, clock=lambda: self.now)

    def _get(self, name, **_):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _get_multiple(self, path, **_):
        return {}

    def forget(self) -> None:
        """Let the minute pass."""
        self.clear_cache()
        self.now += 60


def test_a_text_is_asked_for_once_within_its_time():
    provider = Provider("one", "two")
    kept = Kept(provider.behind, "settings")

    assert [kept.read(), kept.read()] == ["one", "one"]
    provider.forget()
    assert kept.read() == "two"


@pytest.mark.parametrize("passing", [DOWN, error("ThrottlingException"), error("InternalServerError")])
def test_while_the_store_is_down_the_last_known_text_serves_and_nobody_waits_twice(passing):
    provider = Provider("one", passing, "two")
    kept = Kept(provider.behind, "settings")
    kept.read()
    provider.forget()

    assert [kept.read(), kept.read(), kept.read()] == ["one", "one", "one"]
    assert provider.answers == ["two"]
    provider.now += REST_S
    assert kept.read() == "two"


def test_one_failure_of_a_store_spares_its_other_texts_the_wait():
    provider = Provider("one", "two", DOWN)
    settings, address = Kept(provider.behind, "settings"), Kept(provider.behind, "address")
    settings.read()
    address.read()
    provider.forget()

    assert [settings.read(), address.read()] == ["one", "two"]
    assert provider.answers == []


def test_a_text_that_was_never_known_is_asked_for_even_so():
    provider = Provider(DOWN, "two")
    with pytest.raises(Unavailable):
        Kept(provider.behind, "settings").read()

    assert Kept(provider.behind, "address").read() == "two"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ParameterNotFound", Missing), ("ResourceNotFoundException", Missing), ("AccessDeniedException", Refused)],
)
def test_a_text_that_is_not_there_or_not_for_us_is_refused_even_if_it_was_known_once(code, kind):
    provider = Provider("one", error(code))
    kept = Kept(provider.behind, "settings")
    kept.read()
    provider.forget()

    with pytest.raises(kind):
        kept.read()


def test_a_mistake_of_ours_is_not_taken_for_a_fault_of_the_store():
    with pytest.raises(Exception, match="no such key"):
        Kept(Provider(ValueError("no such key")).behind, "settings").read()
