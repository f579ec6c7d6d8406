from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bridge.environment import Environment, read_environment
from callscribe.errors import Refused

COMPLETE = {
    "CALLS_TABLE": "Calls",
    "SUBSCRIPTIONS_TABLE": "Subscriptions",
    "SESSIONS_TABLE": "Sessions",
    "KEYS_TABLE": "Keys",
    "PUSH_ENDPOINT": "https://push.example.test/live",
    "MEDIA_URL": "wss://bridge.example.test",
    "GLADIA_SECRET": "gladia",
    "TWILIO_SECRET": "twilio",
    "SIGNING_SECRET": "signing",
}


def test_what_has_a_default_may_be_left_out():
    environment = read_environment(COMPLETE)

    assert environment.gladia_url == "https://api.gladia.io"
    assert environment.port == 8080


@pytest.mark.parametrize("name", COMPLETE)
def test_what_is_missing_is_said_by_name(name):
    with pytest.raises(Refused, match=f"{name} is not set"):
        read_environment({key: value for key, value in COMPLETE.items() if key != name})


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(Refused) as raised:
        read_environment(COMPLETE | {"CALLS_TABLE": "", "PORT": "eighty"})

    assert "CALLS_TABLE is not set" in str(raised.value)
    assert "PORT is not a whole number" in str(raised.value)


def test_the_process_names_what_is_missing_and_stops():
    bare = {"PATH": os.environ["PATH"]}
    ended = subprocess.run([sys.executable, "-m", "bridge"], env=bare, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "CALLS_TABLE is not set" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_every_setting_is_explained_where_it_is_read():
    assert all(field.metadata["means"] for field in Environment.__dataclass_fields__.values())
