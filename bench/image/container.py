"""A container as ECS makes one of the task definition: for runc, as a bundle of files.

Source: OCI Runtime Specification 1.0, "config.json". The network is this machine's own, so that the container finds the
local AWS and Gladia on loopback.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.image.layout import Runs
from local.aws.assembly import SynthesizedStack

_PERIOD_US = 100_000


@dataclass(frozen=True, slots=True)
class Task:
    """What the task definition says of its only container beside its environment."""

    cpu: int  # 1024 are one core
    memory_mib: int
    read_only: bool
    mounts: tuple[str, ...]  # of volumes that may be written
    stop_s: int  # between SIGTERM and SIGKILL


def task_of(stacks: Sequence[SynthesizedStack]) -> Task:
    """Return the only task definition of the app."""
    (definition,) = (
        resource["Properties"]
        for stack in stacks
        for resource in stack.template["Resources"].values()
        if resource["Type"] == "AWS::ECS::TaskDefinition"
    )
    (container,) = definition["ContainerDefinitions"]
    return Task(
        cpu=int(definition["Cpu"]),
        memory_mib=int(definition["Memory"]),
        read_only=container["ReadonlyRootFilesystem"],
        mounts=tuple(each["ContainerPath"] for each in container["MountPoints"] if not each["ReadOnly"]),
        stop_s=container["StopTimeout"],
    )


def write_bundle(folder: Path, *, root: Path, runs: Runs, task: Task, environment: Mapping[str, str]) -> None:
    """Make `folder` a bundle that runs the image at `root`, with empty folders where the task mounts volumes."""
    mounts: dict[str, Path] = {}
    for number, inside in enumerate(task.mounts):
        mounts[inside] = folder / f"volume-{number}"
        mounts[inside].mkdir(parents=True)
        if inside in runs.volumes:  # else it is root's (ECS Developer Guide, "Use bind mounts with Amazon ECS")
            owner = (root / inside.strip("/")).stat()
            os.chown(mounts[inside], owner.st_uid, owner.st_gid)
    configuration = runtime_configuration(
        root=root,
        user=user_of(runs.user, (root / "etc" / "passwd").read_text(encoding="utf-8")),
        runs=runs,
        task=task,
        environment=environment,
        mounts=mounts,
    )
    (folder / "config.json").write_text(json.dumps(configuration), encoding="utf-8")


def runtime_configuration(
    *,
    root: Path,
    user: tuple[int, int],
    runs: Runs,
    task: Task,
    environment: Mapping[str, str],
    mounts: Mapping[str, Path],
) -> dict[str, Any]:
    """Return runc's config.json: no capability, no new privileges, the task's share of a core and of memory."""
    variables = [*runs.env, *(f"{name}={value}" for name, value in environment.items())]
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root), "readonly": task.read_only},
        "process": {
            "user": {"uid": user[0], "gid": user[1]},
            "cwd": runs.working_dir,
            "args": list(runs.cmd),
            "env": variables,
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            *(
                {"destination": inside, "type": "bind", "source": str(outside), "options": ["rbind", "rw"]}
                for inside, outside in mounts.items()
            ),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("mount", "pid", "ipc", "uts")],
            "resources": {
                "cpu": {"quota": task.cpu * _PERIOD_US // 1024, "period": _PERIOD_US},
                "memory": {"limit": task.memory_mib << 20},
            },
        },
    }


def user_of(name: str, passwd: str) -> tuple[int, int]:
    """Return the ids of user and group that `name` has in the image; root's without a name. Raises KeyError."""
    known = {line.split(":")[0]: line.split(":") for line in passwd.splitlines() if line}
    fields = known[name or "root"]
    return int(fields[2]), int(fields[3])
