"""Which addresses of customers are asked, and which never."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading

import pytest

from callscribe.errors import Refused
from functions.public_address import PublicConnection, is_public
from tests.certificate import self_signed

HOST = "files.example.test"
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_what_anybody_can_reach_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.7",
        "64:ff9b::a9fe:a9fe", "2002:0a00:0001::1",
    ],
)  # fmt: skip
def test_what_only_we_can_reach_is_not(address):
    assert not is_public(address)


def found(*addresses: str):
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]


@pytest.mark.parametrize("addresses", [("10.0.0.7",), (PUBLIC, "127.0.0.1"), ()])
def test_a_name_that_leads_to_one_of_those_is_refused_before_anything_is_sent(addresses):
    connection = PublicConnection(
        HOST, timeout_s=1, resolve=lambda _host, _port: found(*addresses), dial=lambda *_: pytest.fail("connected")
    )

    with pytest.raises(Refused, match="not a public one"):
        connection.request("GET", "/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_so_is_one_that_is_written_as_an_address(host):
    with pytest.raises((Refused, OSError)) as refusal:  # what the system's own lookup takes for no name is none
        PublicConnection(host, timeout_s=1, dial=lambda *_: pytest.fail("connected")).request("GET", "/")
    assert isinstance(refusal.value, (Refused, socket.gaierror))


def test_the_connection_goes_to_what_was_looked_up_and_asks_for_the_names_certificate(tmp_path):
    certificate, key = self_signed(tmp_path, HOST)
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        dialled = []

        def dial(address, port, timeout_s):
            dialled.append((address, port))
            return socket.create_connection(server.server_address, timeout_s)

        def ask(host):
            trusted = ssl.create_default_context(cafile=certificate)
            connection = PublicConnection(
                host, timeout_s=5, context=trusted, resolve=lambda _host, _port: found(PUBLIC), dial=dial
            )
            try:
                connection.request("GET", "/")
                return connection.getresponse().status
            finally:
                connection.close()

        try:
            assert ask(HOST) == 204
            with pytest.raises(ssl.SSLCertVerificationError):
                ask("other.example.test")
        finally:
            server.shutdown()
            serving.join()

    assert dialled == [(PUBLIC, 443)] * 2
    assert asked == [HOST]
