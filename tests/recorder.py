"""A recording proxy before an S3 server: what really goes over the wire, and what comes back.

It also holds `x-amz-expected-bucket-owner`, which the S3 server behind it does not.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HOP = {"transfer-encoding", "connection", "content-length", "keep-alive"}


@dataclass(frozen=True)
class S3Call:
    """One request, and the status and headers of its answer."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int
    answer: dict[str, str]
    body: bytes = b""


@dataclass
class Recorder:
    """What was recorded; `refuse` may answer a call with 403 AccessDenied."""

    url: str = ""
    owner: str = "111122223333"
    calls: list[S3Call] = field(default_factory=list)
    refuse: Callable[[str, str, dict[str, str]], bool] = lambda method, key, query: False


def denied(recorder: Recorder, method: str, key: str, query: dict[str, str], owner: str) -> bool:
    return owner != recorder.owner or recorder.refuse(method, key, query)


@contextmanager
def record_s3(endpoint: str) -> Iterator[Recorder]:
    """A proxy on a free port of the loopback before `endpoint`."""
    recorder = Recorder()
    behind = urlsplit(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            if self.headers.get("Expect"):
                self.handle_expect_100()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            told = {name.lower(): value for name, value in self.headers.items()}
            owner = told.get("x-amz-expected-bucket-owner", recorder.owner)
            answer: dict[str, str]
            if denied(recorder, self.command, key, query, owner):
                status, answer, data = 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
                length = str(len(data))
            else:
                status, answer, data, length = self.ask(body)
            call = S3Call(self.command, bucket, key, query, told, status, answer, body)
            recorder.calls.append(call)
            self.send_response(status)
            for name, value in answer.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes, str]:
            assert behind.hostname
            connection = http.client.HTTPConnection(behind.hostname, behind.port)
            connection.request(self.command, self.path, body, dict(self.headers))
            found = connection.getresponse()
            data = found.read()
            answer = {k.lower(): v for k, v in found.getheaders() if k.lower() not in HOP}
            length = found.getheader("Content-Length") if self.command == "HEAD" else None
            connection.close()
            return found.status, answer, data, length or str(len(data))

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
