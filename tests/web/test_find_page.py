"""Searching across calls on the page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe

from bench.following.service import ORIGIN, OVER, began, leg, said, silent
from callscribe.http_answers import ProblemDocument, SearchedCall, SearchMoment, SearchPage
from tests.web.test_call_page import CALL, NASTY, PICTURES

pytestmark = pytest.mark.asyncio(loop_scope="session")


def call(number: int, *said: str) -> SearchedCall:
    link = f"#call=CA{number}"
    return SearchedCall(
        call_id=f"CA{number}", started_at="2026-11-22T09:15:02.417Z", duration_ms=61_000, direction="inbound",
        from_number="+12025550123", to_number="+12025550188", link=link,
        moments=tuple(
            SearchMoment(
                seq=7 + place, party="caller", text=text, start_ms=6000 + 1000 * place, end_ms=6900 + 1000 * place,
                language="en", sentiment="", link=f"{link}&t={6 + place}",
            )
            for place, text in enumerate(said)
        ),
    )  # fmt: skip


async def answering(screen, *answers) -> list[dict]:
    """Let searches be answered so, one after the other; return what is asked."""
    asked: list[dict] = []
    left = list(answers)

    async def answer(route):
        if route.request.method == "OPTIONS":
            await route.fulfill(status=200, headers=ORIGIN)
            return
        asked.append({name: value for name, (value,) in parse_qs(urlsplit(route.request.url).query).items()})
        given = left.pop(0)
        status = given.status if isinstance(given, ProblemDocument) else 200 if given.over else 202
        await route.fulfill(status=status, headers=ORIGIN, body=msgspec.json.encode(given))

    await screen.page.route("**/v1/search?*", answer)
    return asked


async def test_what_was_said_is_found_and_leads_to_the_moment(screen):
    for body in (
        began(),
        leg("caller"),
        said("caller", "I have lost my card", number=0, start_ms=6000),
        silent("caller"),
        OVER,
    ):
        screen.service.write(CALL, body)
    first = SearchPage(search="s1", over=True, calls=(call(1, "I have lost my Card.", "the card is blue"),), next="n1")
    asked = await answering(screen, first, SearchPage(search="s2", over=True, calls=(call(2, "my card"),)), first)
    await screen.open()
    await screen.until("document.querySelector('.tools a')")

    await screen.page.get_by_text("Search what was said").click()
    await screen.until("document.querySelector('.results a')")
    assert asked == []
    await screen.page.keyboard.type('"my card" party:caller')
    await screen.page.keyboard.press("Enter")
    await screen.until("document.querySelectorAll('.results li li').length === 2")
    assert asked[0] == {"q": '"my card" party:caller'}
    assert await screen.page.locator("mark").all_inner_texts() == ["my", "Card.", "card"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    await screen.page.screenshot(path=PICTURES / "find.png")

    await screen.page.get_by_text("Earlier calls").click()
    await screen.until("document.querySelectorAll('.results > li').length === 2")
    assert asked[1]["next"] == "n1"
    assert await screen.page.locator(".more").is_hidden()

    await screen.page.locator(".results li li a").first.click()
    await screen.until("document.activeElement.textContent.includes('I have lost my card')")
    await screen.page.go_back()
    await screen.until("document.querySelector('.results')")


async def test_a_search_that_takes_long_is_asked_for_again_until_it_is_over(screen):
    going = SearchPage(search="s1", over=False)
    asked = await answering(screen, going, going, SearchPage(search="s1", over=True))
    await screen.open("find=card")

    await screen.until("document.querySelector('[role=status]')?.textContent === 'nothing was found'")
    assert asked == [{"q": "card"}, {"search": "s1"}, {"search": "s1"}]


async def test_a_search_that_makes_no_sense_is_told_and_what_was_said_is_text(screen):
    problem = ProblemDocument(title="Bad Request", status=400, code="malformed", detail="a quote is not closed")
    await answering(screen, problem, SearchPage(search="s1", over=True, calls=(call(1, NASTY),)))
    await screen.open('find="card')
    await screen.until("document.querySelector('[role=status]')?.textContent === 'a quote is not closed'")

    await screen.open("find=card")
    await screen.until("document.querySelector('.results li li')")
    assert await screen.page.evaluate("window.harmed") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_keeps_anybody_from_searching(new_screen, scheme):
    screen = await new_screen(color_scheme=scheme)
    await answering(screen, SearchPage(search="s1", over=True, calls=(call(1, "I have lost my card"),)))
    await screen.open("find=card")
    await screen.until("document.querySelector('.results mark')")

    results = await Axe().run(screen.page)
    assert {each["id"]: [node["html"] for node in each["nodes"]] for each in results.response["violations"]} == {}
