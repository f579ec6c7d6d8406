"""How thoroughly properties are tested: `HYPOTHESIS_PROFILE=long` takes minutes instead of seconds."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline an example: how fast it is depends on who else uses the machine.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.register_profile(
    "long", deadline=None, max_examples=5_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
settings.load_profile(_PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _PROFILE == "long":
        for item in items:
            item.add_marker(pytest.mark.timeout(3600))
