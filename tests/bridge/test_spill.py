"""The disk of one process, for entries that can't be written now."""

from __future__ import annotations

import os

import pytest

from bridge.spill import Spill
from callscribe.errors import Overloaded, Refused


def taken(file) -> list[bytes]:
    lines = []
    while (line := file.take()) is not None:
        lines.append(line)
    return lines


def test_lines_come_back_in_the_order_in_which_they_went(tmp_path):
    file = Spill(tmp_path).open()
    lines = [b"%d " % number + b"x" * (number % 700) for number in range(1000)]  # several blocks
    for line in lines:
        file.append(line)

    assert len(file) == 1000
    assert taken(file) == lines
    assert len(file) == 0


def test_lines_may_come_while_others_are_read(tmp_path):
    file = Spill(tmp_path).open()
    file.append(b"one")
    file.append(b"two")

    assert file.take() == b"one"
    file.append(b"three")
    assert taken(file) == [b"two", b"three"]
    file.append(b"four")
    assert taken(file) == [b"four"]


def test_a_line_longer_than_a_block_comes_back_whole(tmp_path):
    file = Spill(tmp_path).open()
    file.append(b"short")
    file.append(b"l" * 300_000)

    assert taken(file) == [b"short", b"l" * 300_000]


def test_nothing_is_seen_in_the_directory_so_that_nothing_is_left_after_a_crash(tmp_path):
    file = Spill(tmp_path / "spill").open()
    file.append(b"said")

    assert list((tmp_path / "spill").iterdir()) == []


def test_the_bound_is_that_of_all_files_together(tmp_path):
    spill = Spill(tmp_path, limit_bytes=20)
    one, other = spill.open(), spill.open()
    one.append(b"123456789")
    other.append(b"123456789")

    with pytest.raises(Overloaded):
        one.append(b"")
    assert spill.used_bytes == 20
    assert taken(one) == [b"123456789"]
    other.append(b"123456789")
    assert spill.used_bytes == 20


def test_a_file_that_is_closed_gives_its_space_back(tmp_path):
    spill = Spill(tmp_path, limit_bytes=20)
    file = spill.open()
    file.append(b"123456789")
    file.close()

    assert spill.used_bytes == 0
    assert taken(file) == []


def test_a_disk_that_takes_nothing_more_is_overloaded_and_what_it_took_stays(tmp_path, monkeypatch):
    spill = Spill(tmp_path)
    file = spill.open()
    file.append(b"first")
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda number, data, at: write(number, data[:3], at))  # the last bytes of a disk

    with pytest.raises(Overloaded):
        file.append(b"second")
    monkeypatch.setattr(os, "pwrite", write)
    file.append(b"third")

    assert spill.used_bytes == len(b"first\nthird\n")
    assert taken(file) == [b"first", b"third"]


def test_a_directory_that_can_not_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "a file").write_text("")

    with pytest.raises(Refused, match="a file"):
        Spill(tmp_path / "a file")
