"""What hooks are asked about, and what becomes of a function that can't be invoked."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from bridge.assistant import Assistant
from bridge.hooks import INTERVAL_S, Hooks
from bridge.meter import Meter
from bridge.telling import Partial
from callscribe.entries import Utterance
from callscribe.hooks import Said
from callscribe.settings import HookSettings

UTTERANCE = Utterance(
    leg="MZ1/inbound", id="G1/0", text="I have lost my card", start_ms=740, end_ms=1420, language="en",
    confidence=0.9, words=(),
)  # fmt: skip
AT_MS = 1_795_000_000_000


def hooks(*settings: HookSettings) -> Hooks:
    return Hooks(settings, call_id="CA1", tenant="acme")


def final(hooks: Hooks, party: str = "caller") -> list[Said]:
    return list(hooks.final(UTTERANCE, party=lambda _leg: party, at_ms=AT_MS))


def partial(text: str = "I have", *, leg: str = "a", party: str = "caller") -> Partial:
    return Partial(leg, party, "G1/0", text, 740, 1420)


def test_each_hook_is_asked_about_each_utterance():
    (cards, faq) = final(hooks(HookSettings(name="cards"), HookSettings(name="faq")))

    assert (cards.hook, faq.hook) == ("cards", "faq")
    assert cards == Said(
        hook="cards", kind="utterance", call_id="CA1", tenant="acme", leg="MZ1/inbound", party="caller", id="G1/0",
        text="I have lost my card", start_ms=740, end_ms=1420, at_ms=AT_MS,
    )  # fmt: skip


def test_a_hook_hears_only_whom_it_is_to_hear():
    of_callers = hooks(HookSettings(name="cards", parties=("caller", "callee")))

    assert len(final(of_callers)) == 1
    assert final(of_callers, party="agent") == []


def test_without_hooks_nobody_is_asked():
    assert final(hooks()) == []
    assert list(hooks().partials([partial()], now=1, at_ms=AT_MS)) == []


def test_who_wants_partials_is_asked_about_the_newest_of_each_leg_once_a_second():
    asked = hooks(HookSettings(name="cards", on="partial"))

    def about(now: float, *partials: Partial) -> list[str]:
        return [said.text for said in asked.partials(partials, now=now, at_ms=AT_MS)]

    assert about(10, partial("I have")) == ["I have"]
    assert about(10.5, partial("I have lost")) == []
    assert about(10.6, partial("Good", leg="b")) == ["Good"]
    assert about(10 + INTERVAL_S, partial("I have lost my", leg="a"), partial("Good mor", leg="b")) == [
        "I have lost my"
    ]
    assert final(asked) == []


def test_a_leg_that_no_hook_hears_takes_no_turn_of_another():
    asked = hooks(HookSettings(name="cards", on="partial", parties=("agent",)))

    assert list(asked.partials([partial(party="caller")], now=10, at_ms=AT_MS)) == []
    assert [said.party for said in asked.partials([partial(party="agent")], now=10, at_ms=AT_MS)] == ["agent"]


class Functions:
    """Lambda, as far as it is asked."""

    def __init__(self, *, answers: list[Exception | None] | None = None) -> None:
        self.asked: list[dict] = []
        self.answers = answers or []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def invoke(self, **asked) -> dict:
        self.asked.append(asked)
        await self.is_open.wait()
        if self.answers and (failure := self.answers.pop(0)):
            raise failure
        return {"StatusCode": 202}


async def ask(functions: Functions, *about: Said) -> dict[str, int]:
    meter = Meter()
    async with asyncio.TaskGroup() as tasks:
        Assistant(functions, "assist", meter).ask(about, tasks)
    line = meter.line(0)
    return {name: line[f"hooks_{name}"] for name in ("asked", "skipped", "failed")}


async def test_the_function_is_invoked_with_what_was_said_and_not_waited_for():
    functions = Functions()
    (said,) = final(hooks(HookSettings(name="cards")))

    assert await ask(functions, said) == {"asked": 1, "skipped": 0, "failed": 0}
    (asked,) = functions.asked
    assert (asked["FunctionName"], asked["InvocationType"]) == ("assist", "Event")
    assert msgspec.json.decode(asked["Payload"], type=Said) == said


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"),
        ConnectTimeoutError(endpoint_url="https://lambda.test"),
    ],
)
async def test_a_function_that_cannot_be_invoked_is_counted_and_nothing_else(failure):
    (said,) = final(hooks(HookSettings(name="cards")))

    assert await ask(Functions(answers=[failure, None]), said, said) == {"asked": 1, "skipped": 0, "failed": 1}


async def test_a_lambda_that_hangs_keeps_no_more_than_its_turns_and_the_rest_is_skipped(monkeypatch):
    monkeypatch.setattr("bridge.assistant.TURN_S", 0.01)
    monkeypatch.setattr("bridge.assistant.INVOKE_S", 0.05)
    functions = Functions()
    functions.is_open.clear()
    (said,) = final(hooks(HookSettings(name="cards")))

    assert await ask(functions, *[said] * 10) == {"asked": 0, "skipped": 6, "failed": 4}
    assert len(functions.asked) == 4
