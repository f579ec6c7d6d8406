"""The synthesized app for this machine, made anew only when something it is made of has changed."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ASSEMBLY = ROOT / ".callscribe" / "cdk.out"
# What templates and bundles are made of.
MADE_OF = ("app.py", "cdk.json", "pyproject.toml", "uv.lock", "bridge", "callscribe", "functions", "infra", "web")


class SynthesisFailed(RuntimeError):
    """The templates can't be synthesized; the message is one line."""


def synthesized(outdir: Path = ASSEMBLY) -> Path:
    """Return the folder of the assembly, synthesized with bundles for this machine's Python; blocks for seconds.

    Several processes may ask at once: one synthesizes, the others wait. Raises SynthesisFailed.
    """
    outdir.parent.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint()
    made_of = outdir.with_name(f"{outdir.name}.made-of")
    with outdir.with_name(f"{outdir.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_of.exists() or made_of.read_text(encoding="ascii") != fingerprint:
            made_of.unlink(missing_ok=True)
            _synthesize(outdir)
            made_of.write_text(fingerprint, encoding="ascii")
    return outdir


def _synthesize(outdir: Path) -> None:
    command = [sys.executable, str(ROOT / "app.py"), "-o", str(outdir), "-c", "bundle=host"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise SynthesisFailed(f"the templates can't be synthesized: {lines[-1] if lines else 'no message'}")


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.platform}".encode())
    for path in _files():
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for name in MADE_OF:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
        yield from (each for each in found if "__pycache__" not in each.parts)
