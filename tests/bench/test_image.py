"""The image's trial, without an image: what is missing is said, layouts are read, containers are as ECS makes them."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from bench.image.container import Task, runtime_configuration, task_of, user_of, write_bundle
from bench.image.layout import Image, Layer, Runs, read_layout
from bench.image.machine import missing
from bench.image.report import problems
from bench.image.runtime import Start, Unpacked
from bench.image.trial import Inside, Trial
from callscribe.call import fold
from callscribe.entries import CallEnded, CallFailed, Entry, Ledger, LegEnded, LegStarted
from local.aws.assembly import read_assembly
from local.measures import Latencies, Measures
from local.synthesis import synthesized
from local.words import WordErrors

TASK = Task(cpu=512, memory_mib=1024, read_only=True, mounts=("/spill",), stop_s=120)
RUNS = Runs(cmd=("python", "-m", "bridge"), env=("PATH=/app/.venv/bin",), user="bridge", working_dir="/app")


def blob(folder, content: bytes) -> dict:
    name = f"{len(list(folder.glob('blobs/sha256/*'))):064x}"
    (folder / "blobs" / "sha256" / name).write_bytes(content)
    return {"digest": f"sha256:{name}", "size": len(content)}


def test_what_is_not_installed_is_named_with_the_command_that_installs_it():
    said = missing(find=lambda name: None if name == "buildah" else f"/usr/bin/{name}", user_id=lambda: 0)

    assert said == "not installed here: buildah (buildah builds the image): apt-get install buildah"


def test_a_machine_with_all_of_it_lacks_root_at_most():
    assert missing(find=lambda name: name, user_id=lambda: 1000).endswith("sudo make image-test")
    assert missing(find=lambda name: name, user_id=lambda: 0) is None


def test_a_layout_tells_what_runs_and_what_each_layer_weighs(tmp_path):
    (tmp_path / "blobs" / "sha256").mkdir(parents=True)
    base, code = gzip.compress(b"b" * 5000), gzip.compress(b"c" * 300)
    history = [
        {"created_by": "ADD"},
        {"created_by": "ENV A=1", "empty_layer": True},
        {"created_by": "COPY bridge /app/bridge"},
    ]
    configuration = {
        "config": {"User": "bridge", "Cmd": ["python"], "WorkingDir": "/app", "Volumes": {"/spill": {}}},
        "history": history,
    }
    manifest = {
        "config": blob(tmp_path, json.dumps(configuration).encode()),
        "layers": [blob(tmp_path, base), blob(tmp_path, code)],
    }
    index = {"manifests": [blob(tmp_path, json.dumps(manifest).encode())]}
    (tmp_path / "index.json").write_text(json.dumps(index))

    assert read_layout(tmp_path) == Image(
        runs=Runs(cmd=("python",), user="bridge", working_dir="/app", volumes={"/spill": {}}),
        layers=(Layer("ADD", 5000, len(base)), Layer("COPY bridge /app/bridge", 300, len(code))),
    )


def test_the_task_is_the_one_that_is_deployed():
    task = task_of(read_assembly(synthesized()))

    assert (task.read_only, task.mounts) == (True, ("/spill",))
    assert task.stop_s == 120
    assert min(task.cpu, task.memory_mib) > 0


def test_a_container_has_the_images_user_and_command_and_the_tasks_limits(tmp_path):
    made = runtime_configuration(
        root=tmp_path, user=(10001, 10001), runs=RUNS, task=TASK, environment={"PORT": "1"}, mounts={}
    )

    assert made["root"] == {"path": str(tmp_path), "readonly": True}
    assert made["process"] == {
        "user": {"uid": 10001, "gid": 10001},
        "cwd": "/app",
        "args": ["python", "-m", "bridge"],
        "env": ["PATH=/app/.venv/bin", "PORT=1"],
        "capabilities": {},
        "noNewPrivileges": True,
    }
    assert made["linux"]["resources"] == {
        "cpu": {"quota": 50_000, "period": 100_000},
        "memory": {"limit": 1024 * 1024 * 1024},
    }


@pytest.mark.parametrize(("volumes", "owner"), [({"/spill": {}}, "the image's"), ({}, "root")])
def test_a_volume_is_owned_as_in_the_image_only_if_the_image_says_that_it_is_one(tmp_path, monkeypatch, volumes, owner):
    owners = []
    monkeypatch.setattr("os.chown", lambda path, uid, gid: owners.append(path))
    root = tmp_path / "root"
    (root / "spill").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\nbridge:x:10001:10002::/:/bin/sh\n")

    runs = Runs(cmd=("python",), user="bridge", volumes=volumes)
    write_bundle(tmp_path / "bundle", root=root, runs=runs, task=TASK, environment={})

    made = json.loads((tmp_path / "bundle" / "config.json").read_text())
    (mount,) = [each for each in made["mounts"] if each["type"] == "bind"]
    assert mount["destination"] == "/spill"
    assert [str(path) for path in owners] == ([mount["source"]] if owner == "the image's" else [])
    assert made["process"]["user"] == {"uid": 10001, "gid": 10002}


def test_an_image_that_names_no_user_runs_as_root():
    assert user_of("", "root:x:0:0::/root:/bin/sh\n") == (0, 0)


def seen(*, acknowledged: int = 320) -> Trial:
    """A trial in which nothing is wrong, unless less than all was acknowledged."""
    started = LegStarted(
        leg="MZ1/inbound", party="caller", track="inbound", codec="audio/x-mulaw", media_stream="MZ1", session="G1",
        channel=0, offset_ms=0,
    )  # fmt: skip
    ledger = Ledger(heard=320, filled=0, sent=320, acknowledged=acknowledged)
    bodies = (
        started,
        LegEnded(leg="MZ1/inbound", ledger=ledger, sessions=1, reconnects=0),
        CallEnded(reason="completed", duration_ms=40),
    )
    call = fold(Entry(call_id="CA1", seq=seq, at="2026-11-22T12:00:00.000Z", tenant="default", body=body)
                for seq, body in enumerate(bodies, start=1))  # fmt: skip
    return Trial(
        inside=Inside(python="3.14.8", user_id=10001, capabilities=0, writable=("/spill",)),
        health={"/healthz": 200, "/readyz": 200},
        check_cpu_s=0.05,
        call=Measures(call, {"caller": WordErrors(2, 2, 0)}, call.legs, Latencies(()), Latencies(())),
        starts=(Start(1.5, 0, 0.1),),
    )


def judged(trial: Trial, tmp_path) -> list[str]:
    return problems(Unpacked(tmp_path, RUNS, TASK), trial)


def test_an_image_that_does_all_that_it_should_has_no_problem(tmp_path):
    assert judged(seen(), tmp_path) == []


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        ({"inside": Inside("3.14.8", 0, 0, ("/spill",))}, "it runs as root"),
        ({"inside": Inside("3.14.8", 10001, 32, ("/spill",))}, "it has capabilities"),
        ({"inside": Inside("3.14.8", 10001, 0, ("/", "/spill"))}, "what can be written is /, /spill"),
        ({"health": {"/healthz": 200, "/readyz": 503}}, "its health is {'/healthz': 200, '/readyz': 503}"),
        ({"starts": (Start(1.5, 137, 0.1),)}, "SIGTERM does not end it well"),
        ({"starts": (Start(1.5, 0, 121.0),)}, "SIGTERM does not end it in time"),
    ],
)
def test_what_is_wrong_with_the_container_is_said(tmp_path, harm, problem):
    assert judged(replace(seen(), **harm), tmp_path) == [problem]


def test_what_is_wrong_with_the_call_is_said(tmp_path):
    silent = replace(seen().call, words={"caller": WordErrors(2, 0, 2)})
    failed = replace(seen().call, call=replace(seen().call.call, failed=CallFailed(reason="refused", kept="nothing")))

    assert judged(seen(acknowledged=160), tmp_path) == ["not all audio reached Gladia"]
    assert judged(replace(seen(), call=silent), tmp_path) == ["no words came"]
    assert judged(replace(seen(), call=failed), tmp_path) == ["the transcript failed"]
