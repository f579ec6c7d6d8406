"""What is posted to endpoints, and the schemas that say so."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from callscribe.after_call import TranscriptReady
from callscribe.entries import CallEnded, Entry
from callscribe.webhook_message import body_of, schemas, text
from callscribe.webhooks import DEFAULT_KINDS, KINDS

AT = "2026-11-22T09:15:02.417Z"


@pytest.mark.parametrize(
    "body",
    [
        CallEnded(reason="completed", duration_ms=1),
        TranscriptReady(archive="entries/…", utterances=2, complete=True, formats=("json",)),
    ],
)
def test_a_message_is_as_its_schema_says(body):
    entry = Entry("CA1", 7, AT, "acme", body)
    document = json.loads(body_of(entry))

    assert (document["type"], document["timestamp"]) == (entry.kind, AT)
    jsonschema.validate(document, schemas())
    for name in ("call_id", "seq", "body"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, "data": {**document["data"], name: ["no"]}}, schemas())


def test_there_is_a_schema_for_each_kind_that_may_be_asked_for():
    assert [each["$ref"].rpartition("/")[2] for each in schemas()["oneOf"]] == list(KINDS)
    assert set(DEFAULT_KINDS) <= set(KINDS)


def test_the_file_in_docs_is_as_the_code_has_it():
    assert (Path(__file__).parents[2] / "docs" / "webhooks.json").read_text(encoding="utf-8") == text()
