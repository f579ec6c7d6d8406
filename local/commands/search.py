"""Search the archive from the terminal."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from callscribe.client import Callscribe
from callscribe.exports.plain_text import plain
from callscribe.http_answers import SearchedCall, SearchMoment
from callscribe.search_query import QueryError, parse
from callscribe.searchable import searchable
from local.commands.deployment import ApiUrl, Key, State, addresses_of, client_of
from local.commands.shown import console, errors, fail, run
from local.laptop import STATE
from local.terminal import clock


def search(
    words: Annotated[
        list[str],
        typer.Argument(
            help='words, "phrases", -words, party: number: entity: sentiment: lang: from: to: longer: shorter:'
        ),
    ],
    *,
    limit: Annotated[int, typer.Option(help="so many calls at most", min=1)] = 10,
    page_url: Annotated[str | None, typer.Option(help="the page's address, for links to moments")] = None,
    api_url: ApiUrl = None,
    key: Key = None,
    state: State = STATE,
) -> None:
    """Find what was said in calls that are over: callscribe search '"lost my card" party:caller from:2026-11-01'."""
    text = " ".join(words)
    try:
        asked = parse(text, today=datetime.now().astimezone().date())
    except QueryError as error:
        fail(f"{error}: {text}")
    page = page_url or (addresses_of(state).page_url if api_url is None else "")
    run(_search(client_of(api_url, key, state), text, asked.terms, limit, page))


async def _search(callscribe: Callscribe, text: str, terms: tuple[str, ...], limit: int, page: str) -> int:
    found = 0
    async with callscribe, aclosing(callscribe.search(text)) as results:
        with errors.status("searching"):
            first = await anext(results, None)
        if first is None:
            console.print("nothing was found", style="dim")
            return 0
        _show(first, terms, page)
        async for call in results:
            found += 1
            if found == limit:
                break
            _show(call, terms, page)
    return 0


def _show(call: SearchedCall, terms: tuple[str, ...], page: str) -> None:
    began = datetime.fromisoformat(call.started_at).astimezone()
    parties = f"{plain(call.from_number)} to {plain(call.to_number)}"
    lasted = f"{call.duration_ms // 60_000}:{call.duration_ms // 1000 % 60:02}"
    head = Text(f"{began:%Y-%m-%d %H:%M}  {parties}, {lasted}", style="bold")
    console.print(head, Text(f"  {page}{call.link}", style="dim"), sep="\n", soft_wrap=True)
    for moment in call.moments:
        console.print(_line(moment, terms, f"{page}{moment.link}"), soft_wrap=True)


def _line(moment: SearchMoment, terms: tuple[str, ...], link: str) -> Text:
    """Return a moment with what was looked for highlighted, and a link to it where the terminal can show one."""
    line = Text(f"  {clock(moment.start_ms):>8} ", style="dim" if not link.startswith("http") else f"dim link {link}")
    line.append(f"{plain(moment.party)}  ", style="cyan")
    shown = plain(moment.text).split()
    marked = _marked(shown, terms)
    for place, word in enumerate(shown):
        line.append(word, style="bold yellow" if place in marked else "none")
        line.append(" ")
    return line


def _marked(shown: list[str], terms: tuple[str, ...]) -> set[int]:
    """Return the places of the words that are part of a term."""
    marked: set[int] = set()
    spelt = [searchable(word).split() for word in shown]
    flat = [(part, place) for place, parts in enumerate(spelt) for part in parts]
    for term in terms:
        wanted = term.split()
        for at in range(len(flat) - len(wanted) + 1):
            if [part for part, _ in flat[at : at + len(wanted)]] == wanted:
                marked.update(place for _, place in flat[at : at + len(wanted)])
    return marked
