"""The plan's slots, on DynamoDB's own semantics, as moto has them."""

from __future__ import annotations

import random

import pytest

from callscribe.dynamodb import perform
from callscribe.errors import Unavailable
from callscribe.sessions import STALE_MS, Sessions
from callscribe.slots import UNFED_MS, WAIT_AGAIN_MS, Granted, Slots, Standing, Waiting

SLOTS = Slots("Sessions", limit=2)
NOW_MS = 1_795_000_000_000


@pytest.fixture
def do(sessions_table):
    return lambda steps: perform(sessions_table, steps)


@pytest.fixture
def acquire(do):
    """`acquire(holder, at_ms)`: what `holder`, named for its tenant, is answered so long after the test began."""

    def acquire(holder, at_ms=0, *, since_ms=None, task="task-a", slots=SLOTS):
        since = None if since_ms is None else NOW_MS + since_ms
        return do(slots.acquire(holder, tenant=holder[0], task=task, now_ms=NOW_MS + at_ms, waiting_since_ms=since))

    return acquire


def held(sessions_table) -> dict[str, str]:
    """The holder of each slot, by its key."""
    items = sessions_table.scan(TableName="Sessions")["Items"]
    return {item["sk"]["S"]: item["holder"]["S"] for item in items if item["sk"]["S"].startswith("SLOT#")}


def in_line(sessions_table) -> list[str]:
    items = sessions_table.scan(TableName="Sessions")["Items"]
    return [item["holder"]["S"] for item in items if item["sk"]["S"].startswith("WAIT#")]


# --- the limit


def test_as_many_hold_a_slot_as_there_are_and_the_next_waits(acquire):
    first, second = acquire("a1"), acquire("a2")

    assert {first, second} == {Granted(0), Granted(1)}
    assert acquire("a3") == Waiting(ahead=0, taken=2)
    assert acquire("a4", 1) == Waiting(ahead=1, taken=2)


def test_a_slot_that_is_given_back_goes_to_who_waits(acquire, do, sessions_table):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3")

    do(SLOTS.release(number, "a1", task="task-a"))

    assert acquire("a3", 1000, since_ms=0) == Granted(number)
    assert in_line(sessions_table) == []


def test_a_holder_that_asks_again_has_the_slot_that_it_has(acquire, sessions_table):
    assert acquire("a1") == acquire("a1", 5000)
    assert len(held(sessions_table)) == 1


def test_a_slot_is_given_back_by_its_holder_alone(acquire, do, sessions_table):
    number = acquire("a1").number

    do(SLOTS.release(number, "a2", task="task-a"))
    do(SLOTS.release(number, "a1", task="task-b"))
    assert list(held(sessions_table).values()) == ["a1"]

    do(SLOTS.release(number, "a1", task="task-a"))
    do(SLOTS.release(number, "a1", task="task-a"))
    assert held(sessions_table) == {}


def test_how_the_slots_stand_is_told(acquire, do):
    assert do(SLOTS.standing(now_ms=NOW_MS)) == Standing(taken=0, free=2, waiting=0)

    for holder in ("a1", "a2", "a3"):
        acquire(holder)

    assert do(SLOTS.standing(now_ms=NOW_MS)) == Standing(taken=2, free=0, waiting=1)


def test_a_limit_that_was_higher_is_used_up_before_anyone_is_let_in(acquire, do):
    numbers = {holder: acquire(holder, slots=Slots("Sessions", limit=4)).number for holder in ("a1", "a2", "a3")}
    acquire("a4")

    do(SLOTS.release(numbers["a1"], "a1", task="task-a"))
    assert acquire("a4", 1000, since_ms=0) == Waiting(ahead=0, taken=2)

    do(SLOTS.release(numbers["a2"], "a2", task="task-a"))
    assert isinstance(acquire("a4", 2000, since_ms=0), Granted)


@pytest.mark.parametrize("seed", range(5))
def test_the_limit_holds_however_many_reach_for_a_slot_at_once(sessions_table, seed):
    chance = random.Random(seed)
    slots = Slots("Sessions", limit=5)
    holders = [f"{tenant}{number}" for tenant in "ab" for number in range(8)]
    asking = {
        holder: slots.acquire(holder, tenant=holder[0], task="task-a", now_ms=NOW_MS, waiting_since_ms=None)
        for holder in holders
    }

    answers = interleaved(sessions_table, asking, chance)

    numbers = [answer.number for answer in answers.values() if isinstance(answer, Granted)]
    assert sorted(numbers) == [0, 1, 2, 3, 4]
    assert sorted(held(sessions_table).values()) == sorted(
        holder for holder, answer in answers.items() if isinstance(answer, Granted)
    )
    assert sorted(in_line(sessions_table)) == sorted(
        holder for holder, answer in answers.items() if isinstance(answer, Waiting)
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_slots_of_a_dead_task_are_given_once_each(sessions_table, seed, do):
    chance = random.Random(seed)
    slots = Slots("Sessions", limit=3)
    for holder in ("a1", "a2", "a3"):
        do(slots.acquire(holder, tenant="a", task="dead", now_ms=NOW_MS, waiting_since_ms=None))
    asking = {
        holder: slots.acquire(
            holder, tenant="b", task="task-b", now_ms=NOW_MS + UNFED_MS + 1, waiting_since_ms=None
        )
        for holder in ("b1", "b2", "b3", "b4", "b5")
    }  # fmt: skip

    answers = interleaved(sessions_table, asking, chance)

    numbers = [answer.number for answer in answers.values() if isinstance(answer, Granted)]
    assert sorted(numbers) == [0, 1, 2]
    assert set(held(sessions_table).values()) <= set(asking)


def interleaved(client, running: dict, chance: random.Random) -> dict:
    """Perform all operations at once, one request of one of them at a time, and return what each returned."""
    answers: dict = dict.fromkeys(running)
    returned: dict = {}

    def one_request(name: str):
        """A generator's next request alone; its answer is sent with the one after."""
        request = running[name].send(answers[name])

        def steps():
            return (yield request)

        answers[name] = perform(client, steps())

    while len(returned) < len(running):
        name = chance.choice([name for name in running if name not in returned])
        try:
            one_request(name)
        except StopIteration as done:
            returned[name] = done.value
    return returned


# --- whose turn it is


def test_who_comes_anew_does_not_overtake_who_waits(acquire, do):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3", 10)
    do(SLOTS.release(number, "a1", task="task-a"))

    assert acquire("a4", 20) == Waiting(ahead=1, taken=1)
    assert acquire("a3", 1010, since_ms=10) == Granted(number)


def test_a_free_slot_goes_to_the_tenant_that_holds_the_fewest(acquire, do):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3", 10)
    acquire("b1", 20)
    do(SLOTS.release(number, "a1", task="task-a"))

    assert acquire("a3", 1010, since_ms=10) == Waiting(ahead=1, taken=1)
    assert acquire("b1", 1020, since_ms=20) == Granted(number)


def test_who_gave_up_is_waited_for_by_nobody(acquire, do, sessions_table):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3", 10)
    acquire("a4", 20)
    do(SLOTS.release(number, "a1", task="task-a"))
    do(SLOTS.give_up("a3", NOW_MS + 10, task="task-a"))

    assert acquire("a4", 1020, since_ms=20) == Granted(number)
    assert in_line(sessions_table) == []


def test_who_stopped_asking_is_waited_for_by_nobody(acquire, do):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3", 10)
    do(SLOTS.release(number, "a1", task="task-a"))

    assert acquire("a4", STALE_MS + 10) == Waiting(ahead=1, taken=1)
    assert acquire("a4", STALE_MS + 11, since_ms=STALE_MS + 10) == Granted(number)


def test_who_waits_long_keeps_its_place(acquire, do):
    number = acquire("a1").number
    acquire("a2")
    acquire("a3", 0)
    for at_ms in range(1000, 20_000, 1000):
        do(Sessions("Sessions").beat("task-a", now_ms=NOW_MS + at_ms, leaving=False))
        assert acquire("a3", at_ms, since_ms=0) == Waiting(ahead=0, taken=2)
    do(SLOTS.release(number, "a1", task="task-a"))

    assert acquire("a4", 20_000) == Waiting(ahead=1, taken=1)


def test_waiting_is_written_down_no_more_often_than_it_has_to_be():
    waiting = SLOTS.acquire("a1", tenant="a", task="t", now_ms=NOW_MS + WAIT_AGAIN_MS - 1, waiting_since_ms=NOW_MS)
    taken = [
        {
            "pk": {"S": "SLOTS"}, "sk": {"S": f"SLOT#000{number}"}, "at_ms": {"N": str(NOW_MS)},
            "holder": {"S": f"b{number}"}, "tenant": {"S": "b"}, "task": {"S": "t"},
        }
        for number in range(2)
    ]  # fmt: skip
    said = {
        "pk": {"S": "SLOTS"}, "sk": {"S": f"WAIT#{NOW_MS}#a1"}, "at_ms": {"N": str(NOW_MS)},
        "holder": {"S": "a1"}, "tenant": {"S": "a"},
    }  # fmt: skip

    next(waiting)
    waiting.send({"Items": []})
    with pytest.raises(StopIteration) as done:
        waiting.send({"Items": [*taken, said]})

    assert done.value.value == Waiting(ahead=0, taken=2)


# --- tasks


def test_the_slots_of_a_task_that_is_alive_are_its_own_however_long(acquire, do):
    acquire("a1")
    acquire("a2")
    do(Sessions("Sessions").beat("task-a", now_ms=NOW_MS + 3_600_000, leaving=False))

    assert isinstance(acquire("b1", 3_600_000 + UNFED_MS, task="task-b"), Waiting)


def test_the_slots_of_a_dead_task_are_free_once_gladia_has_dropped_its_sessions(acquire, do):
    acquire("a1")
    acquire("a2")
    do(Sessions("Sessions").beat("task-a", now_ms=NOW_MS + 5000, leaving=False))

    assert isinstance(acquire("b1", 5000 + UNFED_MS, task="task-b"), Waiting)
    assert isinstance(acquire("b1", 5001 + UNFED_MS, since_ms=5000 + UNFED_MS, task="task-b"), Granted)


def test_a_session_that_another_task_goes_on_with_keeps_its_slot(acquire, do, sessions_table):
    number = acquire("a1").number
    acquire("a2")
    acquire("b1", 10)

    assert acquire("a1", 7000, task="task-b") == Granted(number)
    do(SLOTS.release(number, "a1", task="task-a"))  # late, from the task that had it

    assert set(held(sessions_table).values()) == {"a1", "a2"}


def test_a_slot_that_was_given_to_another_is_lost_to_a_task_that_comes_back(acquire, do):
    number = acquire("a1").number
    acquire("a2")
    do(SLOTS.release(number, "a1", task="task-a"))
    number = acquire("a1").number
    for holder in ("b1", "b2"):
        assert isinstance(acquire(holder, UNFED_MS + 1, task="task-b"), Granted)
    do(Sessions("Sessions").beat("task-b", now_ms=NOW_MS + UNFED_MS + 2, leaving=False))

    do(SLOTS.release(number, "a1", task="task-a"))
    assert acquire("a1", UNFED_MS + 2) == Waiting(ahead=0, taken=2)


# --- lost answers


def test_acquiring_again_after_a_lost_answer_finds_the_slot_that_was_taken(lossy, acquire, sessions_table):
    lost = 0
    while True:
        holder = f"a{lost}"
        slots = Slots("Sessions", limit=30)
        try:
            steps = slots.acquire(holder, tenant="a", task="task-a", now_ms=NOW_MS, waiting_since_ms=None)
            perform(lossy(lost), steps)
        except Unavailable:
            answer = acquire(holder, 100, since_ms=0, slots=slots)
            assert held(sessions_table)[f"SLOT#{answer.number:04d}"] == holder
            lost += 1
        else:
            break

    assert lost >= 3  # the tasks, the slots, the one that was taken
    assert len(held(sessions_table)) == lost + 1


def test_a_client_that_asks_again_by_itself_meets_its_own_slot(sessions_table, do):
    steps = SLOTS.acquire("a1", tenant="a", task="task-a", now_ms=NOW_MS, waiting_since_ms=None)
    request = None
    answer = None
    while request is None or request.method != "put_item":
        request = steps.send(answer)
        if request.method == "query":
            answer = sessions_table.query(**request.arguments)
    sessions_table.put_item(**request.arguments)

    def again():
        return (yield request)

    with pytest.raises(StopIteration) as done:
        steps.send(do(again()))

    assert isinstance(done.value.value, Granted)


def test_giving_up_gives_back_the_slot_of_which_the_answer_was_lost(lossy, do, sessions_table):
    steps = SLOTS.acquire("a1", tenant="a", task="task-a", now_ms=NOW_MS, waiting_since_ms=None)
    with pytest.raises(Unavailable):
        perform(lossy(2), steps)
    assert list(held(sessions_table).values()) == ["a1"]

    for _ in range(2):
        do(SLOTS.give_up("a1", NOW_MS, task="task-a"))

    assert held(sessions_table) == {}


def test_giving_up_leaves_a_slot_to_the_task_that_went_on(acquire, do, sessions_table):
    acquire("a1")
    acquire("a1", 7000, task="task-b")

    do(SLOTS.give_up("a1", NOW_MS, task="task-a"))

    assert list(held(sessions_table).values()) == ["a1"]
