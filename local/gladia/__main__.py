"""The emulated Gladia as a process: `python -m local.gladia`."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from local.gladia.plan import NO_FAULTS, Faults, InvalidPlanError
from local.gladia.recogniser import Recogniser
from local.gladia.scripted import ScriptedRecogniser
from local.gladia.server import EmulatedGladia
from local.gladia.settings import Settings
from local.gladia.whisper.model import FINAL_FRAMES, LONGEST_FRAMES, UnknownModelError
from local.gladia.whisper.recogniser import WhisperRecogniser

DEFAULT_PORT = 8089


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m local.gladia") -> int:
    """Serve until interrupted or terminated; return the exit status."""
    options = _parser(program).parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(options))
    except (UnknownModelError, InvalidPlanError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    recogniser: Recogniser = (
        ScriptedRecogniser()
        if options.recogniser == "scripted"
        else WhisperRecogniser(workers=options.workers, final_frames=options.final_frames)
    )
    settings = Settings(
        keys=frozenset(options.key) if options.key else None,
        sessions_per_key=options.sessions_per_key,
        idle_limit_s=options.idle_limit,
        duration_limit_s=options.duration_limit,
        faults=Faults.parse(options.faults.read_bytes()) if options.faults else NO_FAULTS,
    )
    async with EmulatedGladia(recogniser, settings=settings, host=options.host, port=options.port) as gladia:
        print(json.dumps({"url": gladia.url}) if options.json else f"Gladia, emulated: {gladia.url}", flush=True)
        await stopped.wait()


def _parser(program: str) -> argparse.ArgumentParser:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port, 0 for a free one (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON line with the URL when ready")
    parser.add_argument("--recogniser", choices=["whisper", "scripted"], default="whisper", help="(%(default)s)")
    parser.add_argument("--workers", type=int, choices=[1, 2], default=1, help="threads that decode (%(default)s)")
    parser.add_argument(
        "--final-frames",
        type=int,
        choices=[FINAL_FRAMES, LONGEST_FRAMES],
        default=FINAL_FRAMES,
        help="context of a final, in hundredths of a second (%(default)s)",
    )
    parser.add_argument("--key", action="append", help="a key to let in, repeatable; any without it")
    parser.add_argument("--sessions-per-key", type=int, help="open sessions a key may have; no limit without it")
    parser.add_argument("--idle-limit", type=float, default=defaults.idle_limit_s, help="seconds (%(default)s)")
    parser.add_argument("--duration-limit", type=float, default=defaults.duration_limit_s, help="seconds (%(default)s)")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="what goes wrong, in JSON; nothing without it")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    return parser


if __name__ == "__main__":
    sys.exit(main())
