"""A message to an endpoint: what its answer comes to, and where none is sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from callscribe.errors import Refused, Unavailable
from functions.post import DRAIN_S, anywhere, post, public_only
from functions.public_address import PublicConnection
from tests.certificate import self_signed

BODY = b'{"type":"transcript.ready"}'


class Crm:
    """An endpoint that answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"ok"
        self.released = threading.Event()
        self.drips = ""  # what of its answer never comes to an end: "head" or "body"
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
            while known.drips == "head" and not known.released.wait(0.05):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not self.begun else b"X: y\r\n")
                self.begun = True
            self.send_response(known.status)
            for name, value in {"Content-Length": str(len(known.body)), **known.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            while known.drips == "body" and not known.released.wait(0.05):
                self.wfile.write(b" ")
            self.wfile.write(known.body)

        begun = False

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
    crm.drips = "head"

    with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
        post(crm.url, {}, BODY, connect=anywhere, limit_s=0.3)


def test_of_one_whose_end_never_comes_the_status_is_enough(crm):
    crm.drips, crm.headers = "body", {"Content-Length": "1000000"}
    begun = time.monotonic()

    assert post(crm.url, {}, BODY, connect=anywhere) == 200
    assert time.monotonic() - begun < DRAIN_S + 1


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for():
    released = threading.Event()

    def resolve(_host, _port):
        released.wait()
        return []

    try:
        with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
            post(
                "https://crm.example.com/", {}, BODY, limit_s=0.1,
                connect=lambda url: PublicConnection(url.netloc, timeout_s=1, resolve=resolve),
            )  # fmt: skip
    finally:
        released.set()


def test_who_could_only_be_reached_when_nobody_waited_any_more_is_sent_nothing():
    near, far = socket.socketpair()
    released, connected = threading.Event(), threading.Event()

    class Slow(HTTPConnection):
        def connect(self):
            released.wait()
            self.sock = near
            connected.set()

    with pytest.raises(Unavailable):
        post("http://crm.example.com/", {}, BODY, limit_s=0.05, connect=lambda url: Slow(url.netloc))
    released.set()
    assert connected.wait(5)
    far.settimeout(5)
    assert far.recv(100) == b""  # it was closed without a word
    far.close()


def test_nobody_at_home_is_told(crm):
    with pytest.raises(Unavailable, match="no answer: ConnectionRefusedError"):
        post("http://127.0.0.1:1/", {}, BODY, connect=anywhere)


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/",
     "https://localhost/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://224.0.0.1/"],
)  # fmt: skip
def test_what_is_not_public_over_tls_is_sent_nothing(url):
    with pytest.raises(Refused):
        post(url, {}, BODY)


@pytest.mark.parametrize("url", ["https://[", "https://host:port/", "https://" + "a" * 70 + ".example.com/"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(Refused, match="address is none"):
        post(url, {}, BODY)


@pytest.mark.parametrize("path", ["/a b", "/ü"])
def test_so_is_what_can_not_be_sent(crm, path):
    with pytest.raises(Refused, match="address is none"):
        post(crm.url + path, {}, BODY, connect=anywhere)
    assert crm.received == []


def test_a_redirect_to_a_private_address_leads_nowhere(crm, secure):
    secure.status, secure.headers = 302, {"Location": "https://169.254.169.254/latest/meta-data/"}

    assert post(f"https://{HOST}/hooks", {}, BODY, connect=secure.connect) == 302
    assert secure.dialled == [PUBLIC]


def test_a_name_that_leads_elsewhere_a_moment_later_is_asked_where_it_was_looked_up(secure):
    answers = iter([[PUBLIC], ["127.0.0.1"]])  # as a name does whose owner means to trick us
    secure.resolve = lambda: next(answers)

    assert post(f"https://{HOST}/hooks", {}, BODY, connect=secure.connect) == 200
    assert secure.dialled == [PUBLIC]
    with pytest.raises(Refused, match="not a public one"):
        post(f"https://{HOST}/hooks", {}, BODY, connect=secure.connect)
    assert secure.dialled == [PUBLIC]


def test_an_endpoint_is_believed_by_its_certificate(secure):
    assert post(f"https://{HOST}/hooks", {}, BODY, connect=secure.connect) == 200
    assert secure.hosts == [HOST]

    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        post("https://other.example.com/hooks", {}, BODY, connect=secure.connect)
    assert secure.hosts == [HOST]


HOST = "crm.example.com"
PUBLIC = "93.184.216.34"


class Secure:
    """An endpoint behind TLS, reached as if it were at a public address."""

    def __init__(self, certificate) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.hosts: list[str] = []
        self.dialled: list[str] = []
        self.resolve = lambda: [PUBLIC]
        self.address = ("", 0)
        self._trusted = ssl.create_default_context(cafile=certificate)

    def connect(self, url):
        if url.scheme != "https":
            return public_only(url)
        return PublicConnection(
            url.netloc, timeout_s=5, context=self._trusted, dial=self._dial,
            resolve=lambda _host, port: [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in self.resolve()
            ],
        )  # fmt: skip

    def _dial(self, address, _port, timeout_s):
        self.dialled.append(address)
        return socket.create_connection(self.address, timeout_s)


@pytest.fixture
def secure(tmp_path):
    certificate, key = self_signed(tmp_path, HOST)
    known = Secure(certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            known.hosts.append(self.headers["Host"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(known.status)
            for name, value in {"Content-Length": "0", **known.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # who does not believe the certificate hangs up

    with Server(("127.0.0.1", 0), Handler) as server:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        known.address = server.server_address
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield known
        server.shutdown()
        serving.join()
