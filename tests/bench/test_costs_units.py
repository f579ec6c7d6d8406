"""What is counted is what DynamoDB would bill."""

from __future__ import annotations

import pytest

from bench.chaos.tables import Failed
from bench.costs.units import INDEXES, CountedTables, index_units, item_bytes, read_units, write_units

ENTRY = {"pk": {"S": "CALL#CA1"}, "sk": {"S": "LOG#0000000001"}, "kind": {"S": "dtmf"}}
HEAD = {"pk": {"S": "CALL#CA1"}, "sk": {"S": "HEAD"}, "list": {"S": "TENANT#t"}, "started_at": {"S": "2026"}}
BY_START, IN_PROGRESS = INDEXES["Calls"]["by-start"], INDEXES["Calls"]["in-progress"]


@pytest.fixture
def tables():
    return CountedTables("Calls", "Sessions", written=lambda table, item: None)


def put(tables: CountedTables, item: dict, **arguments):
    return tables.perform("PutItem", {"TableName": "Calls", "Item": item, **arguments})


def test_an_item_is_as_large_as_its_names_and_values():
    assert item_bytes(ENTRY) == len("pkCALL#CA1skLOG#0000000001kinddtmf")
    assert item_bytes({"a": {"S": "é"}}) == 3
    assert item_bytes({"n": {"N": "1764000000"}, "b": {"BOOL": True}, "raw": {"B": b"1234"}}) == 7 + 2 + 7


def test_a_write_costs_a_unit_a_kilobyte_of_the_larger_of_before_and_after():
    large = {**ENTRY, "body": {"S": "x" * 1024}}

    assert write_units(None, ENTRY) == 1
    assert write_units(ENTRY, large) == write_units(large, ENTRY) == 2


def test_a_write_that_finds_nothing_costs_one():
    assert write_units(None, None) == 1


@pytest.mark.parametrize(("size_bytes", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_a_consistent_read_costs_a_unit_four_kilobytes_and_another_half_of_it(size_bytes: int, units: int):
    assert read_units(size_bytes, consistent=True) == units
    assert read_units(size_bytes, consistent=False) == units / 2


def test_an_entry_costs_nothing_in_the_indexes_of_heads():
    assert index_units(BY_START, None, ENTRY) == index_units(IN_PROGRESS, None, ENTRY) == 0


def test_a_change_costs_a_write_only_in_an_index_that_holds_what_was_changed():
    live = {**HEAD, "live": {"S": "LIVE"}}
    with_party = {**live, "parties": {"SS": ["caller"]}}

    assert (index_units(BY_START, live, with_party), index_units(IN_PROGRESS, live, with_party)) == (1, 0)


def test_an_item_that_leaves_an_index_costs_a_write_there_and_one_with_another_key_two():
    live = {**HEAD, "live": {"S": "LIVE"}}

    assert index_units(IN_PROGRESS, live, HEAD) == 1
    assert index_units(BY_START, HEAD, {**HEAD, "started_at": {"S": "2027"}}) == 2


def test_a_condition_that_fails_costs_a_write(tables: CountedTables):
    put(tables, ENTRY)

    with pytest.raises(Failed):
        put(tables, ENTRY, ConditionExpression="attribute_not_exists(pk)")

    assert tables.counts["Calls", "PutItem", "CALL LOG"].write_units == 2


def test_what_is_asked_is_told_apart_by_table_operation_and_kind(tables: CountedTables):
    put(tables, ENTRY)
    put(tables, HEAD)
    tables.perform(
        "Query",
        {
            "TableName": "Calls",
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":pk": ENTRY["pk"],
                ":first": {"S": "LOG#0000000001"},
                ":last": {"S": "LOG#9999999999"},
            },
            "ConsistentRead": True,
        },
    )

    assert {key: count.requests for key, count in tables.counts.items()} == {
        ("Calls", "PutItem", "CALL LOG"): 1,
        ("Calls", "PutItem", "CALL HEAD"): 1,
        ("Calls", "Query", "CALL LOG"): 1,
    }
    assert tables.counts["Calls", "PutItem", "CALL HEAD"].index_units == 1
    assert tables.counts["Calls", "Query", "CALL LOG"].read_units == 1
