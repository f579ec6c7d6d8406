"""What the image is put through: a look at it from inside, its health, a whole call, starts and SIGTERM."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from bench.image.build import Progress
from bench.image.runtime import Runtime, Start, Unpacked, healthy
from local.laptop import laptop
from local.measures import Measures, measure
from local.placing import place_and_watch, placement, recorded_tracks
from local.terminal import CallScreen
from local.twilio.account import Account

CALL = "numbers"  # half a minute, both parties
STARTS = 5

# Told by the image's own Python, of the process that serves.
_LOOK = """
import json, os, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status").read().splitlines() if ":\\t" in line)
print(json.dumps({
    "python": sys.version.split()[0],
    "user_id": int(status["Uid"].split()[0]),
    "capabilities": int(status["CapEff"], 16),
    "writable": [path for path in ("/", "/app", "/tmp", "/spill") if not os.statvfs(path).f_flag & os.ST_RDONLY],
}))
"""
# What a container's own health check would run, as the image has no curl.
_CHECK = """
import time, urllib.request
urllib.request.urlopen("http://127.0.0.1:{port}/healthz").read()
print(time.process_time())
"""


class Inside(msgspec.Struct, frozen=True):
    """What the serving process is, seen from inside."""

    python: str
    user_id: int
    capabilities: int
    writable: tuple[str, ...]  # folders on a file system that is not read-only


@dataclass(frozen=True, slots=True)
class Trial:
    """All that was seen."""

    inside: Inside
    health: Mapping[str, int]  # HTTP status by path
    check_cpu_s: float  # CPU time of one health check from inside
    call: Measures
    starts: tuple[Start, ...]


async def put_to_trial(image: Unpacked, *, progress: Progress) -> Trial:
    """Run it all. Raises LaptopError if the image does not start."""
    with tempfile.TemporaryDirectory(prefix="callscribe-image-") as folder:
        runtime = Runtime(Path(folder), image)
        try:
            return await _put_to_trial(runtime, Path(folder) / "laptop", progress)
        finally:
            await runtime.remove()


async def _put_to_trial(runtime: Runtime, state: Path, progress: Progress) -> Trial:
    async with laptop(progress=progress, state_dir=state, start_bridge=runtime.bridge) as (addresses, _):
        name, environment = runtime.names[-1], runtime.environment
        inside = msgspec.json.decode(await runtime.python(name, _LOOK), type=Inside)
        health = await healthy(addresses.media_url.replace("ws://", "http://"))
        check_cpu_s = float(await runtime.python(name, _CHECK.format(port=environment["PORT"])))
        progress(f"placing the call “{CALL}”")
        tracks = recorded_tracks(CALL)
        placed = await place_and_watch(
            placement(tracks, voice_url=addresses.voice_url, status_url=addresses.status_url),
            addresses,
            Account(sid=addresses.account_sid, auth_token=addresses.auth_token),
            CallScreen(Console(quiet=True)),
            announce=lambda _call_id: None,
        )
        starts = []
        for number in range(STARTS):
            progress(f"starting and stopping it, {number + 1} of {STARTS}")
            starts.append(await runtime.start_and_stop({**environment, "PORT": "0"}))
    return Trial(
        inside=inside,
        health=health,
        check_cpu_s=check_cpu_s,
        call=measure(placed.seen, placed.report.media_streams, tracks.expected),
        starts=tuple(starts),
    )
