"""The bridge as a process of its own on one core."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bench.measured import MeasuredProcess, measured, python
from bench.ports import free_port

PORT = free_port()  # one a run, so that two on one machine do not meet
MEDIA_URL = f"ws://127.0.0.1:{PORT}"


@contextlib.asynccontextmanager
async def measured_bridge(
    services_url: str, *, gladia_url: str = "", authority: Path | None = None
) -> AsyncIterator[MeasuredProcess]:
    """Run a bridge on `CORE`, listening at `MEDIA_URL`; AWS is at `services_url`, and so is Gladia if not elsewhere.

    `authority` is the certificate that Gladia's is signed by.
    """
    environment = {
        "CALLS_TABLE": "Calls",
        "SUBSCRIPTIONS_TABLE": "Subscriptions",
        "SESSIONS_TABLE": "Sessions",
        "KEYS_TABLE": "Keys",
        "PUSH_ENDPOINT": f"{services_url}/live",
        "MEDIA_URL": MEDIA_URL,
        "GLADIA_URL": gladia_url or services_url,
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
    if authority is not None:
        environment["SSL_CERT_FILE"] = str(authority)
    async with measured("bridge", python("bridge"), environment) as bridge:
        yield bridge
