"""Run a command that must not outlive its parent, however the parent ends.

    python leash.py GRACE_S COMMAND [ARGUMENT...]

The parent holds the other end of standard input. When that closes, because the parent said so or because it died, the
command gets SIGTERM, and what is left of it and of all it started gets SIGKILL `GRACE_S` seconds later. Only the
standard library, as it runs in the command's own environment. It has to be the leader of a session of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run the command in the arguments until it ends, the parent lets go or a signal comes; then end the group."""
    grace_s, command = float(sys.argv[1]), sys.argv[2:]
    released = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: released.set())
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_await_parent, args=(released,), daemon=True).start()
    threading.Thread(target=_await_child, args=(child, released), daemon=True).start()
    released.wait()
    child.terminate()
    try:
        child.wait(grace_s)
    except subprocess.TimeoutExpired:
        print(f"leash: still running after {grace_s:.0f} s, ending it", flush=True)
    # What the command started shares the group, and so does this process: nothing is left after this line.
    os.killpg(0, signal.SIGKILL)


def _await_parent(released: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    released.set()


def _await_child(child: subprocess.Popen[bytes], released: threading.Event) -> None:
    child.wait()
    released.set()


if __name__ == "__main__":
    main()
