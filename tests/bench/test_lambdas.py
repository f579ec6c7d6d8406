"""Functions under Lambda's own runtime client, as `python -m bench.cold` measures them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.cold import LAMBDA_LIKE, Measured, bundle_of_nothing, environment
from bench.lambdas.aws import serving
from bench.lambdas.events import STARTED_ONLY
from bench.lambdas.runtime import FunctionFailed, RunningFunction
from infra.bundle import Bundles, Target
from local.aws.warm import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = sorted(EVENTS.keys() - set(STARTED_ONLY))


@pytest.fixture(scope="module")
def bundles():
    with Bundles(target=Target.HOST) as made:
        yield made


@pytest.fixture(scope="module")
def aws():
    with serving() as url:
        yield url


def function(folder: Path, code: str) -> RunningFunction:
    handler = bundle_of_nothing(folder) / "functions" / "nothing" / "handler.py"
    handler.write_text(code)
    return RunningFunction(LAMBDA_LIKE, folder, "nothing", environment("nothing"))


def test_an_event_goes_in_and_its_answer_comes_out_by_the_runtime_client(tmp_path):
    code = "def handler(event, context): return {'was': event, 'has_s': context.get_remaining_time_in_millis() / 1000}"
    with function(tmp_path, code) as running:
        took, answer = running.invoke({"a": "ü"})

        assert running.started.cpu_ms > took.cpu_ms > 0
        assert running.memory_mib() > 1
    assert answer["was"] == {"a": "ü"}
    assert 0 < answer["has_s"] <= 30


def test_a_function_that_can_not_be_imported_says_why(tmp_path):
    with pytest.raises(FunctionFailed, match="No module named 'nowhere'"), function(tmp_path, "import nowhere"):
        pass


def test_an_event_that_ends_in_an_error_is_no_measurement(tmp_path):
    code = "def handler(event, context): raise KeyError('why')"
    with function(tmp_path, code) as running, pytest.raises(FunctionFailed, match="KeyError"):
        running.invoke({})


@pytest.mark.parametrize("name", MEASURED)
def test_each_function_does_what_its_event_asks_for(name, bundles, aws):
    measured = Measured()
    measured.add_round(name, bundles.make(name), aws=aws, warm=1)

    assert len(measured.starts) == len(measured.firsts) == len(measured.warm) == 1
