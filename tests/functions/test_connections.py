"""Posting to a connection: tried again while it may help, and not longer than one has patience."""

from __future__ import annotations

from http.client import RemoteDisconnected

import pytest

from callscribe.errors import Refused, SubscriberGone, Unavailable
from functions.connections import Connections, NotPermitted
from functions.straight_posts import PostAnswer

TAKEN = PostAnswer(200, "")
BUSY = PostAnswer(429, "LimitExceededException")


class Gateway:
    """@connections, and a clock that only moves when somebody waits."""

    def __init__(self, *answers: Exception | PostAnswer) -> None:
        self.answers = list(answers)
        self.posts: list[tuple[str, bytes]] = []
        self.now = 0.0
        self.pauses: list[float] = []

    def answer(self, connection_id: str, frame: bytes) -> PostAnswer:
        self.posts.append((connection_id, frame))
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)
        self.now += pause_s

    def post(self, patience_s: float = 2) -> None:
        connections = Connections(self.answer, clock=lambda: self.now, sleep=self.sleep)
        connections.post("a=", b"{}", patience_s=patience_s)


def test_a_frame_is_posted_once_if_it_is_taken():
    gateway = Gateway()
    gateway.post()

    assert (gateway.posts, gateway.pauses) == ([("a=", b"{}")], [])


@pytest.mark.parametrize(
    "passing",
    [BUSY, PostAnswer(500, "InternalServerError"), TimeoutError(), ConnectionResetError(), RemoteDisconnected()],
)
def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses(passing):
    gateway = Gateway(passing, passing, passing)
    gateway.post()

    assert len(gateway.posts) == 4
    for pause_s, most_s in zip(gateway.pauses, (0.05, 0.1, 0.2), strict=True):
        assert most_s / 2 <= pause_s <= most_s


def test_patience_ends():
    gateway = Gateway(*[BUSY] * 1000)
    with pytest.raises(Unavailable):
        gateway.post(patience_s=2)

    assert gateway.now <= 2
    assert len(gateway.posts) < 12


def test_a_closed_connection_is_gone_at_once():
    gateway = Gateway(PostAnswer(410, "GoneException"))
    with pytest.raises(SubscriberGone):
        gateway.post()


def test_a_frame_that_is_too_long_is_refused_at_once():
    gateway = Gateway(PostAnswer(413, "PayloadTooLargeException"))
    with pytest.raises(Refused):
        gateway.post()


def test_lacking_permission_is_not_waited_out():
    gateway = Gateway(PostAnswer(403, "ForbiddenException"))
    with pytest.raises(NotPermitted, match="403 ForbiddenException"):
        gateway.post()

    assert len(gateway.posts) == 1
