"""Everything but the call, as `callscribe up` runs it: the templates in the local AWS, the bridge, Gladia."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from local.laptop import Addresses
from local.placing import Placed, Tracks, place_and_watch, placement
from local.terminal import CallScreen
from local.twilio.account import Account
from local.twilio.faults import Script

CALLSCRIBE = [sys.executable, "-m", "local.cli"]


@dataclass(frozen=True, slots=True)
class Up:
    """A running laptop."""

    addresses: Addresses
    state: Path

    @property
    def account(self) -> Account:
        return Account(sid=self.addresses.account_sid, auth_token=self.addresses.auth_token)

    async def place(
        self,
        tracks: Tracks,
        *,
        to_number: str = "+12025550188",
        pace: float | None = 8,
        faults: tuple[Script, ...] = (),
    ) -> Placed:
        """Place a call and follow it to its last entry; `faults` are those of its media streams."""
        call = placement(
            tracks,
            voice_url=self.addresses.voice_url,
            status_url=self.addresses.status_url,
            to_number=to_number,
            pace=pace,
        )
        call = replace(call, faults=faults)
        return await place_and_watch(call, self.addresses, self.account, Unseen(), announce=lambda _call_id: None)

    def logs(self) -> str:
        """All that the processes wrote into their logs."""
        return "".join(path.read_text(errors="replace") for path in self.state.rglob("*.log"))


class Unseen(CallScreen):
    """A screen that nobody looks at."""

    def __init__(self) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def show(self, what) -> None:
        pass


@contextlib.contextmanager
def running(state: Path, settings: dict, *, recogniser: str) -> Iterator[Up]:
    """Run `callscribe up` while inside."""
    path = state / "settings.json"
    path.write_text(json.dumps(settings))
    command = [*CALLSCRIBE, "up", "--json", "--settings", str(path), "--state", str(state), "--recogniser", recogniser]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GLADIA_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        line = process.stdout.readline()
        try:
            assert line, process.stderr.read()
            yield Up(msgspec.json.decode(line, type=Addresses), state)
        finally:
            process.terminate()
            process.wait(30)


class ExistingApplication:
    """The application that had the number before: it says what the call does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                application.asked.append(self.rfile.read(int(self.headers["content-length"])).decode())
                body = b"<Response><Dial>+12025550199</Dial></Response>"
                self.send_response(200)
                self.send_header("content-type", "text/xml")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/voice"


@pytest.fixture(scope="session")
def application():
    application = ExistingApplication()
    serving = threading.Thread(target=application.server.serve_forever)
    serving.start()
    yield application
    application.server.shutdown()
    serving.join()


ADD_ONS = {
    "realtime_processing": {"named_entity_recognition": True, "sentiment_analysis": True},
    "post_processing": {"summarization": True},
}


@pytest.fixture(scope="session")
def up(tmp_path_factory, application):
    """A laptop whose Gladia hears the text that is written in the audio."""
    number = {"then": {"dial": "+12025550199"}, "parties": {"outbound": "agent"}}
    settings = {
        "default": number,
        "numbers": {
            "+12025550101": {**number, "session": "per_leg"},
            "+12025550102": {**number, "then": {"redirect": application.url}},
            "+12025550103": {**number, "then": {"say": "Nobody is here."}},
            "+12025550104": {**number, "gladia": {"endpointing": 99}},
            "+12025550107": {**number, "gladia": ADD_ONS},
            "+12025550108": {
                **number,
                "hooks": [{"name": "cards", "parties": ["caller"]}, {"name": "typing", "on": "partial"}],
            },
            "+12025550106": {**number, "second_pass": {"when": "always"}},
            "+12025550105": {**number, "gladia": {"messages_config": {"receive_partial_transcripts": False}}},
        },
    }
    with running(tmp_path_factory.mktemp("up"), settings, recogniser="scripted") as up:
        yield up


@pytest.fixture(scope="session")
def hearing(tmp_path_factory):
    """A laptop whose Gladia hears speech."""
    english = {"language_config": {"languages": ["en"]}, "messages_config": {"receive_partial_transcripts": False}}
    settings = {"default": {"then": {"dial": "+12025550199"}, "parties": {"outbound": "agent"}, "gladia": english}}
    with running(tmp_path_factory.mktemp("hearing"), settings, recogniser="whisper") as up:
        yield up


def pytest_collection_modifyitems(items):
    # One laptop for all tests that need it, whatever the number of test processes, and beside it nothing else of the
    # kind that fills the machine: Twilio waits 15 s for a webhook, here as there.
    for item in items:
        if {"up", "hearing"}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("machine"))
            item.add_marker(pytest.mark.timeout(400))
