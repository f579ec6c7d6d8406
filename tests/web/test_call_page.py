"""One call on the page, in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from bench.following.service import OVER, began, leg, said, silent
from callscribe.after_call import (
    Analytics,
    Card,
    Chapter,
    Chapters,
    Entities,
    EntityFound,
    PartyFigures,
    Sentiment,
    SentimentFound,
    Step,
    Summary,
)
from callscribe.difference import Change
from callscribe.entries import CallFailed, Dtmf, LegGap, Word
from callscribe.second_pass import BatchReady, Difference
from callscribe.second_transcript import SecondTranscript, encode

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALL = "CA1"
PICTURES = Path(__file__).parents[2] / ".callscribe" / "pictures"
NASTY = '<img src=x onerror="window.harmed = true"><script>window.harmed = true</script>\u202e &amp; <b>bold</b>'


async def talking(screen, *bodies) -> None:
    """Let the page follow a call between two parties in which `bodies` have been said."""
    await screen.service.append(CALL, began(), leg("caller"), leg("agent"), *bodies)
    await screen.open(f"call={CALL}")
    await screen.service.followed(CALL)
    await screen.until("document.querySelector('.parties li')")


async def partial(screen, party: str, text: str, *, number: int, start_ms: int) -> None:
    await screen.service.say(
        CALL, text, leg=f"MZ1/{party}", party=party, utterance=f"G1/{party}/{number}", start_ms=start_ms
    )


async def test_a_call_is_watched_from_its_start_to_its_end(screen):
    await talking(screen)
    agent = "Good morning, this is the Example Bank. How can I help you?"
    caller = "Hello, I have lost my card on the way home from the station."

    for length in range(5, len(agent), 9):
        await partial(screen, "agent", agent[:length], number=0, start_ms=600)
    await screen.until("document.querySelector('.line .text')?.textContent.startsWith('Good morning')")
    assert await screen.page.locator(".parties li.speaks").all_inner_texts() == ["agent"]
    node = await screen.page.locator(".line").element_handle()
    await screen.service.append(CALL, said("agent", agent, number=0, start_ms=600))
    await screen.until("document.querySelector('.line.final')")
    assert await node.evaluate("(node) => node.isConnected && node.classList.contains('final')")
    for length in range(5, len(caller), 9):
        await partial(screen, "caller", caller[:length], number=0, start_ms=5000)
    await screen.service.append(CALL, said("caller", caller, number=0, start_ms=5000), Dtmf(
        leg="MZ1/caller", digit="1", at_ms=9000))  # fmt: skip
    await screen.service.append(CALL, silent("caller"), silent("agent"), OVER)

    await screen.until("document.querySelector('.complete').textContent === 'all audio heard'")
    assert await screen.lines() == [agent, caller]
    assert "caller pressed 1" in await screen.lines(".note")
    assert "completed" in await screen.page.locator(".about").inner_text()


async def test_a_call_in_its_middle_is_the_readmes_picture(screen):
    await talking(
        screen,
        said("agent", "Good morning, this is the Example Bank, my name is Ada. How can I help you?", number=0,
             start_ms=600, end_ms=5200),
        said("caller", "Hello. I have lost my card, somewhere between the station and home.", number=0,
             start_ms=5600, end_ms=9800),
        LegGap(leg="MZ1/caller", start_ms=10_000, end_ms=10_400, cause="not delivered by the carrier"),
        said("agent", "I am sorry to hear that. For security, please press one if you are calling from your own phone.",
             number=1, start_ms=11_000, end_ms=16_000),
        Dtmf(leg="MZ1/caller", digit="1", at_ms=17_000),
    )  # fmt: skip
    await partial(screen, "agent", "Thank you. I can see that", number=2, start_ms=18_000)
    await partial(screen, "caller", "Yes, it was", number=1, start_ms=18_600)

    await screen.until("document.querySelectorAll('.line:not(.final)').length === 2")
    await screen.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    PICTURES.mkdir(parents=True, exist_ok=True)
    await screen.page.screenshot(path=PICTURES / "call.png")


async def test_nothing_moves_while_two_parties_speak_at_once_and_their_lines_settle(screen):
    words = "and so it goes on and on with many a word that fills more than one line of the column it stands in"
    await talking(screen, *[said("agent", f"line {n}", number=n, start_ms=1000 * n) for n in range(8)])
    await screen.until("document.querySelectorAll('.line.final').length === 8")
    await screen.page.evaluate("window.shifts.length = 0")

    for length in range(4, len(words), 6):
        await partial(screen, "caller", words[:length], number=0, start_ms=9000)
        await partial(screen, "agent", words[: length // 2], number=10, start_ms=9400)
    await screen.until("document.querySelectorAll('.line:not(.final)').length === 2")
    tops = "[...document.querySelectorAll('.line:not(.final)')].map((line) => line.getBoundingClientRect().top)"
    left, right = await screen.page.evaluate(tops)
    assert left == right
    await screen.service.append(CALL, said("agent", words[:40], number=10, start_ms=9400))
    await partial(screen, "agent", "next", number=11, start_ms=12000)
    await partial(screen, "caller", words * 2, number=0, start_ms=9000)
    await screen.service.append(CALL, said("agent", "next one", number=11, start_ms=12000))
    await screen.service.append(CALL, said("caller", words * 2, number=0, start_ms=9000))
    await screen.until("document.querySelectorAll('.line.final').length === 11")
    await screen.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert await screen.page.evaluate("window.shifts") == []


async def test_a_reload_in_the_middle_of_a_call_misses_nothing(screen):
    await talking(screen, *[said("agent", f"line {n}", number=n, start_ms=1000 * n) for n in range(5)])
    await screen.until("document.querySelectorAll('.line.final').length === 5")

    await screen.page.reload()
    await screen.service.append(CALL, *[said("caller", f"line {n}", number=n, start_ms=1000 * n) for n in range(5, 9)])

    await screen.until("document.querySelectorAll('.line.final').length === 9")
    assert await screen.lines() == [f"line {n}" for n in range(9)]


async def test_a_socket_that_is_cut_under_the_page_is_resumed_without_a_word_lost_or_twice(screen):
    await talking(screen, said("agent", "line 0", number=0, start_ms=0))
    for number in range(1, 4):
        screen.service.cut()
        await screen.service.append(CALL, said("agent", f"line {number}", number=number, start_ms=1000 * number))
        await screen.until(f"document.querySelectorAll('.line.final').length === {number + 1}")

    assert await screen.lines() == [f"line {n}" for n in range(4)]
    assert await screen.page.locator(".connection").inner_text() == "live"


async def test_a_ticket_that_has_expired_is_replaced_and_nobody_notices(screen):
    screen.service.expired = 1
    await talking(screen, said("agent", "line 0", number=0, start_ms=0))

    await screen.until("document.querySelectorAll('.line.final').length === 1")
    assert screen.service.connections == 2


async def test_two_calls_side_by_side_do_not_mix(new_screen):
    left, right = await new_screen(width=640), await new_screen(width=640)
    for screen, call in ((left, "CA1"), (right, "CA2")):
        await screen.service.append(call, began(), leg("caller"))
        await screen.open(f"call={call}")
        await screen.service.followed(call)

    await left.service.append("CA1", said("caller", "one", number=0, start_ms=0))
    await left.service.append("CA2", said("caller", "two", number=0, start_ms=0))

    for screen, text in ((left, "one"), (right, "two")):
        await screen.until("document.querySelector('.line.final')")
        assert await screen.lines() == [text]


async def test_a_call_of_two_thousand_utterances_is_searched_and_jumped_in(screen):
    for body in (began(), leg("caller"), leg("agent")):
        screen.service.write(CALL, body)
    for n in range(2000):
        party = "caller" if n % 2 else "agent"
        screen.service.write(
            CALL, said(party, f"utterance {n} of this call", number=n, start_ms=3000 * n, end_ms=3000 * n + 2000)
        )
    await screen.open(f"call={CALL}")
    await screen.until("document.querySelectorAll('.line.final').length === 2000")

    await screen.page.keyboard.press("/")
    await screen.page.keyboard.type("utterance 17")
    await screen.until("document.querySelector('.found').textContent === '1/111'")
    await screen.page.keyboard.press("Enter")
    assert await screen.page.locator(".found").inner_text() == "2/111"
    await screen.page.keyboard.press("Escape")
    await screen.page.keyboard.press("g")
    await screen.page.keyboard.type("50:00")
    await screen.page.keyboard.press("Enter")
    assert await screen.page.evaluate("document.activeElement.innerText.includes('utterance 1000 ')")
    # Only what is near the screen is laid out, however long the call is.
    styles = "getComputedStyle(document.querySelector('.block')).contentVisibility"
    assert await screen.page.evaluate(styles) == "auto"


async def test_what_a_caller_says_is_text_whatever_it_looks_like(screen):
    await talking(screen, said("caller", NASTY, number=0, start_ms=0))
    await partial(screen, "agent", NASTY, number=0, start_ms=3000)
    await screen.until("document.querySelectorAll('.line').length === 2")

    assert await screen.page.evaluate("window.harmed") is None
    assert await screen.page.locator(".talk img, .talk script, .talk b").count() == 0
    (text, _) = await screen.lines(".line .text")
    assert "<b>bold</b>" in text
    assert "\u202e" not in text


async def test_the_strip_shows_who_spoke_when_in_the_partys_colour(screen):
    # In the first half of the half minute that the strip has at least.
    await talking(screen, said("caller", "hello", number=0, start_ms=0, end_ms=14_000))
    await screen.until("document.querySelector('.line.final')")
    await screen.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    look = """(share) => {
      const strip = document.querySelector(".strip");
      const at = strip.getContext("2d").getImageData(Math.floor(strip.width * share), 5, 1, 1).data;
      return [...at.slice(0, 3)];
    }"""

    party = "getComputedStyle(document.querySelector('.parties li')).color.match(/\\d+/g).slice(0, 3).map(Number)"
    assert await screen.page.evaluate(look, 0.25) == await screen.page.evaluate(party)
    assert await screen.page.evaluate(look, 0.75) != await screen.page.evaluate(party)


async def test_what_is_missing_is_said_and_so_is_why(screen):
    gap = LegGap(leg="MZ1/caller", start_ms=2000, end_ms=3400, cause="not delivered by the carrier")
    await talking(screen, said("agent", "hello", number=0, start_ms=0), gap)
    assert await screen.page.locator(".complete").inner_text() == "1.4 s of audio missing"
    assert any("not delivered by the carrier" in note for note in await screen.lines(".note"))

    await screen.service.append(CALL, CallFailed(reason="gladia answered 401", kept="1 utterance"))

    await screen.until("document.querySelector('.complete').textContent === 'transcript not complete'")
    assert "gladia answered 401" in (await screen.lines(".note.failed"))[0]


async def test_what_the_log_has_beside_words_is_shown(screen):
    positive = SentimentFound(sentiment="positive", emotion="joy", text="How nice, Maya", start_ms=0, end_ms=900)
    sentiment = Sentiment(utterance="G1/agent/0", sentiments=(positive,))
    maya = EntityFound(type="NAME_GIVEN", text="Maya", start_ms=600, end_ms=900)
    entities = Entities(utterance="G1/agent/0", entities=(maya,))
    summary = Summary(text="The caller has lost a card.", session="G1")
    await talking(screen, said("agent", "How nice, Maya", number=0, start_ms=0), sentiment, entities, summary)

    await screen.until("document.querySelector('.after:not([hidden]) .summary:not([hidden])')")
    assert await screen.page.locator(".summary").inner_text() == "The caller has lost a card."
    assert await screen.page.locator(".line").get_attribute("data-sentiment") == "positive"
    assert await screen.page.locator(".line").get_attribute("data-entities") == "NAME_GIVEN: Maya"


async def test_finals_alone_are_read_aloud(screen):
    await talking(screen)
    await partial(screen, "caller", "not yet", number=0, start_ms=0)
    await screen.until("document.querySelector('.line')")
    aloud = screen.page.locator("[aria-live=polite]")
    assert await aloud.inner_text() == ""

    await screen.service.append(CALL, said("caller", "now it is", number=0, start_ms=0))

    await screen.until("document.querySelector('[aria-live=polite]').textContent === 'caller: now it is'")


async def test_the_transcript_is_copied_and_downloaded(new_screen):
    screen = await new_screen(permissions=["clipboard-read", "clipboard-write"])
    await talking(screen, said("agent", "hello", number=0, start_ms=1000))
    await screen.until("document.querySelector('.line.final')")

    await screen.page.keyboard.press("c")
    await screen.until("document.querySelector('.notice').textContent === '1 lines copied'")
    assert await screen.page.evaluate("navigator.clipboard.readText()") == "[0:01] agent: hello\n"
    async with screen.page.expect_download() as download:
        await screen.page.get_by_label("Download the transcript").select_option("vtt")
    path = await (await download.value).path()
    assert "<v agent>hello</v>" in await asyncio.to_thread(Path(path).read_text)


async def test_who_reads_further_up_is_not_moved_and_is_told_of_what_comes(screen):
    await talking(screen, *[said("agent", f"line {n}", number=n, start_ms=1000 * n) for n in range(60)])
    await screen.until("document.querySelectorAll('.line.final').length === 60 && scrollY > 0")
    await screen.page.mouse.wheel(0, -100_000)
    await screen.until("scrollY === 0")

    await screen.service.append(CALL, said("agent", "line 60", number=60, start_ms=60_000))

    await screen.until("document.querySelector('.unread').textContent === '↓ 1 new'")
    assert await screen.page.evaluate("scrollY") == 0
    await screen.page.keyboard.press("l")
    await screen.until("scrollY > 1000 && document.querySelector('.unread').hidden")


CONVERSATION = (
    said("agent", "Good morning, this is the Example Bank.", number=0, start_ms=0),
    said("caller", "I have lost my card, and I am angry.", number=0, start_ms=6000),
    said("agent", "Now to your mortgage.", number=1, start_ms=60_000),
)
AFTER = (
    Summary(text="The caller has lost a card.", session="G1"),
    Chapters(
        chapters=(
            Chapter(title="Lost, card, <b>bank</b>", start_ms=0, end_ms=9000),
            Chapter(title="Mortgage, rate, house", start_ms=60_000, end_ms=64_000),
        )
    ),
    Analytics(
        duration_ms=70_000,
        silence_ms=50_000,
        longest_silence_ms=41_000,
        overlap_ms=3500,
        parties=(
            PartyFigures(
                party="caller", talk_ms=8000, talk_share=0.4, utterances=1, words=8, words_per_minute=61.4,
                longest_monologue_ms=8000, interruptions=1, response_ms=None,
            ),
            PartyFigures(
                party="agent", talk_ms=12_000, talk_share=0.6, utterances=2, words=11, words_per_minute=110.0,
                longest_monologue_ms=6000, interruptions=0, response_ms=1460,
            ),
        ),
        step_ms=2000,
        over_time=tuple(
            Step(500, 400 if place == 3 else 0, (1000 if place % 3 else 200, 300 + 40 * place)) for place in range(35)
        ),
    ),
)  # fmt: skip


async def test_a_call_that_is_over_shows_its_summary_chapters_and_figures(screen):
    feeling = SentimentFound(sentiment="negative", emotion="anger", text="I am angry", start_ms=6000, end_ms=7000)
    angry = Sentiment(utterance=CONVERSATION[1].id, sentiments=(feeling,))
    await talking(screen, *CONVERSATION, angry, silent("caller"), silent("agent"), OVER, *AFTER)

    await screen.until("document.querySelector('.after:not([hidden]) .plot svg')")
    assert await screen.page.locator(".after .summary").inner_text() == "The caller has lost a card."
    assert await screen.lines(".after nav li") == ["0:00 Lost, card, <b>bank</b>", "1:00 Mortgage, rate, house"]
    assert "caller 40 %, agent 60 %" in await screen.page.locator(".plot svg").get_attribute("aria-label")
    assert await screen.page.locator(".plot circle.bad").count() == 1
    cells = await screen.page.locator(".after tbody tr").all_inner_texts()
    assert cells == [
        "share of talk\t40 % · 0:08\t60 % · 0:12",
        "words a minute\t61\t110",
        "longest monologue\t0:08\t0:06",
        "interruptions\t1\t0",
        "answers after\t-\t1.5 s",
    ]
    assert await screen.page.locator(".after caption").inner_text() == (
        "silence 71 %, 0:41 at a time; both speaking 5 %"
    )


async def test_a_chapter_and_a_place_in_the_plot_lead_to_what_was_said_there(screen):
    await talking(screen, *CONVERSATION, silent("caller"), silent("agent"), OVER, *AFTER)
    await screen.until("document.querySelector('.after:not([hidden]) .plot svg')")

    await screen.page.get_by_text("Mortgage, rate, house").click()
    await screen.until("document.activeElement.textContent.includes('mortgage')")
    plot = await screen.page.locator(".plot svg").bounding_box()
    await screen.page.locator(".plot svg").click(position={"x": plot["width"] * 0.1, "y": 20})
    await screen.until("document.activeElement.textContent.includes('lost my card')")


async def test_a_call_in_progress_fetches_nothing_of_that(screen):
    await talking(screen, CONVERSATION[0])
    await screen.until("document.querySelector('.line.final')")

    fetched = await screen.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not any("after." in name for name in fetched)


async def test_a_card_stands_below_the_words_that_it_is_about(screen):
    await talking(screen)
    await partial(screen, "caller", "I have lost", number=0, start_ms=0)
    await screen.until("document.querySelector('.line')")
    about = said("caller", "I have lost my card", number=0, start_ms=0)
    card = Card(hook="faq", utterance=about.id, title="Lost <b>cards</b>", text=NASTY, link="https://kb.example.com/7")
    await screen.service.append(CALL, card)
    await screen.until("document.querySelector('.line .card')")
    await screen.service.append(CALL, about, Card(hook="crm", utterance="unknown", title="Maya Lopez", text=""))

    await screen.until(
        "document.querySelector('.line.final .card') && document.querySelector('.block ~ .card, .talk > .card')"
    )
    link = screen.page.locator(".line .card a")
    assert await link.inner_text() == "Lost <b>cards</b>"
    assert await link.get_attribute("href") == "https://kb.example.com/7"
    assert await link.get_attribute("rel") == "noopener noreferrer"
    assert await screen.page.locator(".line .card p").inner_text() != ""
    assert await screen.page.evaluate("window.harmed") is None
    assert "faq: Lost <b>cards</b>" in await screen.page.locator("[aria-live]").inner_text()


def spelt(text: str, start_ms: int) -> tuple[Word, ...]:
    """Return the words of a text, one each half second."""
    return tuple(
        Word(text=f" {word}" if place else word, start_ms=start_ms + 500 * place, end_ms=start_ms + 500 * place + 400,
             confidence=0.9)
        for place, word in enumerate(text.split())
    )  # fmt: skip


async def test_where_the_recording_says_otherwise_is_shown_in_the_text(screen):
    text = "I have lost my car today"
    caller = msgspec.structs.replace(said("caller", text, number=0, start_ms=0, end_ms=3000), words=spelt(text, 0))
    agent = said("agent", "One moment", number=0, start_ms=6000)
    differences = (
        Difference(party="caller", language="en", words=7, substituted=1, missing=1, added=0),
        Difference(party="agent", language="en", words=2, substituted=0, missing=0, added=1),
    )
    ready = BatchReady(job="j1", recording="RE1", transcript="batch/CA1.json", differences=differences)
    changes = (
        Change(party="caller", start_ms=990, end_ms=1000, live="", recorded="just"),
        Change(party="caller", start_ms=1990, end_ms=2400, live="car", recorded="card"),
        Change(party="agent", start_ms=6100, end_ms=6200, live="um", recorded=""),
    )
    screen.service.files[ready.transcript] = encode(
        SecondTranscript(
            call_id=CALL, job="j1", recording="RE1", offset_ms=0, lines=(), differences=differences, changes=changes
        )
    )
    await talking(screen, caller, agent, silent("caller"), silent("agent"), OVER, *AFTER[1:], ready)
    await screen.until("document.querySelector('.second button')")
    assert "caller 28.6 % of 7 words, agent 50.0 % of 2 words" in await screen.page.locator(".second").inner_text()

    await screen.page.get_by_text("Show in the text").click()
    await screen.until("document.querySelector('.second button').getAttribute('aria-pressed') === 'true'")
    lines = await screen.lines()
    assert " ".join(lines[0].split()) == "I have just lost my car card today"
    assert await screen.page.locator("del").all_inner_texts() == ["car", "um"]
    assert await screen.page.locator("ins").all_inner_texts() == ["just", "card"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    await screen.page.screenshot(path=PICTURES / "second-pass.png")

    await screen.page.get_by_text("Show in the text").click()
    await screen.until("!document.querySelector('ins')")
    assert await screen.lines() == [text, "One moment"]


async def test_a_second_pass_whose_file_is_gone_is_told(screen):
    ready = BatchReady(job="j1", recording="RE1", transcript="batch/gone.json", differences=())
    await talking(screen, *CONVERSATION, silent("caller"), silent("agent"), OVER, *AFTER[1:], ready)
    await screen.until("document.querySelector('.second button')")

    await screen.page.get_by_text("Show in the text").click()
    told = "there is no second pass of this call"
    await screen.until(f"document.querySelector('.second')?.textContent.includes('{told}')")
