"""Lambda's Runtime API, and a function that its runtime client runs against it, an event at a time.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"; `awslambdaric` is the client of
Lambda's own Python runtimes.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

LIMIT_S = 60.0
DEADLINE_S = 30.0  # what an invocation is told that it has
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:{name}"
_INVOCATION = "/2018-06-01/runtime/invocation/"


class FunctionFailed(RuntimeError):
    """A function did not start, or answered an event with an error; the message is what it said."""


class Took(NamedTuple):
    """Time on the wall, and of all CPUs for the function's process, both in ms."""

    wall_ms: float
    cpu_ms: float


class RunningFunction:
    """A new process with one function, which has no event yet. Leaving kills it, as Lambda does."""

    def __init__(self, python: Path, bundle: Path, name: str, environment: Mapping[str, str]) -> None:
        """`python` has Lambda's runtime client; `bundle` is what would be in /var/task."""
        self._name = name
        self._told: queue.Queue[tuple[str, float, bytes]] = queue.Queue()
        self._due: queue.Queue[bytes | None] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._api())
        self._command = [str(python), "-B", "-m", "awslambdaric", f"functions.{name}.handler.handler"]
        self._bundle = bundle
        self._environment = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "LAMBDA_TASK_ROOT": str(bundle),
            "PYTHONPATH": str(bundle),
        }

    def __enter__(self) -> Self:
        """Start it and return once it asks for its first event; `started` is what that took. Raises FunctionFailed."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        began_s = time.perf_counter()
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=self._bundle,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _, asked_s, _ = self._await("next")
        except BaseException:
            self._end()
            raise
        self.started = Took(1000 * (asked_s - began_s), 1000 * self._cpu_s())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def invoke(self, event: Mapping[str, Any]) -> tuple[Took, Any]:
        """Hand over an event; return what it took, until the next one was asked for, and the answer.

        Raises FunctionFailed.
        """
        before_s, began_s = self._cpu_s(), time.perf_counter()
        self._due.put(json.dumps(event).encode())
        _, answered_s, answer = self._await("response")
        self._await("next")
        return Took(1000 * (answered_s - began_s), 1000 * (self._cpu_s() - before_s)), json.loads(answer)

    def memory_mib(self) -> float:
        """Return the most that it has had in memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def _cpu_s(self) -> float:
        # The clock of another process, as clock_getcpuclockid(3) names it on Linux: all its threads, also those over.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _await(self, what: str) -> tuple[str, float, bytes]:
        try:
            said = self._told.get(timeout=LIMIT_S)
        except queue.Empty:
            raise FunctionFailed(f"{self._name} said nothing for {LIMIT_S:.0f} s") from None
        if said[0] != what:
            raise FunctionFailed(f"{self._name}: {said[0]}: {said[2].decode(errors='replace')[:2000]}")
        return said

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._due.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _api(self) -> type[BaseHTTPRequestHandler]:
        told, due, arn = self._told, self._due, ARN.format(name=self._name)

        class Api(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # an answer is one packet

            def do_GET(self) -> None:
                told.put(("next", time.perf_counter(), b""))
                event = due.get()
                if event is None:
                    return
                self._say(
                    200,
                    event,
                    {
                        "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                        "Lambda-Runtime-Deadline-Ms": str(int(1000 * (time.time() + DEADLINE_S))),
                        "Lambda-Runtime-Invoked-Function-Arn": arn,
                        "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                    },
                )

            def do_POST(self) -> None:
                # /invocation/<id>/response, /invocation/<id>/error, /init/error
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                what = self.path.rpartition("/")[2] if self.path.startswith(_INVOCATION) else "init error"
                told.put((what, time.perf_counter(), body))
                self._say(202, b'{"status":"OK"}', {})

            def _say(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                pass

        return Api
