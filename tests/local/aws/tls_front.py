"""TLS before the local AWS, which speaks plain HTTP: the bucket of `cdk bootstrap` takes nothing that came without."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.certificate import self_signed

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Front:
    """Where it answers, and the file of the certificate to trust."""

    url: str
    certificate: Path


@contextlib.contextmanager
def fronting(url: str, folder: Path) -> Iterator[Front]:
    """Pass on to `url`, while inside, what comes over TLS, saying that it did; its certificate is made in `folder`."""
    certificate, key = self_signed(folder, HOST)
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as behind:

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = [*self.headers.items(), ("x-forwarded-proto", "https")]
                with behind.stream(self.command, self.path, headers=headers, content=body) as answer:
                    content = b"".join(answer.iter_raw())
                self.send_response_only(answer.status_code)
                for name, value in answer.headers.multi_items():
                    if name not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                if answer.status_code != httpx.codes.NO_CONTENT:
                    length = len(content) or int(answer.headers.get("content-length", 0))  # that of a HEAD as it is
                    self.send_header("content-length", str(length))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815

            def log_message(self, *_arguments) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = ThreadingHTTPServer((HOST, 0), Handler)
        # Not in the thread that accepts: a client that is slow to shake hands would hold up the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield Front(f"https://{HOST}:{server.server_address[1]}", certificate)
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
