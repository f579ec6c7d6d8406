"""What this machine lacks for building an image and starting a container."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

# Each is a package of Debian and Ubuntu too, by the same name.
PROGRAMS = {
    "buildah": "builds the image",
    "debootstrap": "makes the base to build it on",
    "runc": "starts it, as containerd does on Fargate",
}


def missing(*, find: Callable[[str], str | None] = shutil.which, user_id: Callable[[], int] = os.geteuid) -> str | None:
    """Return one line that says what is missing here and what to do; None if nothing is."""
    lacking = [name for name in PROGRAMS if find(name) is None]
    if lacking:
        told = "; ".join(f"{name} {PROGRAMS[name]}" for name in lacking)
        return f"not installed here: {', '.join(lacking)} ({told}): apt-get install {' '.join(lacking)}"
    if user_id() != 0:
        return "a base is made and a container started by root alone: sudo make image-test"
    return None
