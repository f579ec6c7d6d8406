"""How soon a message is words on the page's screen, and how smoothly a call of two thousand utterances scrolls."""

from __future__ import annotations

from playwright.async_api import Page, async_playwright

from bench.browser import launch
from bench.following.service import KEY, FollowingService, began, leg, said
from local.page import serve_page

PARTIALS = 200
UTTERANCES = 2000
SCROLL_S = 5

# From the moment that the browser has a message to the frame in which its words are drawn.
_WATCH = """
  window.shown = [];
  const Own = window.WebSocket;
  window.WebSocket = class extends Own {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        const text = /"type":"partial".*"text":"(said \\d+)"/.exec(data)?.[1];
        const came = performance.now();
        if (!text) return;
        const look = () => {
          const drawn = [...document.querySelectorAll(".line .text")].some((each) => each.textContent === text);
          // What this frame draws is on the screen when the next one begins.
          if (drawn) requestAnimationFrame(() => window.shown.push(performance.now() - came));
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      });
    }
  };
"""
_SCROLL = """(seconds) => new Promise((done) => {
  const frames = [];
  const begin = performance.now();
  let last = begin;
  const step = (now) => {
    frames.push(now - last);
    last = now;
    scrollTo(0, document.documentElement.scrollHeight * ((now - begin) / 1000 / seconds));
    if (now - begin < seconds * 1000) requestAnimationFrame(step);
    else done(frames.slice(2));
  };
  requestAnimationFrame(step);
})"""


async def page_ms() -> tuple[list[float], list[float]]:
    """Return, in ms, how long each partial took to the screen, and each frame while a long call is scrolled through."""
    async with FollowingService() as service, serve_page(service.url, KEY) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch())
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        await page.add_init_script(_WATCH)
        shown = await _partials(page, service, url)
        frames = await _scrolling(page, service, url)
        await browser.close()
    return shown, frames


async def _partials(page: Page, service: FollowingService, url: str) -> list[float]:
    await service.append("CA1", began(), leg("caller"))
    await page.goto(f"{url}#call=CA1")
    await service.followed("CA1")
    for number in range(PARTIALS):
        await service.say(
            "CA1", f"said {number}", leg="MZ1/caller", party="caller", utterance=f"G1/{number // 20}", start_ms=number
        )
        # The next one is said when this one is seen, as words that came meanwhile would be drawn in its stead.
        await page.evaluate(
            f"new Promise((done) => {{ const look = () => window.shown.length > {number} ? done() : "
            "requestAnimationFrame(look); look(); })"
        )
    shown: list[float] = await page.evaluate("window.shown")
    return shown


async def _scrolling(page: Page, service: FollowingService, url: str) -> list[float]:
    for body in (began(), leg("caller"), leg("agent")):
        service.write("CA2", body)
    for number in range(UTTERANCES):
        party = "caller" if number % 2 else "agent"
        text = f"utterance {number} of a call that goes on and on, as some calls do"
        service.write("CA2", said(party, text, number=number, start_ms=3000 * number, end_ms=3000 * number + 2500))
    await page.goto(f"{url}#call=CA2")
    await page.evaluate(
        f"new Promise((done) => {{ const look = () => document.querySelectorAll('.line').length === {UTTERANCES} "
        "? done() : requestAnimationFrame(look); look(); })"
    )
    frames: list[float] = await page.evaluate(_SCROLL, SCROLL_S)
    return frames
