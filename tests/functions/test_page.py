"""The function that serves the page, as API Gateway asks it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from functions.page.site import Site

WEB = Path(__file__).parents[2] / "web"
API = "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"


@pytest.fixture
def get(environment, start, context):
    """GET a path."""
    environment.setenv("API_URL", API)
    handler = start("page", warm=True)
    return lambda path, **headers: handler({"rawPath": path, "headers": headers}, context)


def test_the_address_alone_is_the_page(get):
    answer = get("/")

    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer["body"] == (WEB / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(WEB.iterdir()), ids=lambda path: path.name)
def test_every_file_of_the_page_is_there_as_what_it_is(get, path):
    answer = get(f"/{path.name}")

    media_type = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}[path.suffix]
    assert answer["headers"]["content-type"] == f"{media_type}; charset=utf-8"
    assert answer["body"] == path.read_text(encoding="utf-8")


def test_the_page_is_told_where_to_ask_and_holds_no_key(get):
    assert json.loads(get("/config.json")["body"]) == {"api": API, "key": ""}


@pytest.mark.parametrize("path", ["/../app.py", "/web/page.js", "/page.JS", "//page.js", "/nothing", "/ "])
def test_nothing_else_is_there(get, path):
    answer = get(path)

    assert (answer["statusCode"], answer["headers"]["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize("weak", ["", "W/"])
def test_a_file_that_is_as_it_was_is_not_sent_again(get, weak):
    tag = get("/page.js")["headers"]["etag"]

    answer = get("/page.js", **{"if-none-match": weak + tag})

    assert (answer["statusCode"], answer["body"], answer["headers"]["etag"]) == (304, "", tag)
    assert get("/page.css", **{"if-none-match": tag})["statusCode"] == 200


def test_no_answer_may_be_framed_sniffed_or_kept_without_asking(get):
    for path in ("/", "/config.json", "/nothing"):
        headers = get(path)["headers"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert "max-age=0" in headers["cache-control"] or headers["cache-control"] == "no-store"


def test_a_changed_configuration_has_another_tag(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>")
    tags = {Site.of(tmp_path, config={"api": api}).answer("/config.json").headers["etag"] for api in ("a", "b")}

    assert len(tags) == 2
