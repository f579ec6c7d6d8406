"""A recording on its way to Gladia: piece by piece, and every way in which it may not arrive."""

from __future__ import annotations

import contextlib
import re
import threading
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from callscribe.errors import MalformedMessage, Refused, Unavailable
from callscribe.exchange import HttpRequest
from callscribe.gladia_batch import MOST_BYTES, Uploaded, upload
from functions.batch.transfer import carry, public_only

AUDIO = bytes(range(256)) * 5000  # more than a few pieces
PIECE = b"\0" * 65536
ANSWER = (
    b'{"audio_url": "https://api.gladia.io/file/1", "audio_metadata": {"number_of_channels": 2, "audio_duration": 3}}'
)


class Hosts:
    """Where the recording is, and Gladia, on one port."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.headers: dict[str, str] = {"Content-Length": str(len(AUDIO))}
        self.body: bytes | None = AUDIO  # None: as many zeros as the headers say
        self.answer = (200, ANSWER)
        self.reads = True
        self.asked: list[dict[str, str]] = []
        self.uploaded: dict[str, str] = {}
        self.form = b""
        self.received_bytes = 0


class Handler(BaseHTTPRequestHandler):
    """Answers as `known` says."""

    protocol_version = "HTTP/1.1"
    known: Hosts

    def do_GET(self):
        known = self.known
        known.asked.append(dict(self.headers) | {"path": self.path})
        self.send_response(known.status)
        for name, value in known.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            for piece in [known.body] if known.body is not None else self._zeros():
                self.wfile.write(piece)
        self.close_connection = True

    def _zeros(self):
        for _ in range(int(self.known.headers["Content-Length"]) // len(PIECE)):
            yield PIECE

    def do_POST(self):
        known = self.known
        known.uploaded = dict(self.headers)
        left = int(self.headers["Content-Length"]) if known.reads else 0
        while left:
            piece = self.rfile.read(min(left, 65536))
            if not piece:
                return  # broke off
            left -= len(piece)
            known.received_bytes += len(piece)
            if known.body is not None:
                known.form += piece
        status, body = known.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    known = Hosts()
    answering = type("Answering", (Handler,), {"known": known})
    with ThreadingHTTPServer(("127.0.0.1", 0), answering) as server:
        server.daemon_threads = True
        known.url = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield known
        server.shutdown()
        serving.join()


def carried(hosts: Hosts, **more) -> Uploaded:
    source = HttpRequest("GET", f"{hosts.url}/Recordings/RE1.wav?RequestedChannels=2", {"Authorization": "Basic x"})

    def to(form, size_bytes):
        return upload(hosts.url, "example-key", form, size_bytes=size_bytes)

    return carry(source, to, filename="CA1.wav", **more)


def test_what_arrives_is_the_recording_bit_by_bit(hosts):
    assert carried(hosts) == Uploaded("https://api.gladia.io/file/1", 2, 3.0)

    assert hosts.asked[0]["Authorization"] == "Basic x"
    assert hosts.asked[0]["path"] == "/Recordings/RE1.wav?RequestedChannels=2"
    assert hosts.uploaded["x-gladia-key"] == "example-key"
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\w+)", hosts.uploaded["Content-Type"])[1].encode()
    head, _, rest = hosts.form.partition(b"\r\n\r\n")
    assert head.startswith(b"--" + boundary)
    assert rest == AUDIO + b"\r\n--" + boundary + b"--\r\n"


def test_a_recording_of_hundreds_of_megabytes_takes_a_few_of_memory(hosts):
    hosts.headers["Content-Length"] = str(4096 * len(PIECE))  # 268 MB, two hours of two channels
    hosts.body = None
    tracemalloc.start()
    try:
        carried(hosts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert hosts.received_bytes > 4096 * len(PIECE)
    assert peak < 8_000_000  # both ends in this process together


@pytest.mark.parametrize("status", [403, 404, 409, 408, 425, 429, 500, 503])
def test_one_that_is_not_there_yet_is_come_back_for(hosts, status):
    hosts.status, hosts.headers, hosts.body = status, {"Content-Length": "0"}, b""

    with pytest.raises(Unavailable, match=f"the recording's place answered {status}"):
        carried(hosts)
    assert not hosts.uploaded


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (200, {"Content-Length": "0"}, "empty"),
        (200, {"Content-Length": str(4 * 2**30)}, "larger than the 1000 MB"),
        (200, {"Content-Length": str(MOST_BYTES + 1)}, "larger than the 1000 MB"),
        (200, {"Connection": "close"}, "does not tell its length"),
        (401, {"Content-Length": "0"}, "answered 401"),
        (410, {"Content-Length": "0"}, "answered 410"),
        (206, {"Content-Length": "1"}, "answered 206"),
    ],
)
def test_one_that_will_never_be_taken_is_refused_before_gladia_hears_of_it(hosts, status, headers, why):
    hosts.status, hosts.headers, hosts.body = status, headers, b""

    with pytest.raises(Refused, match=why):
        carried(hosts)
    assert not hosts.uploaded


@pytest.mark.parametrize(
    "location", ["http://files.example.test/1", "https://127.0.0.1:1/1", "https://[::1]/1", "", "x:1"]
)
def test_a_redirect_to_what_is_not_public_is_refused(hosts, location):
    hosts.status, hosts.headers = 307, {"Content-Length": "0", "Location": location}

    with pytest.raises(Refused):
        carried(hosts)
    assert not hosts.uploaded


def test_a_customers_place_is_not_asked_where_it_is_private(hosts):
    with pytest.raises(Refused, match="not https"):
        carried(hosts, connect=public_only)
    hosts.url = hosts.url.replace("http:", "https:")
    with pytest.raises(Refused, match="not a public one"):
        carried(hosts, connect=public_only)
    assert hosts.asked == []


@pytest.mark.parametrize(
    "url", ["https:///a", "https://host:port/a", "https://a b/c", "https://files.example.test/a b"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises((Refused, Unavailable)):
        carry(HttpRequest("GET", url, {}), lambda _form, _size: pytest.fail("uploaded"), filename="CA1.wav")


def test_a_recording_that_breaks_off_is_not_taken_for_whole(hosts):
    hosts.headers["Content-Length"] = str(2 * len(AUDIO))

    with pytest.raises(Unavailable, match="the recording"):
        carried(hosts)
    assert hosts.received_bytes < 2 * len(AUDIO)


def test_who_can_not_be_reached_is_tried_again(hosts):
    source = HttpRequest("GET", "http://127.0.0.1:1/RE1.wav", {})

    with pytest.raises(Unavailable, match="the recording can't be reached: ConnectionRefusedError"):
        carry(source, lambda _form, _size: pytest.fail("uploaded"), filename="CA1.wav")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((413, b"{}"), Refused),
        ((401, b"{}"), Unavailable),
        ((503, b""), Unavailable),
        ((200, b"<html>"), MalformedMessage),
    ],
)
def test_gladias_answer_says_what_to_do_next(hosts, answer, error):
    hosts.answer = answer

    with pytest.raises(error):
        carried(hosts)


def test_an_answer_that_comes_before_all_was_sent_counts(hosts):
    hosts.reads, hosts.answer = False, (413, b"{}")
    hosts.headers["Content-Length"] = str(1024 * len(PIECE))
    hosts.body = None

    with pytest.raises((Refused, Unavailable)):
        carried(hosts)
