"""A call as a file: each entry a line, with the columns that queries ask for."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import duckdb
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from callscribe.after_call import Entities, EntityFound, Sentiment, SentimentFound
from callscribe.archive import COLUMNS, Row, key_of, pack, rows, unpack
from callscribe.call import fold
from callscribe.entries import CallEnded, CallStarted, Entry, LegStarted, Utterance, Word, encode_body
from callscribe.second_pass import BatchReady, Difference

STARTED = CallStarted(
    provider="twilio", direction="inbound", account="AC1", from_number="+12025550123", to_number="+12025550188"
)
LEG = LegStarted(
    leg="MZ1/inbound",
    party="caller",
    track="inbound",
    codec="mulaw/8000",
    media_stream="MZ1",
    session="G1",
    channel=0,
    offset_ms=0,
)
SAID = Utterance(
    leg="MZ1/inbound",
    id="G1/1",
    text="This is Maya, of Café Noir.",
    start_ms=100,
    end_ms=1400,
    language="en",
    confidence=0.9,
    words=(Word("This", 100, 300, 0.9),),
)
FOUND = Entities(
    utterance="G1/1",
    entities=(
        EntityFound(type="NAME_GIVEN", text="Maya", start_ms=500, end_ms=700),
        EntityFound(type="ORGANIZATION", text="Café Noir", start_ms=900, end_ms=1400),
    ),
)


def sounds(*sentiments: str) -> Sentiment:
    return Sentiment(
        utterance="G1/1",
        sentiments=tuple(
            SentimentFound(sentiment=each, emotion="joy", text="", start_ms=0, end_ms=0) for each in sentiments
        ),
    )


def log_of(*bodies) -> list[Entry]:
    return [Entry("CA1", seq, "2026-11-22T23:59:59.999Z", "acme", body) for seq, body in enumerate(bodies, start=1)]


LOG = log_of(
    STARTED,
    LEG,
    SAID,
    FOUND,
    sounds("neutral", "positive", "positive"),
    CallEnded(reason="completed", duration_ms=61_000),
)


def test_each_entry_is_a_line_that_knows_its_call():
    lines = list(rows(LOG))

    assert [line.seq for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {(line.call_id, line.from_number, line.to_number, line.duration_ms) for line in lines} == {
        ("CA1", "+12025550123", "+12025550188", 61_000)
    }
    assert [json.loads(line.body) for line in lines] == [json.loads(encode_body(entry.body)) for entry in LOG]


def test_an_utterances_line_has_who_said_it_and_what_is_known_of_it():
    line = list(rows(LOG))[2]

    assert (line.kind, line.party, line.start_ms, line.end_ms) == ("utterance", "caller", 100, 1400)
    assert (line.text, line.words) == ("This is Maya, of Café Noir.", " this is maya of cafe noir ")
    assert (line.language, line.sentiment) == ("en", "positive")
    assert line.entities == ";NAME_GIVEN= maya ;ORGANIZATION= cafe noir ;"


def test_the_file_stands_under_the_day_on_which_the_call_began_and_its_tenant():
    assert key_of(fold(LOG), "CA1", "acme") == "entries/day=2026-11-22/tenant=acme/CA1.jsonl.gz"
    assert key_of(fold(LOG), "a/b", "x=y/..") == "entries/day=2026-11-22/tenant=x%3Dy%2F../a%2Fb.jsonl.gz"


def test_a_call_of_which_the_start_is_not_known_has_a_file_as_well():
    lines = list(rows(log_of(SAID)))

    assert (lines[0].started_at, lines[0].party, lines[0].duration_ms) == ("", "MZ1/inbound", 0)
    assert key_of(fold(log_of(SAID)), "CA1", "acme").startswith("entries/day=1970-01-01/")


@given(st.text(max_size=40))
def test_what_is_packed_is_unpacked(text):
    lines = [msgspec.structs.replace(line, text=text, body=json.dumps({"text": text})) for line in rows(LOG)]

    assert unpack(pack(lines)) == lines
    assert pack(lines) == pack(list(lines))


def test_times_are_numbers_and_all_else_is_text():
    numbers = ["seq", "duration_ms", "start_ms", "end_ms", "compared", "differing"]
    assert [name for name, kind in COLUMNS.items() if kind == "int"] == numbers
    assert list(COLUMNS) == [field.name for field in msgspec.structs.fields(Row)]


def test_a_line_is_json_that_anybody_reads(tmp_path: Path):
    file = tmp_path / "call.jsonl.gz"
    file.write_bytes(pack(rows(LOG)))

    with gzip.open(file, "rt", encoding="utf-8") as text:
        assert [json.loads(line)["seq"] for line in text] == [1, 2, 3, 4, 5, 6]


def test_a_second_pass_has_a_line_for_each_party_and_language():
    ready = BatchReady(
        job="J1",
        recording="RE1",
        transcript="batch/x.json",
        differences=(
            Difference(party="caller", language="en", words=40, substituted=1, missing=2, added=1),
            Difference(party="agent", language="fr", words=10, substituted=0, missing=0, added=0),
        ),
    )
    lines = list(rows([*LOG, Entry("CA1", 7, "2026-11-22T23:59:59.999Z", "acme", ready)]))[-2:]

    assert [(line.seq, line.party, line.language, line.compared, line.differing) for line in lines] == [
        (7, "caller", "en", 40, 4),
        (7, "agent", "fr", 10, 0),
    ]
    assert {line.body for line in lines} == {encode_body(ready).decode()}


def test_the_sql_of_the_document_adds_up_how_far_live_words_were_off(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "archive.md").read_text(encoding="utf-8")
    found = re.search(r"( {4}SELECT day, to_number, language.*?)\n\n", text, re.DOTALL)[1]
    for number, (words, missing) in enumerate([(40, 4), (60, 1)]):
        of_caller = Difference(party="caller", language="en", words=words, substituted=0, missing=missing, added=0)
        silent = Difference(party="agent", words=0, substituted=0, missing=0, added=0)
        ready = BatchReady(job="J", recording="RE", transcript="x", differences=(of_caller, silent))
        path = tmp_path / key_of(fold(LOG), f"CA{number}", "acme")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(rows([*LOG, Entry("CA1", 7, "", "acme", ready)])))
    files = f"read_json_auto('{tmp_path}/entries/*/*/*', union_by_name = true, hive_partitioning = true)"

    rows_found = duckdb.sql(found.replace("callscribe_dev.entries", files)).fetchall()

    assert [(str(day), *rest) for day, *rest in rows_found] == [("2026-11-22", "+12025550188", "en", 2, 0.05)]
