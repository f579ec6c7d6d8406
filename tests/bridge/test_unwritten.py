"""Entries that were decided and are not yet written: in memory, then on disk, in order and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.spill import Spill
from bridge.unwritten import Due, Unwritten
from callscribe.entries import CallFailed, Dtmf, Ledger, LegEnded, Utterance, Word

ENDED = LegEnded(leg="MZ1/inbound", ledger=Ledger(heard=8000), sessions=1, reconnects=0)


def due(number: int, body=None) -> Due:
    body = body or Dtmf(leg="MZ1/inbound", digit="1", at_ms=number)
    return Due.of(body, token=str(number), at="2026-11-22T09:15:02.417Z", since_s=1.5)


def tokens(unwritten: Unwritten) -> list[str]:
    found = []
    while (first := unwritten.first) is not None:
        found.append(first.token)
        unwritten.settle()
    return found


def test_an_entry_waits_as_it_was_decided():
    body = Utterance(
        leg="MZ1/inbound", id="G1/1", text="good “morning”\n", start_ms=1, end_ms=2, language="en", confidence=0.9,
        words=(Word("good", 1, 2, 0.9),),
    )  # fmt: skip
    unwritten = Unwritten(None)

    unwritten.append(due(1, body))

    assert unwritten.first == due(1, body)
    assert unwritten.first.entry() == body


def test_the_first_one_stays_until_it_is_settled():
    unwritten = Unwritten(None)
    unwritten.append(due(1))

    assert unwritten.first is unwritten.first
    assert len(unwritten) == 1
    unwritten.settle()
    assert unwritten.first is None
    assert len(unwritten) == 0


def test_beyond_the_memory_they_wait_on_disk_in_their_order(tmp_path):
    unwritten = Unwritten(Spill(tmp_path).open(), limit_bytes=500)

    for number in range(50):
        assert unwritten.append(due(number))

    assert len(unwritten) == 50
    assert 40 < unwritten.spilled < 50
    assert tokens(unwritten) == [str(number) for number in range(50)]


@given(st.lists(st.booleans(), max_size=60))
def test_order_is_kept_however_writing_and_deciding_take_turns(tmp_path_factory, turns):
    unwritten = Unwritten(Spill(tmp_path_factory.getbasetemp() / "turns").open(), limit_bytes=400)
    decided, written = [], []
    for is_decision in turns:
        if is_decision:
            decided.append(str(len(decided)))
            unwritten.append(due(len(decided) - 1))
        elif (first := unwritten.first) is not None:
            written.append(first.token)
            unwritten.settle()

    assert len(unwritten) == len(decided) - len(written)
    assert written + tokens(unwritten) == decided


def test_what_finds_no_place_is_counted_and_what_has_one_stays(tmp_path):
    unwritten = Unwritten(Spill(tmp_path, limit_bytes=1000).open(), limit_bytes=500)

    kept = [number for number in range(50) if unwritten.append(due(number))]

    assert unwritten.lost == 50 - len(kept) > 30
    assert tokens(unwritten) == [str(number) for number in kept] == [str(number) for number in range(len(kept))]


def test_without_a_disk_the_memory_is_the_bound():
    unwritten = Unwritten(None, limit_bytes=500)

    kept = [number for number in range(50) if unwritten.append(due(number))]

    assert 0 < len(kept) < 6
    assert (unwritten.lost, unwritten.spilled) == (50 - len(kept), 0)


def test_the_end_of_a_leg_is_kept_where_nothing_else_is():
    unwritten = Unwritten(None, limit_bytes=500)
    for number in range(50):
        unwritten.append(due(number))

    assert unwritten.append(due(100, ENDED))
    assert unwritten.append(due(101, CallFailed(reason="gladia answered 401", kept="nothing")))
    assert tokens(unwritten)[-2:] == ["100", "101"]


def test_a_disk_that_goes_bad_loses_what_was_on_it_and_nothing_else(tmp_path):
    file = Spill(tmp_path).open()
    unwritten = Unwritten(file, limit_bytes=250)
    for number in range(10):
        unwritten.append(due(number))
    spilled = unwritten.spilled
    file._file.truncate(0)

    assert tokens(unwritten) == [str(number) for number in range(10 - spilled)]
    assert unwritten.lost == spilled
    assert unwritten.append(due(10))
    assert tokens(unwritten) == ["10"]


def test_giving_up_tells_how_many_were_left(tmp_path):
    spill = Spill(tmp_path)
    unwritten = Unwritten(spill.open(), limit_bytes=250)
    for number in range(10):
        unwritten.append(due(number))
    assert unwritten.first is not None

    assert unwritten.close() == 10
    assert (len(unwritten), unwritten.first, spill.used_bytes) == (0, None, 0)
