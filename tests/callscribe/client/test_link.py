"""The rules of following, as stories that the Python client and the JavaScript one are told alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscribe.client.link import CallTold, Link, Refusal, Watching
from callscribe.entries import Dtmf, Entry
from callscribe.messages import PartialMessage, ReplayedMessage, as_json, message_of

STORIES = json.loads((Path(__file__).parents[2] / "data/following/stories.json").read_text())


def told(seen) -> list:
    match seen:
        case Entry(call_id=call_id, seq=seq):
            return ["entry", call_id, seq]
        case PartialMessage():
            return ["partial", seen.call_id, seen.id, seen.text]
        case CallTold(entry=entry):
            return ["call", entry.call_id, entry.seq, entry.kind]
        case Watching():
            return ["watching"]
        case Refusal():
            return ["refusal", seen.call_id, seen.code]


def frame(messages: list) -> str:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in messages)


def act(link: Link, step: dict) -> tuple[list[str], list]:
    """Do what a step says; return what is sent and what is seen."""
    now = step.get("now", 0)
    match step:
        case {"follow": call_id}:
            return link.follow(call_id, after=step.get("after", 0), now=now), []
        case {"unfollow": call_id}:
            return link.unfollow(call_id), []
        case {"watch": True}:
            return link.watch(), []
        case {"opened": opened}:
            return link.opened(now=opened["now"], lasts_s=opened["lasts_s"]), []
        case {"received": messages}:
            said = link.received(frame(messages), now=now)
            return said.send, [told(each) for each in said.seen]
        case {"wake": at}:
            return link.wake(now=at), []
        case {"lost": retry_s}:
            assert link.lost() == retry_s
        case {"deadline": at}:
            assert link.deadline == at
        case {"spent": at, "is": is_spent}:
            assert link.is_spent(at) is is_spent
        case _:
            pytest.fail(f"no such step: {step}")
    return [], []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["name"])
def test_the_story(story):
    link = Link(jitter=lambda: 1.0)

    for number, step in enumerate(story["steps"]):
        sent, seen = act(link, step)
        assert [json.loads(text) for text in sent] == step.get("sends", []), number
        assert seen == step.get("seen", []), number


def server_says(log: int, after: int) -> list[dict]:
    """What the service answers to a subscription of a log with so many entries."""
    entries = [as_json(message_of(_entry(seq))) for seq in range(after + 1, log + 1)]
    return [*entries, as_json(ReplayedMessage(call_id="CA1", through=log))]


def _entry(seq: int) -> Entry:
    return Entry("CA1", seq, "", "", Dtmf(leg="a", digit="1", at_ms=seq))


class Service:
    """The push service as far as one client sees it: a log that grows, and a connection that is cut at any moment."""

    def __init__(self, draw) -> None:
        self.draw = draw
        self.log = draw(st.integers(0, 4))
        self.link = Link(jitter=lambda: 1.0)
        self.seen: list[int] = []
        self.sent: list[str] = []
        self.now = 0.0

    def deliver(self, messages: list[dict]) -> None:
        said = self.link.received(frame(messages), now=self.now)
        self.seen += [each.seq for each in said.seen if isinstance(each, Entry)]
        self.sent += said.send

    def answer(self) -> None:
        """Answer what was asked, or lose some of it."""
        asked, self.sent = self.sent, []
        for text in asked:
            action = json.loads(text)
            if action["action"] in {"subscribe", "replay"}:
                messages = server_says(self.log, action.get("after", 0))
                self.deliver(messages[: self.draw(st.integers(0, len(messages)))])

    def grow(self) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            self.log += 1
            pushed = as_json(message_of(_entry(self.log)))
            self.deliver([pushed] * self.draw(st.sampled_from([0, 1, 1, 1, 2])))


@given(st.data())
def test_whatever_is_lost_or_cut_the_client_ends_with_exactly_the_log(data):
    service = Service(data.draw)
    link = service.link
    link.follow("CA1")
    service.sent += link.opened(now=0.0, lasts_s=7200)
    for _ in range(data.draw(st.integers(0, 12))):
        service.now += 0.1
        match data.draw(st.sampled_from(["answer", "grow", "cut"])):
            case "answer":
                service.answer()
            case "grow":
                service.grow()
            case "cut":
                link.lost()
                service.sent = link.opened(now=service.now, lasts_s=7200)

    # From here on nothing is lost any more, time passes, and one more entry shows what is missing.
    service.log += 1
    service.deliver([as_json(message_of(_entry(service.log)))])
    for _ in range(6):
        asked, service.sent = service.sent, []
        for text in asked:
            action = json.loads(text)
            if action["action"] in {"subscribe", "replay"}:
                service.deliver(server_says(service.log, action.get("after", 0)))
        service.now = max(service.now, link.deadline or 0.0)
        service.sent += link.wake(now=service.now)

    assert service.seen == list(range(1, service.log + 1))


@given(st.lists(st.text(max_size=40) | st.binary(max_size=40), max_size=5))
def test_fuzz_no_frame_ends_a_link(frames):
    link = Link(jitter=lambda: 1.0)
    link.follow("CA1")
    link.opened(now=0.0, lasts_s=7200)

    for each in frames:
        link.received(each, now=1.0)

    assert link.seen("CA1") == 0
