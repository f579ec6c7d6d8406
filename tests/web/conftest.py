"""The page in a real browser, before a service that a test can cut, refuse and hurry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from bench.browser import launch
from bench.following.service import KEY, FollowingService
from local.page import serve_page

WAIT_S = 15
SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifts.push(each.value);
  }).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Screen:
    """One tab, the service behind it, and what went wrong on it."""

    page: Page
    service: FollowingService
    url: str
    errors: list[str] = field(default_factory=list)

    async def open(self, fragment: str = "") -> None:
        await self.page.goto(f"{self.url}#{fragment}")

    async def lines(self, selector: str = ".line.final .text") -> list[str]:
        return await self.page.locator(selector).all_inner_texts()

    async def until(self, condition: str) -> None:
        """Wait until the JavaScript expression holds, looked at with each frame of the screen."""
        # Not wait_for_function, which the page's own policy against evaluated text forbids.
        look = f"const look = () => (({condition}) ? done() : requestAnimationFrame(look)); look();"
        try:
            async with asyncio.timeout(WAIT_S):
                await self.page.evaluate(f"new Promise((done) => {{ {look} }})")
        except TimeoutError:
            pytest.fail(f"never so: {condition}\n{await self.page.locator('body').inner_text()}\n{self.errors}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # One browser for all of them, and nothing else beside it that fills the machine.
    for item in items:
        if {"screen", "new_screen"}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("machine"))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch())
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[FollowingService]:
    async with FollowingService() as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def new_screen(browser, service):
    """`await new_screen()`: another tab."""
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve_page(service.url, KEY))
        opened: list[Screen] = []

        async def new(*, width: int = 1280, key: str = KEY, **options) -> Screen:
            at = url if key == KEY else await stack.enter_async_context(serve_page(service.url, key))
            context = await browser.new_context(viewport={"width": width, "height": 800}, **options)
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(15_000)
            await page.add_init_script(SHIFTS)
            screen = Screen(page, service, at)
            page.on("pageerror", lambda error: screen.errors.append(str(error)))
            opened.append(screen)
            return screen

        yield new
        for screen in opened:
            assert screen.errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def screen(new_screen) -> Screen:
    return await new_screen()
