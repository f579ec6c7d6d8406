"""The process that plays AWS: where it listens, what it leaves behind, what it says when it can't run."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from local.aws.engine import ENVIRONMENT, Engine, EngineError

ROOT = Path(__file__).parents[3]
HERE = "0100007F"  # 127.0.0.1 as in /proc/net/tcp, in the byte order of little-endian machines
LISTENS = "0A"


def members(group):
    """Return the ids of the processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def sockets(process):
    for link in Path(f"/proc/{process}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith("socket:["):
            yield target.removeprefix("socket:[").removesuffix("]")


def environment(process):
    return Path(f"/proc/{process}/environ").read_bytes()


def listeners(group):
    """Return the addresses, in the kernel's form, at which processes of a group listen or receive datagrams."""
    inodes = {inode for process in members(group) for inode in sockets(process)}
    addresses = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == LISTENS or table.startswith("udp")):
                addresses.append(fields[1])
    return addresses


def watch(group):
    """Return descriptors that become readable as the processes of a group end."""
    return [os.pidfd_open(process) for process in members(group)]


def ended(watched):
    for descriptor in watched:
        assert select.select([descriptor], [], [], 30)[0], "still running after 30 s"
        os.close(descriptor)


def test_nothing_that_it_opens_listens_beyond_this_machine(aws, stack):
    httpx.post(stack.voice_url)  # so that a function runs as well
    assert len(members(aws.engine.pid)) > 2

    addresses = listeners(aws.engine.pid)

    assert [address.split(":")[0] for address in addresses] == [HERE]
    assert int(addresses[0].split(":")[1], 16) == aws.engine.port


async def test_it_starts_empty_enforces_roles_and_leaves_no_process_and_no_unpacked_function(tmp_path):
    async with Engine(tmp_path) as engine:
        watched = watch(engine.pid)
        async with httpx.AsyncClient() as client:
            health = (await client.get(f"{engine.url}/_ministack/health")).json()
        assert health["auth"] == "enabled"
        assert await asyncio.to_thread(lambda: engine.root.client("dynamodb").list_tables()["TableNames"]) == []

    ended(watched)
    assert not (tmp_path / "tmp").exists()
    assert (tmp_path / "ministack.log").read_text()


async def test_it_inherits_nothing_of_our_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GLADIA_API_KEY", "a-key")
    monkeypatch.setenv("AWS_PROFILE", "production")

    async with Engine(tmp_path) as engine:
        environments = [environment(process) for process in members(engine.pid)]

    assert len(environments) == 2
    assert not any(b"GLADIA" in each or b"AWS_PROFILE" in each for each in environments)


def test_it_goes_when_its_parent_is_killed(tmp_path):
    program = (
        "import asyncio, pathlib, sys\n"
        "from local.aws.engine import Engine\n"
        "async def main():\n"
        "    engine = Engine(pathlib.Path(sys.argv[1]))\n"
        "    await engine.start()\n"
        "    print(engine.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        watched = watch(int(parent.stdout.readline()))
        assert len(watched) == 2
        parent.send_signal(signal.SIGKILL)

    ended(watched)


def test_a_process_that_ignores_the_request_to_end_is_ended_nevertheless():
    stubborn = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1, flush=True)\nsignal.pause()"
    command = [sys.executable, "local/aws/leash.py", "0.1", sys.executable, "-c", stubborn]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes) as leash:
        leash.stdout.readline()
        watched = watch(leash.pid)
        leash.stdin.close()

        ended(watched)


async def test_a_missing_environment_says_what_to_run(tmp_path):
    with pytest.raises(EngineError, match=r"bin/ministack is missing\): run make \.venv-aws/\.ready$"):
        await Engine(tmp_path, environment=tmp_path / ".venv-aws").start()


async def test_two_cannot_share_a_folder(aws):
    with pytest.raises(EngineError, match=r"another local AWS is running in .*: stop it, or choose another folder"):
        await Engine(aws.engine.state_dir).start()


async def test_one_that_ends_at_once_says_why_and_where_to_read_more(tmp_path):
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(ENVIRONMENT / "bin" / "python")
    program = environment / "bin" / "ministack"
    program.write_text("#!/bin/sh\necho the port is taken\n")
    program.chmod(0o755)

    with pytest.raises(EngineError, match=r"ended at once, see .*ministack\.log: the port is taken"):
        await Engine(tmp_path / "state", environment=environment).start()


async def test_what_is_kept_is_there_after_a_restart_and_forgotten_without(tmp_path):
    name = "kept"
    async with Engine(tmp_path, keep_state=True) as engine:
        await asyncio.to_thread(engine.root.client("ssm").put_parameter, Name=name, Value="1", Type="String")
    async with Engine(tmp_path, keep_state=True) as engine:
        found = await asyncio.to_thread(engine.root.client("ssm").get_parameter, Name=name)
    assert found["Parameter"]["Value"] == "1"

    async with Engine(tmp_path) as engine:
        client = engine.root.client("ssm")
        with pytest.raises(client.exceptions.ParameterNotFound):
            await asyncio.to_thread(client.get_parameter, Name=name)
