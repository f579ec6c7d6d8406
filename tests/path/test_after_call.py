"""Five calls and all that follows them: archives, a webhook, a second pass, a search that leads to the moment."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing

from playwright.async_api import async_playwright

from bench.browser import launch
from callscribe.after_call import TranscriptReady
from callscribe.archive import unpack
from callscribe.second_pass import BatchReady
from local.placing import twilio_of
from local.twilio.faults import Gap
from tests.path.files import file_of
from tests.path.test_one_call import conversation
from tests.path.test_second_pass import LINES, RECORDED
from tests.path.test_webhooks import receiving, said

LOST = Gap(at_ms=6700, length_ms=1700, track="outbound")  # of what the agent asks
PHRASE = "a lighthouse made of marzipan"
CALLS = (
    ("good morning", "this is the bank", "I have lost my card"),
    ("hello", "how can I help you", f"I dreamt of {PHRASE}", "that sounds delicious"),
    ("one moment please", "of course"),
    ("I want to cancel", "may I ask why", "it is too expensive"),
)


async def until(up, call_id: str, *kinds: type) -> dict[type, object]:
    """Return the newest entry of each kind, once the call's log has them all."""
    found: dict[type, object] = {}
    client = up.addresses.callscribe()
    async with asyncio.timeout(240), client, aclosing(client.follow(call_id)) as following:
        async for each in following:
            found |= {kind: each.body for kind in kinds if isinstance(getattr(each, "body", None), kind)}
            if found.keys() == set(kinds):
                break
    return found


async def test_five_calls_are_archived_told_compared_and_found_at_the_moment(up):
    async with receiving() as crm, twilio_of(up.addresses, up.account):
        stdout, stderr = await asyncio.to_thread(said, up, "add", crm.url, "--kind", "transcript.ready")
        crm.secret = stdout.strip()
        endpoint = re.search(r"we_[0-9a-f]+", stderr)[0]

        recorded = await up.place(conversation(*LINES), to_number=RECORDED, pace=2, faults=((LOST,),))
        others = await asyncio.gather(*(up.place(conversation(*lines), pace=4) for lines in CALLS))
        ids = [placed.report.call_sid for placed in (recorded, *others)]

        # A second pass with its difference.
        compared = await until(up, ids[0], BatchReady, TranscriptReady)
        of_agent = next(each for each in compared[BatchReady].differences if each.party == "agent")
        assert of_agent.missing >= 3
        async with up.addresses.callscribe() as client:
            document = await client.second_pass(ids[0])
        assert "notice" in " ".join(change.recorded for change in document.changes if change.party == "agent")

        # Their archives.
        for call_id, lines in zip(ids[1:], CALLS, strict=True):
            ready = (await until(up, call_id, TranscriptReady))[TranscriptReady]
            said_in_order = sorted(  # the log has them as they became final
                (row.start_ms, row.text) for row in unpack(file_of(up, ready.archive)) if row.kind == "utterance"
            )
            assert [text for _, text in said_in_order] == list(lines)

        # A webhook for each, received and verified; the recorded call may be ready more than once.
        told = set()
        async with asyncio.timeout(60):
            while told != set(ids):
                document, _ = await crm.received.get()
                told.add(document["data"]["call_id"])
        await asyncio.to_thread(said, up, "remove", endpoint)

    # A search that finds a spoken phrase and opens the page at that moment.
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch())
        page = await browser.new_page()
        await page.goto(up.addresses.page_url + "#find=")
        await page.get_by_label("Search what was said").fill(f'"{PHRASE}" party:caller')
        await page.keyboard.press("Enter")
        await page.locator(".results li li a").click()
        focused = page.locator(".line:focus")
        await focused.wait_for()
        assert PHRASE in await focused.inner_text()
        assert f"#call={ids[2]}&t=" in page.url
        await browser.close()
