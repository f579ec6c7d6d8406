"""`python -m bench.search`: what a search takes over 100,000 calls, by DuckDB over files on this machine.

The calls are made up: six minutes each, 40 utterances, over 30 days, of 50,000 different sentences. Their rows have
the columns of the archive's files and are kept as Parquet, a file a day, as `functions/join` keeps them. The searches
go through the product's own parser and statement; each is run in a connection of its own.
"""

from __future__ import annotations

import platform
import random
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
from rich.console import Console
from rich.progress import track
from rich.table import Table

from callscribe.search_query import parse
from callscribe.search_sql import calls, statement
from callscribe.searchable import searchable

CALLS = 100_000
UTTERANCES = 40
DAYS = 30
SENTENCES = 50_000
ROUNDS = 3
TODAY = date(2026, 11, 26)
TENANT = "acme"
LIMIT = 21

SUBJECTS = ("card", "account", "invoice", "delivery", "password", "flight", "booking", "refund", "mortgage", "contract",
            "router", "umbrella")  # fmt: skip
VERBS = ("lost", "found", "paid", "cancelled", "changed", "opened", "blocked", "broken", "missed", "returned",
         "renewed", "checked")  # fmt: skip
PLACES = ("at the station", "in the city", "on the website", "in the app", "at home", "by mail", "last week",
          "yesterday evening")  # fmt: skip
NAMES = ("Maya", "Jonas", "Aisha", "Pedro", "Lin", "Sofia", "Omar", "Clara", "Tom", "Nadia")
SEARCHES = (
    "umbrella", '"lost my card"', "refund party:caller", "invoice -cancelled", '"cancelled the flight" party:agent',
    "number:+12025550007", "card number:+12025550007", "entity:NAME_GIVEN=maya", "entity:NAME_GIVEN",
    "password sentiment:negative", "sentiment:negative party:caller", "mortgage longer:8m", "router shorter:4m",
    "booking from:2026-11-20", "delivery from:2026-11-26", "contract from:2026-11-01 to:2026-11-07", "lang:fr",
    "account lang:fr", '"in the app" booking', "umbrella refund mortgage", "nothingofthekind", "maya card",
    '"yesterday evening" -umbrella', "party:agent flight longer:5m sentiment:positive",
)  # fmt: skip


class Took(NamedTuple):
    """What one search took each time, and how many calls it found."""

    search: str
    seconds: list[float]
    found: int


def sentence(draw: random.Random) -> tuple[str, str, str]:
    """Return a sentence, how it sounds, and what is found in it."""
    name = draw.choice(NAMES) if draw.random() < 0.1 else ""
    text = f"I have {draw.choice(VERBS)} {draw.choice(('my', 'the'))} {draw.choice(SUBJECTS)} {draw.choice(PLACES)}"
    text += f", {draw.choice(VERBS)} it {draw.choice(PLACES)}, {draw.choice(SUBJECTS)} {draw.randrange(1000)}"
    text += f", this is {name}" if name else ""
    mood = draw.choices(("neutral", "positive", "negative"), weights=(80, 12, 8))[0]
    return text, mood, f";NAME_GIVEN={searchable(name)};" if name else ";"


def make(folder: Path, *, number: int) -> None:
    """Write the rows of `number` calls into a file a day."""
    draw = random.Random(26)  # noqa: S311 - to be repeated, not to be secret
    known = [(place, *sentence(draw)) for place in range(SENTENCES)]
    database = duckdb.connect()
    database.execute("CREATE TABLE sentences (id INTEGER, text VARCHAR, words VARCHAR, mood VARCHAR, entities VARCHAR)")
    rows = [(place, text, searchable(text), mood, found) for place, text, mood, found in known]
    _insert(database, rows)
    database.execute("SELECT setseed(0.26)")
    for back in track(range(DAYS), description=f"{number:,} calls", console=Console(stderr=True)):
        day = (TODAY - timedelta(days=back)).isoformat()
        place = folder / f"day={day}" / f"tenant={TENANT}"
        place.mkdir(parents=True)
        database.execute(_OF_A_DAY.format(day=day, calls=number // DAYS, utterances=UTTERANCES, sentences=SENTENCES))
        database.execute(f"COPY a_day TO '{place}/all.parquet' (FORMAT PARQUET)")
        database.execute("DROP TABLE a_day")


def _insert(database: duckdb.DuckDBPyConnection, rows: list[tuple[int, str, str, str, str]]) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as file:
        file.write("".join("\t".join(map(str, row)) + "\n" for row in rows))
        file.flush()
        database.execute(f"COPY sentences FROM '{file.name}' (DELIMITER '\t', QUOTE '', HEADER false)")


# The rows of one day: an entry that says that the call has started, then what was said.
_OF_A_DAY = """
CREATE TABLE a_day AS
WITH of_day AS (
    SELECT 'CA' || md5('{day}' || n) AS call_id,
        '{day}T' || lpad((n % 24)::VARCHAR, 2, '0') || ':15:02.417Z' AS started_at,
        120000 + (hash(n, '{day}') % 600000)::INTEGER AS duration_ms,
        '+1202555' || lpad((n % 10000)::VARCHAR, 4, '0') AS from_number,
        CASE WHEN n % 20 = 0 THEN 'fr' ELSE 'en' END AS language
    FROM range({calls}) AS numbers (n)
), said AS (
    SELECT of_day.*, u, (random() * ({sentences} - 1))::INTEGER AS sentence
    FROM of_day, range(-1, {utterances}) AS places (u)
)
SELECT call_id, (u + 2)::INTEGER AS seq, CASE WHEN u < 0 THEN 'call.started' ELSE 'utterance' END AS kind,
    started_at AS at, started_at, duration_ms, 'twilio' AS provider, 'inbound' AS direction, from_number,
    '+12025550188' AS to_number,
    CASE WHEN u < 0 THEN '' WHEN u % 2 = 0 THEN 'caller' ELSE 'agent' END AS party,
    (u * 9000)::INTEGER AS start_ms, (u * 9000 + 7000)::INTEGER AS end_ms,
    CASE WHEN u < 0 THEN '' ELSE text END AS text, CASE WHEN u < 0 THEN ' ' ELSE words END AS words,
    CASE WHEN u < 0 THEN '' ELSE language END AS language, CASE WHEN u < 0 THEN '' ELSE mood END AS sentiment,
    CASE WHEN u < 0 THEN ';' ELSE entities END AS entities,
    NULL::INTEGER AS compared, NULL::INTEGER AS differing, '{{}}' AS body
FROM said JOIN sentences ON id = sentence ORDER BY started_at, call_id, seq
"""


def search(folder: Path, text: str) -> tuple[float, int]:
    """Return how many seconds a search takes, and how many calls it finds."""
    files = f"read_parquet('{folder}/*/*/*.parquet', hive_partitioning = true, hive_types = {{'day': VARCHAR}})"
    began = time.perf_counter()
    query = parse(text, today=TODAY)
    written = statement(query, tenant=TENANT, table=files, limit=LIMIT).text
    with duckdb.connect() as database:
        found = list(calls(database.execute(written).fetchall(), is_of_words=query.is_of_words))
    return time.perf_counter() - began, len(found)


def measure(folder: Path) -> list[Took]:
    """Return what each search takes, in rounds, so that no search has the files always cold or warm."""
    took = {text: Took(text, [], 0) for text in SEARCHES}
    for _ in range(ROUNDS):
        for text in SEARCHES:
            seconds, found = search(folder, text)
            took[text] = took[text]._replace(seconds=[*took[text].seconds, seconds], found=found)
    return list(took.values())


def main() -> None:
    """Make the calls, search them, and print what it took."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="callscribe-search-") as scratch:
        folder = Path(scratch)
        make(folder, number=CALLS)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        console.print(
            f"{CALLS:,} calls, {CALLS * (UTTERANCES + 1):,} rows, {size / 1e6:.0f} MB of Parquet; "
            f"{platform.machine()}, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
        )
        took = measure(folder)
    table = Table("search", "calls", "median", "worst", title=f"{ROUNDS} rounds; {LIMIT} calls at most")
    for each in sorted(took, key=lambda one: statistics.median(one.seconds)):
        middle, worst = statistics.median(each.seconds), max(each.seconds)
        table.add_row(each.search, str(each.found), f"{1000 * middle:.0f} ms", f"{1000 * worst:.0f} ms")
    console.print(table)
    every = [seconds for each in took for seconds in each.seconds]
    console.print(
        f"all: median {1000 * statistics.median(every):.0f} ms, nine of ten within "
        f"{1000 * statistics.quantiles(every, n=10)[-1]:.0f} ms, worst {1000 * max(every):.0f} ms"
    )


if __name__ == "__main__":
    main()
