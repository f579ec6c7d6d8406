"""Secrets that are replaced while the process runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bridge.door import Admitted, Door, TurnedAway, knock
from bridge.environment import Environment
from bridge.keys import KeyRing, Keys
from callscribe import twilio_signature
from callscribe.errors import Refused
from callscribe.tickets import Ticket, sign

ENVIRONMENT = Environment(
    calls_table="", subscriptions_table="", sessions_table="",
    keys_table="", push_endpoint="", media_url="",
    gladia_secret="gladia", twilio_secret="twilio", signing_secret="signing",
)  # fmt: skip
NOW_S = 1_795_000_000.0
TICKET = Ticket(use="media", tenant="acme", calls=("CA1",), expires_at=int(NOW_S) + 60)


class Secrets:
    """Secrets by name; each read is noted."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {
            "gladia": {"api_key": "g1"},
            "twilio": {"auth_token": "t1"},
            "signing": {"current": "s1"},
        }
        self.readable = True
        self.reads = 0
        self.was_read = asyncio.Event()

    async def read(self, name: str) -> Mapping[str, str]:
        if not self.readable:
            self.was_read.set()
            raise Refused(f"the secret {name} can't be read")
        return self.values[name]

    async def keys(self) -> Keys:
        self.reads += 1
        keys = await Keys.read(self.read, ENVIRONMENT)
        self.was_read.set()
        return keys


@pytest.fixture
async def secrets() -> Secrets:
    return Secrets()


async def test_one_that_is_being_replaced_is_taken_beside_the_other(secrets):
    secrets.values["twilio"] = {"auth_token": "t2", "previous_auth_token": "t1"}
    secrets.values["signing"] = {"current": "s2", "previous": "s1"}

    assert await secrets.keys() == Keys(gladia="g1", auth_tokens=("t2", "t1"), signing=("s2", "s1"))


@pytest.mark.parametrize(
    ("name", "value", "lacks"),
    [
        ("gladia", {}, "gladia has no api_key"),
        ("twilio", {"auth_token": ""}, "twilio has no auth_token"),
        ("signing", {"previous": "s1"}, "signing has no current"),
    ],
)
async def test_a_secret_that_lacks_something_is_named(secrets, name, value, lacks):
    secrets.values[name] = value

    with pytest.raises(Refused, match=lacks):
        await secrets.keys()


async def test_no_key_is_shown_by_accident(secrets):
    assert repr(await secrets.keys()) == "Keys()"


async def test_keys_that_were_replaced_are_told_once_and_used_from_then_on(secrets):
    ring = KeyRing(await secrets.keys(), secrets.keys, every_s=0)
    told: asyncio.Queue[Keys] = asyncio.Queue()
    running = asyncio.create_task(ring.run(told.put_nowait))
    secrets.values["twilio"] = {"auth_token": "t2", "previous_auth_token": "t1"}

    assert (await asyncio.wait_for(told.get(), 5)).auth_tokens == ("t2", "t1")
    reads = secrets.reads
    while secrets.reads < reads + 3:
        secrets.was_read.clear()
        await asyncio.wait_for(secrets.was_read.wait(), 5)
    running.cancel()

    assert (ring.now.auth_tokens, told.empty()) == (("t2", "t1"), True)


async def test_keys_stay_as_they_are_while_secrets_cannot_be_read_or_make_no_sense(secrets):
    ring = KeyRing(await secrets.keys(), secrets.keys, every_s=0)
    told: asyncio.Queue[Keys] = asyncio.Queue()
    secrets.readable = False
    running = asyncio.create_task(ring.run(told.put_nowait))
    await asyncio.wait_for(secrets.was_read.wait(), 5)

    assert (ring.now.gladia, told.empty()) == ("g1", True)
    secrets.values["gladia"] = {"api_key": "g2"}
    secrets.readable = True
    assert (await asyncio.wait_for(told.get(), 5)).gladia == "g2"
    running.cancel()


async def test_a_call_that_twilio_signed_with_the_new_token_is_let_in_after_it_was_replaced(secrets):
    before = (await secrets.keys()).door(Door("wss://bridge.example.test", (), ()))
    secrets.values["twilio"] = {"auth_token": "t2", "previous_auth_token": "t1"}
    after = (await secrets.keys()).door(before)
    path = "/twilio/" + sign(TICKET, "s1")

    def admitted(door: Door, token: str) -> bool:
        headers = {"X-Twilio-Signature": twilio_signature.sign(door.media_url + path, (), token)}
        found = knock(path, headers, door, now_s=NOW_S)
        assert isinstance(found, Admitted | TurnedAway)
        return isinstance(found, Admitted)

    assert [admitted(before, "t1"), admitted(before, "t2")] == [True, False]
    assert [admitted(after, "t1"), admitted(after, "t2")] == [True, True]
