"""The image, built by buildah where there is no Docker: no daemon, no privileges beyond root's in a container.

Each `RUN` of the recipe works under chroot. Where the kernel has no overlayfs for us, as in most containers, each layer
is a copy of all below it (vfs): some 3 GB instead of 600 MB, and minutes instead of seconds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

# Debian's release with the Python that python:3.14-slim has; debootstrap may be older than it, and then has no script
# of its own for it.
SUITE = "forky"
BASE = "localhost/callscribe-base"
IMAGE = "localhost/callscribe-bridge"
_SCRIPT = "/usr/share/debootstrap/scripts/sid"
_PACKAGES = "python3,python3-venv,ca-certificates"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Progress = Callable[[str], None]  # told what begins


class BuildFailed(RuntimeError):
    """The image can't be built; the message is one line that says where to look."""


def image_sources(assembly: Path) -> Path:
    """Return the folder of the synthesized app that Docker is given on the way to AWS."""
    manifest = json.loads((assembly / "Bridge.assets.json").read_text(encoding="utf-8"))
    (image,) = manifest["dockerImages"].values()
    return assembly / str(image["source"]["directory"])


class Builder:
    """buildah, with all that it keeps in `folder`."""

    def __init__(self, folder: Path, *, progress: Progress) -> None:
        self._folder = folder
        self._log = folder / "build.log"
        self._progress = progress
        folder.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        self._driver = "overlay"
        try:
            self._buildah("info")
        except BuildFailed:
            self._driver = "vfs"

    def base(self) -> str:
        """Return the image to build on, made of Debian's packages unless it is there. Raises BuildFailed."""
        if not self._buildah("images", "--quiet", "--filter", f"reference={BASE}"):
            self._progress(f"making a base of Debian's packages ({SUITE})")
            container = self._buildah("from", "scratch")
            try:
                root = self._buildah("mount", container)
                mirror = ""  # debootstrap's own
                self._run(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", SUITE, root, mirror, _SCRIPT])
                # uv believes only the certificates that it comes with, unless it is told to.
                self._buildah("config", "--env", _PATH, "--env", "UV_SYSTEM_CERTS=true", container)
                self._buildah("commit", "--quiet", container, BASE)
            finally:
                self._buildah("rm", container)
        return BASE

    def build(self, sources: Path, base: str) -> None:
        """Build the bridge's image of what Docker would be given, as `IMAGE`. Raises BuildFailed."""
        self._progress(f"building on {base}")
        # This machine's certificates are those of the mirrors that it is sent to; they don't stay in the image.
        certificates = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]
        recipe = ["--file", str(sources / "bridge" / "Dockerfile"), "--build-arg", f"BASE={base}", "--tag", IMAGE]
        self._buildah("build", "--isolation", "chroot", "--layers", *certificates, *recipe, str(sources))

    def export(self) -> Path:
        """Return the folder with the image as a registry would hold it: an OCI image layout. Raises BuildFailed."""
        layout = self._folder / "layout"
        if layout.exists():
            shutil.rmtree(layout)
        self._buildah("push", "--quiet", IMAGE, f"oci:{layout}:latest")
        return layout

    def unpack(self) -> tuple[str, Path]:
        """Return a container of the image, which is to be removed, and its root file system. Raises BuildFailed."""
        container = self._buildah("from", IMAGE)
        return container, Path(self._buildah("mount", container))

    def remove(self, container: str) -> None:
        """Forget what `unpack` returned."""
        self._buildah("rm", container)

    def _buildah(self, *arguments: str) -> str:
        store, state = self._folder / self._driver, self._folder / f"{self._driver}.run"
        options = ["--root", str(store), "--runroot", str(state), "--storage-driver", self._driver]
        return self._run(["buildah", *options, *arguments])

    def _run(self, command: Sequence[str]) -> str:
        """Return what `command` prints on standard output; all else goes to the log."""
        with self._log.open("ab") as log:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, check=False)
            log.write(done.stdout)
        if done.returncode:
            raise BuildFailed(f"{command[0]} failed with {done.returncode}: see {self._log}")
        return done.stdout.decode().strip()
