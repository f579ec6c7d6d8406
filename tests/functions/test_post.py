"""A message to an endpoint: what its answer comes to, and where none is sent."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from callscribe.errors import Refused, Unavailable
from functions.deliver.post import anywhere, post

BODY = b'{"type":"transcript.ready"}'


class Crm:
    """An endpoint that answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"ok"
        self.released = threading.Event()
        self.drips = False
        self.received: list[tuple[str, dict[str, str], bytes]] = []


@pytest.fixture
def crm():
    known = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            with contextlib.suppress(OSError):
                self._answer()

        def _answer(self):
            while known.drips and not known.released.wait(0.05):
                self.wfile.write(b"HTTP/1.1 200" if not known.received[0][2] else b" ")
            self.send_response(known.status)
            for name, value in {"Content-Length": str(len(known.body)), **known.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(known.body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        known.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?of=callscribe"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield known
        known.released.set()
        server.shutdown()
        serving.join()


def test_what_arrives_is_the_message_with_its_headers(crm):
    assert post(crm.url, {"webhook-id": "CA1.7"}, BODY, connect=anywhere) == 200

    ((path, headers, body),) = crm.received
    assert (path, headers["webhook-id"], body) == ("/hooks?of=callscribe", "CA1.7", BODY)


@pytest.mark.parametrize("status", [204, 400, 410, 429, 500])
def test_the_status_is_told_whatever_it_is(crm, status):
    crm.status, crm.body = status, b""

    assert post(crm.url, {}, BODY, connect=anywhere) == status


def test_a_page_of_html_is_as_good_an_answer_as_any(crm):
    crm.body, crm.headers = b"<html>" * 100_000, {"Content-Type": "text/html"}

    assert post(crm.url, {}, BODY, connect=anywhere) == 200


def test_a_redirect_is_an_answer_and_is_not_followed(crm):
    crm.status, crm.headers = 307, {"Location": crm.url.replace("/hooks", "/elsewhere")}

    assert post(crm.url, {}, BODY, connect=anywhere) == 307
    assert len(crm.received) == 1


def test_an_answer_that_comes_drop_by_drop_is_none(crm):
    crm.drips = True

    with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
        post(crm.url, {}, BODY, connect=anywhere, limit_s=0.3)


def test_nobody_at_home_is_told(crm):
    with pytest.raises(Unavailable, match="no answer: ConnectionRefusedError"):
        post("http://127.0.0.1:1/", {}, BODY, connect=anywhere)


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/",
     "https://localhost/"],
)  # fmt: skip
def test_what_is_not_public_over_tls_is_sent_nothing(url):
    with pytest.raises(Refused):
        post(url, {}, BODY)


@pytest.mark.parametrize("url", ["https://[", "https://host:port/", "https://crm.example.com/a b"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises((Refused, Unavailable)):
        post(url, {}, BODY, connect=anywhere)
