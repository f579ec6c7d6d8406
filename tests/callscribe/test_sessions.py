"""Who has which session, on DynamoDB's own semantics, as moto has them."""

from __future__ import annotations

import msgspec
import pytest

from callscribe.dynamodb import perform
from callscribe.errors import MalformedMessage, Unavailable
from callscribe.lane_record import LaneRecord, LegRecord, lane_record
from callscribe.sessions import PART_BYTES, STALE_MS, Sessions, Task

SESSIONS = Sessions("Sessions")
NOW_MS = 1_795_000_000_000
AUDIO = bytes(range(256)) * 4000  # a megabyte: several parts
TAIL = b"tail" * 2000

LEGS = tuple(
    LegRecord(
        name=f"MZ1/{track}", party=party, track=track, channel=channel, heard=8000, filled=160, dropped=0
    )
    for channel, (track, party) in enumerate([("inbound", "caller"), ("outbound", "callee")])
)  # fmt: skip
LANE = LaneRecord(
    call_id="CA1",
    tenant="acme",
    lane="inbound+outbound",
    owner="task-a",
    media_stream="MZ1",
    account="AC1",
    legs=LEGS,
    session_id="G1",
    url="wss://gladia.example.test/v2/live?token=secret",
    begin=0,
    acknowledged=8000,
    sent=12_000,
    position_ms=1020,
    at_ms=NOW_MS,
    offset_ms=0,
    sessions=1,
    reconnects=0,
    encoding="mulaw",
    rate_hz=8000,
)


def but(record: LaneRecord, **changed) -> LaneRecord:
    return msgspec.structs.replace(record, **changed)


def later(record: LaneRecord, **changed) -> LaneRecord:
    return but(record, at_ms=record.at_ms + 1000, **changed)


@pytest.fixture
def do(sessions_table):
    return lambda steps: perform(sessions_table, steps)


# --- lanes


def test_what_is_kept_of_a_lane_is_found_again_whole(do):
    assert do(SESSIONS.keep(LANE))

    assert do(SESSIONS.find("CA1")) == [LANE]


def test_the_last_record_that_was_kept_replaces_those_before(do):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.keep(later(LANE, acknowledged=9600)))

    assert do(SESSIONS.find("CA1")) == [later(LANE, acknowledged=9600)]


def test_a_record_that_arrives_late_does_not_replace_a_newer_one(do):
    newer = later(LANE, acknowledged=9600)
    do(SESSIONS.keep(newer))

    assert do(SESSIONS.keep(LANE))
    assert do(SESSIONS.find("CA1")) == [newer]


def test_a_lane_of_another_task_is_neither_kept_nor_changed(do):
    do(SESSIONS.keep(LANE))

    assert not do(SESSIONS.keep(later(LANE, owner="task-b")))
    assert do(SESSIONS.find("CA1")) == [LANE]


def test_the_lanes_of_a_call_are_told_apart(do):
    caller, callee = but(LANE, lane="inbound"), but(LANE, lane="outbound")
    for lane in (caller, callee, but(LANE, call_id="CA2")):
        do(SESSIONS.keep(lane))

    assert do(SESSIONS.find("CA1")) == [caller, callee]


def test_the_lanes_of_a_task_are_found_by_the_task(do):
    for lane in (LANE, but(LANE, call_id="CA2"), but(LANE, call_id="CA3", owner="task-b")):
        do(SESSIONS.keep(lane))
    do(SESSIONS.beat("task-a", now_ms=NOW_MS, leaving=False))

    assert [lane.call_id for lane in do(SESSIONS.of_task("task-a"))] == ["CA1", "CA2"]
    assert do(SESSIONS.of_task("task-c")) == []


def test_a_lane_that_is_forgotten_is_gone_with_all_audio(do, sessions_table):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    do(SESSIONS.forget("CA1", LANE.lane, owner="task-a"))

    assert sessions_table.scan(TableName="Sessions")["Count"] == 0


def test_forgetting_one_lane_leaves_the_audio_of_a_lane_whose_name_begins_alike(do):
    both, one = LANE, but(LANE, lane="inbound")
    for lane in (both, one):
        do(SESSIONS.release(lane, audio=AUDIO, tail=TAIL))

    do(SESSIONS.forget("CA1", "inbound", owner="task-a"))

    assert do(SESSIONS.take(both, task="task-b"))[1:] == (AUDIO, TAIL)


def test_a_lane_of_another_task_is_not_forgotten(do):
    do(SESSIONS.keep(LANE))

    do(SESSIONS.forget("CA1", LANE.lane, owner="task-b"))

    assert do(SESSIONS.find("CA1")) == [LANE]


def test_the_address_of_a_session_stands_in_no_text_form():
    assert "secret" not in repr(LANE)
    assert "secret" not in repr([later(LANE)])


def test_an_item_of_another_shape_is_malformed():
    with pytest.raises(MalformedMessage):
        lane_record({"pk": {"S": "CALL#CA1"}, "sk": {"S": "LANE#inbound"}, "body": {"S": "{}"}})


# --- handing over


def test_the_owner_learns_who_wants_its_lane(do):
    do(SESSIONS.keep(LANE))
    assert do(SESSIONS.claimant("CA1", LANE.lane)) is None

    assert do(SESSIONS.claim(LANE, "task-b"))

    assert do(SESSIONS.claimant("CA1", LANE.lane)) == "task-b"


def test_a_claim_that_nobody_means_any_more_is_forgotten_when_the_lane_is_kept(do):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.claim(LANE, "task-b"))
    do(SESSIONS.keep(later(LANE)))

    assert do(SESSIONS.claimant("CA1", LANE.lane)) is None


def test_a_claim_is_either_accepted_or_withdrawn(do):
    do(SESSIONS.keep(LANE))
    assert not do(SESSIONS.accept("CA1", LANE.lane, owner=LANE.owner))

    do(SESSIONS.claim(LANE, "task-b"))
    assert do(SESSIONS.withdraw(LANE, "task-b"))
    assert not do(SESSIONS.accept("CA1", LANE.lane, owner=LANE.owner))

    do(SESSIONS.claim(LANE, "task-b"))
    assert do(SESSIONS.accept("CA1", LANE.lane, owner=LANE.owner))
    assert not do(SESSIONS.withdraw(LANE, "task-b"))


def test_a_lane_that_was_taken_may_be_claimed_and_withdrawn_anew(do):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.claim(LANE, "task-b"))
    do(SESSIONS.accept("CA1", LANE.lane, owner=LANE.owner))
    do(SESSIONS.release(LANE, audio=b"", tail=b""))
    taken, _, _ = do(SESSIONS.take(LANE, task="task-b"))
    assert do(SESSIONS.claim(taken, "task-c"))

    assert do(SESSIONS.withdraw(taken, "task-c"))


def test_only_one_task_claims_a_lane(do):
    do(SESSIONS.keep(LANE))

    assert do(SESSIONS.claim(LANE, "task-b"))
    assert do(SESSIONS.claim(LANE, "task-b"))
    assert not do(SESSIONS.claim(LANE, "task-c"))


def test_nobody_claims_a_lane_that_changed_hands_or_is_gone(do):
    assert not do(SESSIONS.claim(LANE, "task-b"))
    assert do(SESSIONS.find("CA1")) == []

    do(SESSIONS.keep(but(LANE, owner="task-c")))
    assert not do(SESSIONS.claim(LANE, "task-b"))


@pytest.mark.parametrize("audio", [b"", b"a" * 800, b"a" * PART_BYTES, AUDIO], ids=len)
@pytest.mark.parametrize("tail", [b"", TAIL], ids=len)
def test_what_a_task_let_go_of_is_taken_to_the_byte(do, audio, tail):
    do(SESSIONS.keep(LANE))
    let_go = later(LANE, acknowledged=9600)

    assert do(SESSIONS.release(let_go, audio=audio, tail=tail))
    assert do(SESSIONS.find("CA1")) == [but(let_go, released=True)]

    assert do(SESSIONS.take(LANE, task="task-b")) == (but(let_go, owner="task-b"), audio, tail)


def test_a_lane_whose_owner_died_is_taken_as_it_was_last_kept(do):
    do(SESSIONS.keep(LANE))

    assert do(SESSIONS.take(LANE, task="task-b")) == (but(LANE, owner="task-b"), b"", b"")


def test_only_one_task_takes_a_lane(do):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    assert do(SESSIONS.take(LANE, task="task-b")) is not None
    assert do(SESSIONS.take(LANE, task="task-c")) is None


def test_a_lane_that_is_gone_is_not_taken(do):
    assert do(SESSIONS.take(LANE, task="task-b")) is None
    assert do(SESSIONS.find("CA1")) == []


def test_a_task_that_let_go_of_a_lane_does_not_keep_it_any_more(do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    assert not do(SESSIONS.keep(later(LANE)))
    assert do(SESSIONS.take(LANE, task="task-b"))[1:] == (AUDIO, TAIL)


def test_a_task_may_take_back_what_it_let_go_of(do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    assert do(SESSIONS.take(but(LANE, released=True), task="task-a")) == (LANE, AUDIO, TAIL)
    assert do(SESSIONS.keep(later(LANE)))


def test_a_task_that_was_taken_for_dead_can_neither_keep_nor_let_go(do):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.take(LANE, task="task-b"))

    assert not do(SESSIONS.keep(later(LANE)))
    assert not do(SESSIONS.release(later(LANE), audio=b"stray", tail=b""))
    assert do(SESSIONS.take(but(LANE, owner="task-b"), task="task-c")) == (but(LANE, owner="task-c"), b"", b"")


def test_the_next_task_has_the_audio_if_the_one_that_took_it_dies_at_once(do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    taken, _, _ = do(SESSIONS.take(LANE, task="task-b"))

    assert do(SESSIONS.take(taken, task="task-c"))[1:] == (AUDIO, TAIL)


def test_audio_that_a_task_has_in_hand_is_not_handed_on_a_second_time(do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    taken, _, _ = do(SESSIONS.take(LANE, task="task-b"))
    do(SESSIONS.keep(later(taken, acknowledged=20_000)))

    assert do(SESSIONS.take(taken, task="task-c"))[1:] == (b"", b"")


def test_a_lane_is_handed_on_as_often_as_it_has_to_be(do):
    lane = LANE
    for number in range(4):
        audio = AUDIO[: 700_000 >> number]
        assert do(SESSIONS.keep(lane))
        assert do(SESSIONS.release(lane, audio=audio, tail=TAIL))
        taken, heard, tail = do(SESSIONS.take(lane, task=f"task-{number % 2}"))
        assert (heard, tail) == (audio, TAIL)
        lane = later(taken)


def test_audio_of_which_a_part_has_expired_is_not_taken_for_whole(do, sessions_table):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    key = {"pk": {"S": "CALL#CA1"}, "sk": {"S": f"PART#{LANE.lane}#task-a#0001"}}
    assert "Item" in sessions_table.get_item(TableName="Sessions", Key=key)
    sessions_table.delete_item(TableName="Sessions", Key=key)

    assert do(SESSIONS.take(LANE, task="task-b")) == (but(LANE, owner="task-b"), b"", b"")


# --- lost answers


def repeated(lossy, do, steps) -> list:
    """What `steps()` returns when it is done again after the loss of its first answer, of its second, and so on."""
    returned = []
    lost = 0
    while True:
        client = lossy(lost)
        try:
            perform(client, steps())
        except Unavailable:
            returned.append(do(steps()))
            lost += 1
        else:
            assert not client.lost
            return returned


def test_keeping_a_lane_again_after_a_lost_answer_says_that_it_is_kept(lossy, do):
    assert repeated(lossy, do, lambda: SESSIONS.keep(LANE)) == [True]


def test_claiming_a_lane_again_after_a_lost_answer_says_that_it_is_claimed(lossy, do):
    do(SESSIONS.keep(LANE))

    assert repeated(lossy, do, lambda: SESSIONS.claim(LANE, "task-b")) == [True]


def test_letting_go_again_after_a_lost_answer_loses_nothing(lossy, do):
    do(SESSIONS.keep(LANE))

    assert set(repeated(lossy, do, lambda: SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))) == {True}
    assert do(SESSIONS.take(LANE, task="task-b"))[1:] == (AUDIO, TAIL)


def test_letting_go_again_after_somebody_took_the_lane_says_that_it_was_let_go(do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    taken, _, _ = do(SESSIONS.take(LANE, task="task-b"))
    do(SESSIONS.keep(later(taken)))

    assert do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    assert do(SESSIONS.find("CA1")) == [later(taken)]


def test_taking_a_lane_again_after_a_lost_answer_gives_the_same(lossy, do):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    returned = repeated(lossy, do, lambda: SESSIONS.take(LANE, task="task-b"))

    assert len(returned) >= 2  # the change of owner, and the parts
    assert all(each == (but(LANE, owner="task-b"), AUDIO, TAIL) for each in returned)


def test_forgetting_again_after_a_lost_answer_leaves_nothing_behind(lossy, do, sessions_table):
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))

    assert len(repeated(lossy, do, lambda: SESSIONS.forget("CA1", LANE.lane, owner="task-a"))) >= 2
    assert sessions_table.scan(TableName="Sessions")["Count"] == 0


def test_asking_again_after_a_lost_answer_finds_that_it_is_the_asker(lossy, do):
    steps = lambda: SESSIONS.ask("CA1", by="task-b", now_ms=NOW_MS, again_after_ms=5000)  # noqa: E731

    assert repeated(lossy, do, steps) == [True]


# --- tasks


def test_a_task_is_known_by_its_last_heartbeat(do):
    do(SESSIONS.beat("task-a", now_ms=NOW_MS, leaving=False))
    do(SESSIONS.beat("task-b", now_ms=NOW_MS, leaving=False))
    do(SESSIONS.beat("task-a", now_ms=NOW_MS + 2000, leaving=True))

    assert do(SESSIONS.tasks()) == [Task("task-a", NOW_MS + 2000, leaving=True), Task("task-b", NOW_MS, leaving=False)]


def test_a_task_that_is_silent_for_six_seconds_is_stale():
    task = Task("task-a", NOW_MS, leaving=False)

    assert not task.is_stale(now_ms=NOW_MS + STALE_MS)
    assert task.is_stale(now_ms=NOW_MS + STALE_MS + 1)


def test_a_task_that_is_forgotten_is_gone_and_may_be_forgotten_again(do):
    do(SESSIONS.beat("task-a", now_ms=NOW_MS, leaving=False))

    do(SESSIONS.forget_task("task-a"))
    do(SESSIONS.forget_task("task-a"))

    assert do(SESSIONS.tasks()) == []


# --- asking the carrier


def test_one_asker_alone_may_ask_the_carrier_within_a_time(do):
    assert do(SESSIONS.ask("CA1", by="task-a", now_ms=NOW_MS, again_after_ms=5000))
    assert not do(SESSIONS.ask("CA1", by="task-b", now_ms=NOW_MS, again_after_ms=5000))
    assert not do(SESSIONS.ask("CA1", by="task-a", now_ms=NOW_MS + 4999, again_after_ms=5000))
    assert do(SESSIONS.ask("CA2", by="task-b", now_ms=NOW_MS, again_after_ms=5000))
    assert do(SESSIONS.ask("CA1", by="task-b", now_ms=NOW_MS + 5000, again_after_ms=5000))


# --- time


def test_everything_expires_by_itself(do, sessions_table):
    do(SESSIONS.keep(LANE))
    do(SESSIONS.release(LANE, audio=AUDIO, tail=TAIL))
    do(SESSIONS.beat("task-a", now_ms=NOW_MS, leaving=False))
    do(SESSIONS.ask("CA1", by="task-a", now_ms=NOW_MS, again_after_ms=5000))

    for item in sessions_table.scan(TableName="Sessions")["Items"]:
        assert 0 < int(item["expires_at"]["N"]) - NOW_MS // 1000 <= 24 * 3600
