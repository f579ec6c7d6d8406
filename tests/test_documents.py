"""What the documents say of the code is so."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import msgspec
import pytest

from bridge.environment import Environment
from bridge.meter import METRICS
from bridge.session_states import NEXT
from callscribe.settings import NumberSettings
from infra.context import Context
from local.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
METRICS_PAGE = (ROOT / "docs" / "metrics.md").read_text()


def rows(heading: str) -> dict[str, str]:
    """The table under a heading of the README: the first cell's name to the last cell."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if "|" in line]
    return {row[0].strip("`"): row[-1].strip("`") for row in cells if row[0].startswith("`")}


def test_every_setting_of_the_bridge_is_in_the_readme_with_its_default():
    documented = rows("Settings of the bridge")

    assert documented == {
        field.name.upper(): "required" if field.default is MISSING else str(field.default) or "none"
        for field in fields(Environment)
    }


def test_every_setting_of_a_number_is_in_the_readme():
    fields = sorted(field.name for field in msgspec.structs.fields(NumberSettings))
    assert sorted(rows("Settings of a number")) == fields


def test_what_may_differ_between_deployments_is_in_the_readme():
    documented = {name for row in rows("Deploy") for name in row.replace("`", "").split(", ")}

    assert documented == set(Context.__dataclass_fields__) - {"bundle"}  # which the laptop alone sets


def test_every_metric_is_in_its_table_with_its_unit_and_meaning():
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \| \w+ \| (.+) \|$", METRICS_PAGE, re.MULTILINE)

    assert documented == [(metric.name, metric.unit, metric.means) for metric in METRICS]


def test_the_state_diagram_is_the_table_of_moves():
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", ARCHITECTURE, re.MULTILINE)

    assert {(before, event, after) for before, after, event in drawn} == {
        (before.name, event.__name__, after.name) for (before, event), after in NEXT.items()
    }


def test_every_command_in_the_readme_exists():
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}

    assert set(re.findall(r"^    callscribe (\w+)", README, re.MULTILINE)) <= commands
    assert set(re.findall(r"`callscribe (\w+)", README)) <= commands


@pytest.mark.parametrize("document", [README, ARCHITECTURE], ids=["README", "ARCHITECTURE"])
def test_every_file_that_is_named_exists(document):
    named = set(re.findall(r"`((?:bridge|callscribe|functions|infra|local|tests|web|bench|docs)/[\w./-]+)`", document))
    linked = set(re.findall(r"\]\(([\w./-]+)\)", document))

    assert {path for path in named | linked if not (ROOT / path).exists()} == set()
