"""The bridge as a process of its own on one core."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from bench.measured import MeasuredProcess, measured
from local.process import Process

PORT = 18_080
MEDIA_URL = f"ws://127.0.0.1:{PORT}"


@contextlib.asynccontextmanager
async def measured_bridge(services_url: str) -> AsyncIterator[MeasuredProcess]:
    """Run a bridge on `CORE`, listening at `MEDIA_URL`; Gladia and AWS are at `services_url`."""
    environment = {
        "PATH": os.environ["PATH"],
        "CALLS_TABLE": "Calls",
        "SUBSCRIPTIONS_TABLE": "Subscriptions",
        "SESSIONS_TABLE": "Sessions",
        "KEYS_TABLE": "Keys",
        "PUSH_ENDPOINT": f"{services_url}/live",
        "MEDIA_URL": MEDIA_URL,
        "GLADIA_URL": services_url,
        "GLADIA_SECRET": "GLADIA",
        "TWILIO_SECRET": "TWILIO",
        "SIGNING_SECRET": "SIGNING",
        "HOST": "127.0.0.1",
        "PORT": str(PORT),
        "DRAIN_S": "3",
        "AWS_ENDPOINT_URL": services_url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    process = Process(
        "the bridge",
        [sys.executable, "-m", "bridge"],
        log=Path(tempfile.gettempdir()) / "callscribe-bench-bridge.log",
        environment=environment,
        ready=lambda line: "ready" if line.get("message") == "listening" else None,
    )
    async with measured(process) as bridge:
        yield bridge
