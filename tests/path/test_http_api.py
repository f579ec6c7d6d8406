"""The HTTP API of the stack as deployed locally, asked about a call that was heard."""

from __future__ import annotations

import httpx
import pytest

from tests.path.test_one_call import conversation


@pytest.fixture
async def api(up):
    headers = {"authorization": f"Bearer {up.addresses.api_key}"}
    async with httpx.AsyncClient(base_url=up.addresses.api_url, headers=headers, timeout=30) as client:
        yield client


async def test_a_call_is_found_read_and_exported(up, api):
    placed = await up.place(conversation("good morning", "this is the bank"))
    call_id = placed.report.call_sid

    page = (await api.get("/v1/calls", params={"status": "ended", "limit": 200})).json()
    call = (await api.get(f"/v1/calls/{call_id}")).json()
    log = (await api.get(f"/v1/calls/{call_id}/log", params={"after": 2})).json()
    captions = await api.get(f"/v1/calls/{call_id}/transcript", params={"format": "vtt"})

    assert call_id in [each["call_id"] for each in page["calls"]]
    assert (call["status"], call["complete"], call["settled"]) == ("ended", True, True)
    # What is made of a call that is over may be there already.
    followed = [entry.seq for entry in placed.entries[2:]]
    assert [entry["seq"] for entry in log["entries"]][: len(followed)] == followed
    assert captions.headers["content-type"] == "text/vtt; charset=utf-8"
    assert "<v caller>good morning</v>" in captions.text
    assert "<v agent>this is the bank</v>" in captions.text


async def test_whoever_has_no_key_gets_a_problem_document(up):
    async with httpx.AsyncClient(base_url=up.addresses.api_url) as stranger:
        answer = await stranger.get("/v1/calls")
        document = await stranger.get("/v1/openapi.json")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["content-type"] == "application/problem+json"
    assert document.json()["info"]["title"] == "callscribe"
