"""What the add-ons of one live session find, final by final, and what that comes to when the session is over."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from local.gladia import add_ons
from local.gladia.intelligence.entities import Entity
from local.gladia.intelligence.sentiment import Sentiment
from local.gladia.intelligence.summary import summary
from local.gladia.messages import Utterance
from local.gladia.request import InitRequest, SummarizationConfig
from local.gladia.results import in_order
from local.gladia.settings import Settings


class AddOnFailedError(Exception):
    """An add-on has no result; the text says why."""


class OfUtterance(Struct, frozen=True):
    """What an add-on's message carries: its results, and the final that they are about."""

    utterance_id: str
    utterance: Utterance
    results: Sequence[Entity | Sentiment]


class Analysis:
    """The add-ons that `request` asks for. `fails` tells whether an add-on is to fail at its next result."""

    def __init__(self, request: InitRequest, settings: Settings) -> None:
        self.fails: Callable[[str], bool] = lambda _: False
        asked = request.realtime_processing
        self.realtime = [name for name in add_ons.REALTIME if getattr(asked, name)]
        """Those that report on each final, by the type of their message."""
        self._kind = (request.post_processing.summarization_config or SummarizationConfig()).type
        self._settings = settings
        self._found: dict[str, list[Entity | Sentiment]] = {name: [] for name in self.realtime}
        self._failed = {name: add_ons.NO_MODEL for name in self.realtime if name in add_ons.WITHOUT_A_MODEL}
        self._summary: str | None = None

    def of_final(self, add_on: str, utterance_id: str, utterance: Utterance) -> OfUtterance | None:
        """Return what an add-on says of a final; None if it is to say nothing. Raises AddOnFailedError."""
        self._check(add_on)
        results = add_ons.of_utterance(add_on, utterance)
        self._found[add_on] += results
        if not results and not self._settings.empty_add_ons:
            return None
        return OfUtterance(utterance_id, utterance, results)

    def summarize(self, finals: Sequence[Utterance]) -> str:
        """Return the summary of a session that is over. Raises AddOnFailedError."""
        self._check("summarization")
        self._summary = summary(in_order(finals), self._kind)
        return self._summary

    def results(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what the session's result says of each add-on; one that never succeeded has failed."""
        told: dict[str, Any] = {
            name: sorted(found, key=lambda each: each.start)
            for name, found in self._found.items()
            if found or name not in self._failed
        }
        if self._summary is not None:
            told["summarization"] = self._summary
        as_list = self._settings.sentiments_as_list
        return {
            **{name: add_ons.failed(name, why) for name, why in self._failed.items() if name not in told},
            **{name: add_ons.succeeded(name, found, sentiments_as_list=as_list) for name, found in told.items()},
        }

    def _check(self, add_on: str) -> None:
        if add_on in add_ons.WITHOUT_A_MODEL:
            raise AddOnFailedError(f"{add_on} is {add_ons.NO_MODEL}")
        if self.fails(add_on):
            self._failed[add_on] = add_ons.ON_DEMAND
            raise AddOnFailedError(add_ons.ON_DEMAND)
