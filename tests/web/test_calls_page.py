"""The list of calls on the page, and what both views have in common."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe

from bench.following.service import KEY, OVER, began, leg, said, silent
from tests.web.test_call_page import CALL, PICTURES, talking

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_calls_come_and_go_without_a_reload(screen):
    screen.service.write("CA1", began(caller="+12025550111"))
    await screen.open()
    await screen.until("document.querySelectorAll('#live tr').length === 1")

    await screen.service.append("CA2", began(caller="+12025550122"))
    await screen.until("document.querySelectorAll('#live tr').length === 2")
    await screen.service.append("CA1", silent("caller"), OVER)
    await screen.until("document.querySelectorAll('#past tr').length === 1")

    assert await screen.page.locator("#live a").all_inner_texts() == ["+12025550122"]
    assert await screen.page.locator(".count").inner_text() == "1 in progress"


async def test_two_hundred_calls_in_progress_are_a_list_that_can_be_read_and_walked_through(screen):
    for number in range(200):
        screen.service.write(f"CA{number:03}", began(caller=f"+1202555{number:04}"))
    for number in range(12):
        for body in (began(), leg("caller"), leg("agent"), silent("caller"), silent("agent"), OVER):
            screen.service.write(f"CB{number}", body)
    await screen.open()
    await screen.until("document.querySelectorAll('#live tr').length === 200")

    assert await screen.page.locator(".count").inner_text() == "200 in progress"
    await screen.page.keyboard.press("j")
    await screen.page.keyboard.press("j")
    await screen.page.keyboard.press("Enter")
    await screen.until("location.hash.startsWith('#call=') && document.querySelector('.strip')")
    await screen.page.keyboard.press("Escape")
    await screen.until("document.querySelectorAll('#live tr').length === 200")
    PICTURES.mkdir(parents=True, exist_ok=True)
    await screen.page.screenshot(path=PICTURES / "calls.png")


async def test_past_calls_are_paged_and_found_by_number(screen):
    for number in range(60):
        for body in (began(caller=f"+1202555{number:04}"), OVER):
            screen.service.write(f"CA{number:02}", body)
    await screen.open()
    await screen.until("document.querySelectorAll('#past tr').length === 50")

    await screen.page.get_by_text("Earlier calls").click()
    await screen.until("document.querySelectorAll('#past tr').length === 60")
    await screen.page.keyboard.press("/")
    await screen.page.keyboard.type("+12025550007")
    await screen.page.keyboard.press("Enter")
    await screen.until("document.querySelectorAll('#past tr').length === 1")


async def test_without_a_key_the_page_asks_for_one_and_a_wrong_one_is_told(new_screen):
    screen = await new_screen(key="")
    screen.service.write("CA1", began())
    await screen.open()

    await screen.page.get_by_label("API key").fill("cs_wrong")
    await screen.page.keyboard.press("Enter")
    await screen.until("document.querySelector('.failed')?.textContent === 'the API key is wrong'")
    await screen.page.get_by_label("API key").fill(screen.service.key)
    await screen.page.keyboard.press("Enter")
    await screen.until("document.querySelectorAll('#live tr').length === 1")
    assert screen.service.key not in screen.page.url


async def test_a_theme_is_kept(screen):
    await screen.open()
    dark = "getComputedStyle(document.body).backgroundColor"
    light = await screen.page.evaluate(dark)

    await screen.page.keyboard.press("t")
    await screen.page.reload()

    await screen.until("document.documentElement.dataset.theme === 'dark'")
    assert await screen.page.evaluate(dark) != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["calls", "call", "key", "help"])
async def test_nothing_keeps_anybody_from_using_it(new_screen, view, scheme):
    screen = await new_screen(color_scheme=scheme, key="" if view == "key" else KEY)
    screen.service.write("CA2", began())
    match view:
        case "call":
            await talking(screen, said("agent", "Good morning", number=0, start_ms=0))
            await screen.until("document.querySelector('.line.final')")
        case "help":
            await screen.open()
            await screen.page.keyboard.press("?")
        case _:
            await screen.open()
            await screen.until("document.querySelector('#live tr') || document.querySelector('form input')")

    results = await Axe().run(screen.page)

    violations = {each["id"]: [node["html"] for node in each["nodes"]] for each in results.response["violations"]}
    assert violations == {}


async def test_the_page_asks_nobody_but_its_own_service(screen):
    asked = []
    screen.page.on("request", lambda request: asked.append(request.url))
    await talking(screen, said("agent", "hello", number=0, start_ms=0))
    await screen.until("document.querySelector('.line.final')")

    assert CALL in screen.page.url
    assert {url.split("/")[2] for url in asked} <= {screen.url.split("/")[2], screen.service.url.split("/")[2]}
