"""A proxy before the local AWS that takes down what was asked of it, and what of that was denied."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from tests.path.rights.right import Right

if TYPE_CHECKING:
    from tests.path.rights.right import Names

# By the first part of X-Amz-Target. What is asked by path and query alone does not come this way.
SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "secretsmanager": "secretsmanager",
    "AmazonSSM": "ssm",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
    "AmazonAthena": "athena",
}
FUNCTIONS = "/2015-03-31/functions/"
TIMEOUT_S = 10


class Witness:
    """Requests go through as they are, signature and all; posts to connections in `busy` are answered with 429."""

    def __init__(self, upstream_url: str, names: Names) -> None:
        self.requests: list[Right] = []
        self.denied: set[Right] = set()
        self.busy: set[str] = set()
        self._answered = threading.Condition()
        self._names = names
        self._upstream = urlsplit(upstream_url).netloc
        witness = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one packet, or each would wait for an acknowledgement

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, answer = witness._pass_on(self.command, self.path, dict(self.headers), body)
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

            def log_message(self, *_arguments) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def listening(self) -> Iterator[Witness]:
        serving = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            serving.join()
            self._server.server_close()

    def at(self, address: str) -> str:
        """Return `address`, of the local AWS, as it is reached through this."""
        return address.replace(f"//{self._upstream}", f"//{urlsplit(self.url).netloc}")

    def begin(self) -> None:
        """Forget what was seen."""
        self.requests.clear()
        self.denied.clear()

    def wait_for(self, right: Right) -> None:
        """Return once `right` was made use of. Raises TimeoutError."""
        with self._answered:
            if not self._answered.wait_for(lambda: right in self.requests, TIMEOUT_S):
                raise TimeoutError(right)

    def _pass_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        right = self._right(method, path, {name.lower(): value for name, value in headers.items()}, body)
        if any(each in path for each in self.busy):
            self._saw(right)
            return 429, [("x-amzn-errortype", "LimitExceededException")], b"{}"
        upstream = http.client.HTTPConnection(self._upstream, timeout=TIMEOUT_S)
        try:
            upstream.request(method, path, body, headers)
            response = upstream.getresponse()
            answer = response.read()
        finally:
            upstream.close()
        if response.status >= 400 and b"not authorized to perform" in answer:
            assert right.action.encode() in answer, (right, answer)
            self.denied.add(right)
        self._saw(right)
        kept = ("content-type", "x-amzn-errortype", "x-amzn-query-error", "x-amz-crc32", "x-amz-function-error")
        return response.status, [each for each in response.getheaders() if each[0].lower() in kept], answer

    def _saw(self, right: Right) -> None:
        with self._answered:
            self.requests.append(right)
            self._answered.notify_all()

    def _right(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Right:
        if "/@connections/" in path:
            return Right("execute-api:ManageConnections", "PUSH_ENDPOINT")
        if path.startswith(FUNCTIONS):
            return Right("lambda:InvokeFunction", self._names.of(path.removeprefix(FUNCTIONS).partition("/")[0]))
        if "x-amz-target" not in headers:
            return self._right_to_files(method, urlsplit(path))
        service, _, operation = headers["x-amz-target"].partition(".")
        asked = json.loads(body)
        match SERVICES[service]:
            case "dynamodb":
                index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
                return Right(f"dynamodb:{operation}", self._names.of(asked["TableName"] + index))
            case "sqs":
                return Right(f"sqs:{operation}", self._names.of(asked["QueueUrl"].rpartition("/")[2]))
            case "events":
                return Right(f"events:{operation}", self._names.of(asked["Entries"][0]["EventBusName"]))
            case "athena":
                # The other requests name a query alone, and are judged without their workgroup here.
                return Right(f"athena:{operation}", "SEARCH_WORKGROUP" if "WorkGroup" in asked else "*")
            case other:
                return Right(f"{other}:{operation}", self._names.of(asked.get("SecretId") or asked["Name"]))

    def _right_to_files(self, method: str, asked: SplitResult) -> Right:
        bucket, _, key = asked.path.lstrip("/").partition("/")
        if not key:
            action = "s3:ListBucketVersions" if "versions" in asked.query.split("&") else "s3:ListBucket"
            return Right(action, self._names.of(f"arn:aws:s3:::{bucket}"))
        action = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObjectVersion"}[method]
        return Right(action, self._names.of(f"arn:aws:s3:::{bucket}/{key.partition('/')[0]}/*"))
