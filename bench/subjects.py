"""What is measured: the floor, this bridge in three forms, and other bridges."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.bridge import PORT, measured_bridge
from bench.certificate import write_certificate
from bench.load import BOTH
from bench.measured import MeasuredProcess, measured, python
from bench.services import CHUNK_BYTES, Services

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
FRAME_BYTES = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One of them, and what it makes of the audio."""

    name: str
    means: str
    is_ours: bool = True
    hears: bool = True  # the floor does not: nothing comes out of it
    speaks: bool = False  # whether Gladia does
    tls: bool = False
    command: tuple[str, ...] = ()  # of a process that needs to know no more than Gladia's address
    streams: tuple[tuple[str, ...], ...] = (BOTH,)  # the tracks of each media stream of a call
    bytes_out: int = 1  # of a session, for each byte of a track
    session_tracks: int = 2  # that share a session
    chunk_bytes: int = CHUNK_BYTES  # of a session, sent at once

    @property
    def tick_bytes(self) -> int:
        """The bytes of a session for 20 ms."""
        return FRAME_BYTES * self.session_tracks * self.bytes_out


FLOOR = Subject(
    name="the floor",
    means="reads the same sockets and throws away what comes: so much the kernel and an event loop cost by themselves",
    hears=False,
    command=tuple(python("bench.floor")),
)
RELAY = Subject(name="relay alone", means="this bridge; audio in, audio out, and Gladia's acknowledgements")
RELAY_TLS = Subject(name="relay alone, TLS", means="the same, with TLS to Gladia", tls=True)
EVERYTHING = Subject(
    name="everything",
    means="this bridge while Gladia speaks without pause on both channels (a partial each 300 ms, a final each 3 s a "
    "channel): finals appended to the log, partials posted to one subscriber a call, ledger, metrics",
    speaks=True,
)
PLAIN = Subject(
    name="plain asyncio",
    means="`websockets`' asyncio API on both sides, `json`, no uvloop; each message passed on as it comes, a session a "
    "track",
    is_ours=False,
    command=tuple(python("bench.peers.plain")),
    session_tracks=1,
    chunk_bytes=FRAME_BYTES,
)
SDK = Subject(
    name="Gladia's SDK",
    means="`gladiaio-sdk` with its asynchronous client, `websockets` on Twilio's side; as above a session a track",
    is_ours=False,
    command=tuple(python("bench.peers.sdk")),
    session_tracks=1,
    chunk_bytes=FRAME_BYTES,
)
PIPECAT = Subject(
    name="Pipecat",
    means="its Twilio transport and its Gladia service; it does not tell tracks apart, so a media stream and a "
    "pipeline a track, linear samples to Gladia",
    is_ours=False,
    command=(str(PEERS_PYTHON), str(ROOT / "bench" / "peers" / "pipecat_bot.py")),
    streams=tuple((track,) for track in BOTH),
    bytes_out=2,
    session_tracks=1,
    chunk_bytes=2 * FRAME_BYTES,
)
SUBJECTS = {each.name: each for each in (FLOOR, RELAY, RELAY_TLS, EVERYTHING, PLAIN, SDK, PIPECAT)}


@contextlib.asynccontextmanager
async def serving_context(subject: Subject) -> AsyncIterator[tuple[ssl.SSLContext | None, Path | None]]:
    """Yield the TLS context of a Gladia that `subject` talks to, and the file of who vouches for it; or neither."""
    if not subject.tls:
        yield None, None
        return
    with tempfile.TemporaryDirectory(prefix="callscribe-bench-") as folder:
        authority, context = write_certificate(Path(folder))
        yield context, authority


@contextlib.asynccontextmanager
async def started(subject: Subject, services: Services, authority: Path | None) -> AsyncIterator[MeasuredProcess]:
    """Run it, with `services` to talk to."""
    if subject.command:
        told = {"GLADIA_URL": services.gladia_url, "GLADIA_API_KEY": "k", "PORT": str(PORT)}
        name = subject.name.replace(" ", "-").replace("'", "").lower()
        running = measured(name, subject.command, told)
    else:
        running = measured_bridge(services.url, gladia_url=services.gladia_url, authority=authority)
    async with running as process:
        yield process
