"""What the page costs whoever opens it."""

from __future__ import annotations

import re

from local.page import WEB

STATIC = r"""^import .*?from "\./([\w.-]+)";$|(?:src|href)="([\w-]+\.\w+)\""""


def needed() -> set[str]:
    """Return the files that are fetched without anybody asking for more than the list or a call in progress."""
    found, left = set(), ["index.html"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            text = (WEB / name).read_text(encoding="utf-8")
            left += [script or other for script, other in re.findall(STATIC, text, re.MULTILINE)]
    return found


def test_all_that_the_list_and_a_call_in_progress_need_is_less_than_60_kilobytes_as_it_is():
    assert {"page.js", "page.css", "call-view.js", "callscribe.js"} <= needed()
    assert sum((WEB / name).stat().st_size for name in needed()) < 60 * 1024


def test_what_is_fetched_for_more_is_less_than_8_kilobytes_each_time():
    on_demand = {path.name for path in WEB.iterdir()} - needed()

    assert {name.partition(".")[0] for name in on_demand} == {"after", "cards", "compare", "export", "find", "key"}
    for purpose in {name.partition(".")[0] for name in on_demand}:
        assert sum(path.stat().st_size for path in WEB.glob(f"{purpose}.*")) < 8 * 1024, purpose
