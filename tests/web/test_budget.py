"""What the page costs whoever opens it."""

from __future__ import annotations

from local.page import WEB


def test_all_that_the_list_and_a_call_in_progress_need_is_less_than_60_kilobytes_as_it_is():
    assert sum(path.stat().st_size for path in WEB.iterdir() if path.stem != "after") < 60 * 1024


def test_what_is_fetched_for_a_call_that_is_over_is_less_than_8_kilobytes_more():
    assert sum(path.stat().st_size for path in WEB.iterdir() if path.stem == "after") < 8 * 1024
