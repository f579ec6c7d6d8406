"""The emulated Gladia as a process of its own."""

import asyncio
import json
import signal
import sys

import aiohttp
import pytest


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_its_address_when_ready_and_ends_cleanly_when_told(ending):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.gladia", "--port", "0", "--json", "--recogniser", "scripted", "--key", "good"),
        stdout=asyncio.subprocess.PIPE,
    )
    url = json.loads(await process.stdout.readline())["url"]
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{url}/v2/live", headers={"x-gladia-key": "bad"}) as answer:
            assert answer.status == 401
        async with http.post(f"{url}/v2/live", headers={"x-gladia-key": "good"}) as answer:
            opened = await answer.json()
        async with http.ws_connect(opened["url"]) as socket:
            process.send_signal(ending)
            await socket.receive()
            assert socket.close_code == 1001

    assert await process.wait() == 0
    assert await process.stdout.read() == b""


async def test_a_port_in_use_is_said_in_one_line():
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.gladia", "--port", str(port), "--recogniser", "scripted"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    taken.close()
    await taken.wait_closed()

    assert process.returncode == 1
    assert str(port).encode() in said
    assert said.count(b"\n") == 1


async def test_what_goes_wrong_is_read_from_a_file(tmp_path):
    plan = tmp_path / "faults.json"
    plan.write_text('{"rules": [{"session": 1, "faults": [{"fault": "opening_refused", "status": 429}]}]}')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.gladia", "--port", "0", "--json", "--recogniser", "scripted"),
        *("--faults", str(plan)),
        stdout=asyncio.subprocess.PIPE,
    )
    url = json.loads(await process.stdout.readline())["url"]
    async with aiohttp.ClientSession() as http:
        for status in (429, 201):
            async with http.post(f"{url}/v2/live", headers={"x-gladia-key": "k"}) as answer:
                assert answer.status == status
    process.terminate()
    assert await process.wait() == 0


async def test_a_file_that_is_no_plan_of_faults_is_said_in_one_line(tmp_path):
    plan = tmp_path / "faults.json"
    plan.write_text('{"rules": [{"faults": [{"fault": "earthquake"}]}]}')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.gladia", "--recogniser", "scripted", "--faults", str(plan)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert b"earthquake" in said
    assert said.count(b"\n") == 1
