"""What the page costs whoever opens it."""

from __future__ import annotations

from local.page import WEB


def test_the_whole_page_is_less_than_60_kilobytes_as_it_is():
    assert sum(path.stat().st_size for path in WEB.iterdir()) < 60 * 1024
