"""The calls that searches are timed over: they have the archive's columns, and each search finds some of them."""

from __future__ import annotations

import duckdb
import pytest

from bench.search import DAYS, SEARCHES, TENANT, UTTERANCES, make, search
from callscribe.archive import COLUMNS, PARTITIONS

NUMBER = 20 * DAYS
# Too rare among so few calls, or said in all of them, or by nobody.
RARE = {"nothingofthekind", "number:+12025550007", "card number:+12025550007", '"yesterday evening" -umbrella'}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    make(folder, number=NUMBER)
    return folder


def test_they_have_the_columns_of_the_archive(folder):
    files = f"read_parquet('{folder}/*/*/*.parquet', hive_partitioning = true)"

    assert set(duckdb.sql(f"SELECT * FROM {files}").columns) == {*COLUMNS, *PARTITIONS}
    counted = duckdb.sql(f"SELECT count(*), count(DISTINCT call_id), any_value(tenant) FROM {files}").fetchall()
    assert counted == [(NUMBER * (UTTERANCES + 1), NUMBER, TENANT)]


@pytest.mark.parametrize("text", SEARCHES)
def test_each_search_finds_what_it_is_for(folder, text):
    _, found = search(folder, text)

    assert found or text in RARE
