"""The process that plays AWS: ministack, in an environment of its own, on loopback, with IAM enforced."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import httpx

from local.aws.access import Access

if TYPE_CHECKING:
    from types import TracebackType

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = ROOT / ".venv-aws"

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
# ministack takes an account's number as the key of its root user; the secret is the same for all.
ROOT_SECRET: Final = "test"  # noqa: S105

START_S: Final = 30.0  # takes about 1.5 s on an idle machine
GRACE_S: Final = 5.0  # takes about 0.1 s
STOP_S: Final = 10.0
HEALTH_POLL_S: Final = 0.05


class EngineError(RuntimeError):
    """The local AWS can't run; the message says what to do."""


@dataclass(slots=True)
class Engine:
    """One ministack.

    Everything it writes is under `state_dir`: its log, functions unpacked (`tmp`), and, if `keep_state`, what it saves
    when it stops. Without `keep_state` each start is empty.
    """

    state_dir: Path
    keep_state: bool = False
    environment: Path = ENVIRONMENT
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _lock: IO[str] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def root(self) -> Access:
        """The access of the account's root, who may do everything."""
        return root_at(self.url)

    @property
    def log(self) -> Path:
        """What ministack and the functions print."""
        return self.state_dir / "ministack.log"

    @property
    def pid(self) -> int:
        """The leader of the process group of all that runs. Raises EngineError if nothing does."""
        if self._process is None:
            raise EngineError("the local AWS is not running")
        return self._process.pid

    async def start(self) -> None:
        """Return once it answers. Raises EngineError."""
        program = self.environment / "bin" / "ministack"
        if not program.exists():
            raise EngineError(
                f"the local AWS is not set up ({program} is missing): run make {self.environment.name}/.ready"
            )
        self._claim()
        try:
            self._clear()
            self.port = self.port or _free_port()
            self._process = self._spawn(program)
            await self._ready(self._process)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it and everything it started; does nothing if it isn't running."""
        if (process := self._process) is not None:
            self._process = None
            await asyncio.to_thread(_end, process)
            shutil.rmtree(self.state_dir / "tmp", ignore_errors=True)  # unpacked functions, a worker each
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _claim(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self.state_dir / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise EngineError(
                f"another local AWS is running in {self.state_dir}: stop it, or choose another folder"
            ) from None

    def _clear(self) -> None:
        for name in ("tmp", "home") if self.keep_state else ("tmp", "home", "state", "s3"):
            shutil.rmtree(self.state_dir / name, ignore_errors=True)
        for name in ("tmp", "home", "state", "s3"):
            (self.state_dir / name).mkdir(exist_ok=True)

    def _variables(self) -> dict[str, str]:
        """Everything ministack reads of its environment; the functions inherit it, so nothing of ours is in it."""
        state = self.state_dir.resolve()
        saved = "1" if self.keep_state else "0"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(state / "home"),  # no ~/.aws
            "TMPDIR": str(state / "tmp"),
            "BIND_HOST": "127.0.0.1",  # its default is every interface
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
            "IOT_MTLS_ENABLED": "0",  # would listen on every interface
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{state}/no-docker",  # it removes containers it takes for its own
            "LAMBDA_EXECUTOR": "local",
            "PERSIST_STATE": saved,
            "S3_PERSIST": saved,
            "STATE_DIR": str(state / "state"),
            "S3_DATA_DIR": str(state / "s3"),
            "PYTHONUNBUFFERED": "1",
        }

    def _spawn(self, program: Path) -> subprocess.Popen[bytes]:
        leash = Path(__file__).with_name("leash.py")
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [str(program.with_name("python")), str(leash), str(GRACE_S), str(program)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._variables(),
                cwd=self.state_dir,
                start_new_session=True,
            )

    async def _ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        async with httpx.AsyncClient(trust_env=False) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise EngineError(f"the local AWS ended at once, see {self.log}: {self._last_line()}")
                try:
                    if (await client.get(f"{self.url}/_ministack/ready")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(HEALTH_POLL_S)
        raise EngineError(f"the local AWS did not answer within {START_S:.0f} s, see {self.log}: {self._last_line()}")

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def root_at(url: str) -> Access:
    """Return the access of the root of the local AWS at `url`."""
    return Access(url=url, account=ACCOUNT, region=REGION, key_id=ACCOUNT, secret=ROOT_SECRET)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
