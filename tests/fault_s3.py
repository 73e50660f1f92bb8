"""A part of S3 on the loopback that fails on purpose: at the N-th request to a bucket, once or
from then on. Between its faults it holds what S3 promises: conditional writes, checksums, ranges
under If-Match, uploads in parts, the bucket's owner. It keeps all in memory.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

OWNER = "111122223333"

REFUSALS = {
    "500": (500, "InternalError"),
    "503": (503, "ServiceUnavailable"),
    "slow_down": (503, "SlowDown"),
    "expired": (400, "ExpiredToken"),
    "region": (301, "PermanentRedirect"),
    "denied": (403, "AccessDenied"),
    "skew": (403, "RequestTimeTooSkewed"),
    "409": (409, "ConditionalRequestConflict"),
    "412": (412, "PreconditionFailed"),
}
KINDS = (
    *REFUSALS,
    "reset",  # before anything is done
    "lost",  # done, but the answer does not arrive
    "truncated",  # half of the body arrives
    "stalled",  # half of the body arrives, then nothing
    "flipped",  # a byte of the body is wrong
    "late",  # 200, with an error in the body
)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, from which request on (from 1), and whether it stays so.

    It strikes the first one that it can be made of: threads that upload take turns as they come.
    """

    kind: str
    at: int
    persistent: bool = False

    def strikes(self, number: int, struck: int, possible: set[str]) -> bool:
        return number >= self.at and (self.persistent or not struck) and self.kind in possible


@dataclass
class Object:
    """What a key holds."""

    data: bytes
    etag: str
    sums: dict[str, str]  # header -> value
    modified: str = "2026-11-25T19:00:00.000Z"


@dataclass
class Bucket:
    """Objects, unfinished uploads, and what has been asked."""

    objects: dict[str, Object] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    possible: list[set[str]] = field(default_factory=list)  # faults, of each request
    wrong: list[str] = field(default_factory=list)  # what no request of ours may be
    fault: Fault | None = None
    struck: int = 0
    owner: str = OWNER
    kms_key_id: str | None = None
    public: bool = False  # by its policy
    restricted: bool = False  # by its block


@dataclass
class Answer:
    """Status, headers, body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def refused(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>told to fail</Message></Error>".encode()
    return Answer(status, {"Content-Type": "application/xml"}, body)


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


SUMS = {"x-amz-checksum-crc32": crc32, "x-amz-checksum-sha256": sha256}


class FaultS3:
    """Buckets by name; one that is asked for is there."""

    def __init__(self) -> None:
        self.url = ""
        self.buckets: dict[str, Bucket] = {}
        self.lock = threading.Lock()
        self.released = threading.Event()  # what hangs is let go
        self.at_once = self.most_at_once = 0
        self.thinks = 0.0  # seconds before it answers

    def bucket(self, name: str) -> Bucket:
        with self.lock:
            return self.buckets.setdefault(name, Bucket())

    def answer(self, request: Request) -> Answer:
        bucket, key, method = request.bucket, request.key, request.method
        if request.headers.get("x-amz-expected-bucket-owner") != bucket.owner:
            bucket.wrong.append(f"{method} {key}: owner")
            return refused(403, "AccessDenied")
        if "x-amz-acl" in request.headers:
            bucket.wrong.append(f"{method} {key}: ACL")
        with self.lock:
            if not key:
                return on_bucket(request)
            return {"GET": get, "HEAD": get, "PUT": put, "POST": post, "DELETE": delete}[method](
                request
            )


@dataclass
class Request:
    """One request, read whole."""

    method: str
    bucket: Bucket
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


def on_bucket(request: Request) -> Answer:
    query, bucket = request.query, request.bucket
    if "publicAccessBlock" in query and bucket.restricted:
        block = "<RestrictPublicBuckets>true</RestrictPublicBuckets>"
        body = f"<PublicAccessBlockConfiguration>{block}</PublicAccessBlockConfiguration>"
        return Answer(body=body.encode())
    if "publicAccessBlock" in query:
        return refused(404, "NoSuchPublicAccessBlockConfiguration")
    if "policyStatus" in query:
        told = "true" if bucket.public else "false"
        body = f"<PolicyStatus><IsPublic>{told}</IsPublic></PolicyStatus>"
        return Answer(body=body.encode())
    prefix = query.get("prefix", "")
    if "uploads" in query:
        items = "".join(
            f"<Upload><Key>{key}</Key><UploadId>{upload}</UploadId></Upload>"
            for upload, (key, _) in bucket.uploads.items()
            if key.startswith(prefix)
        )
        body = f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{items}"
        return Answer(body=f"{body}</ListMultipartUploadsResult>".encode())
    if "delete" in query:
        return delete_many(request)
    items = "".join(
        f"<Contents><Key>{key}</Key><ETag>{one.etag}</ETag><Size>{len(one.data)}</Size>"
        f"<LastModified>{one.modified}</LastModified></Contents>"
        for key, one in sorted(bucket.objects.items())
        if key.startswith(prefix)
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    return Answer(body=body.encode())


def get(request: Request) -> Answer:
    found = request.bucket.objects.get(request.key)
    if found is None:
        return refused(404, "NoSuchKey")
    if request.headers.get("if-match", found.etag) != found.etag:
        return refused(412, "PreconditionFailed")
    headers = {"ETag": found.etag, "Last-Modified": "Wed, 25 Nov 2026 19:00:00 GMT"}
    ranged = re.match(r"bytes=(\d+)-$", request.headers.get("range", ""))
    if ranged:
        start = int(ranged[1])
        headers["Content-Range"] = f"bytes {start}-{len(found.data) - 1}/{len(found.data)}"
        return Answer(206, headers, found.data[start:])
    return Answer(200, headers | found.sums, found.data)


def refusal(request: Request) -> Answer | None:
    """Whether a write's condition, checksum or key does not hold."""
    there = request.bucket.objects.get(request.key)
    headers = request.headers
    if headers.get("if-none-match") == "*" and there is not None:
        return refused(412, "PreconditionFailed")
    if "if-match" in headers and (there is None or there.etag != headers["if-match"]):
        return refused(412, "PreconditionFailed") if there else refused(404, "NoSuchKey")
    return None


def told_sums(request: Request) -> dict[str, str]:
    return {name: request.headers[name] for name in SUMS if name in request.headers}


def put(request: Request) -> Answer:
    bucket, told = request.bucket, told_sums(request)
    if not told:
        bucket.wrong.append(f"PUT {request.key}: no checksum")
    if any(SUMS[name](request.body) != value for name, value in told.items()):
        return refused(400, "BadDigest")
    if "partNumber" in request.query:
        if request.query["uploadId"] not in bucket.uploads:
            return refused(404, "NoSuchUpload")
        parts = bucket.uploads[request.query["uploadId"]][1]
        parts[int(request.query["partNumber"])] = request.body
        return Answer(200, {"ETag": etag_of(request.body)} | told)
    hold_key(request)
    answer = refusal(request)
    if answer is None:
        etag = etag_of(request.body)
        bucket.objects[request.key] = Object(request.body, etag, told)
        answer = Answer(200, {"ETag": etag} | told)
    return answer


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def hold_key(request: Request) -> None:
    """Whether a write carries the KMS key, with the bucket key."""
    wanted = request.bucket.kms_key_id
    told = request.headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    with_bucket_key = request.headers.get("x-amz-server-side-encryption-bucket-key-enabled")
    if told != wanted or (wanted and with_bucket_key != "true"):
        request.bucket.wrong.append(f"{request.method} {request.key}: KMS key")


def post(request: Request) -> Answer:
    bucket = request.bucket
    if "uploads" in request.query:
        hold_key(request)
        upload = f"u{len(bucket.asked)}"
        bucket.uploads[upload] = (request.key, {})
        told = f"<UploadId>{upload}</UploadId>"
        body = f"<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>"
        return Answer(body=body.encode())
    upload = request.query["uploadId"]
    if upload not in bucket.uploads:
        return refused(404, "NoSuchUpload")
    answer = refusal(request)
    if answer is not None:
        return answer
    parts = bucket.uploads[upload][1]
    data = b"".join(parts[number] for number in sorted(parts))
    sums = told_sums(request)
    if not sums:
        bucket.wrong.append(f"POST {request.key}: no checksum of the whole")
    if any(SUMS[name](data) != value for name, value in sums.items()):
        return refused(400, "BadDigest")
    etag = etag_of(data)[:-1] + f'-{len(parts)}"'
    bucket.objects[request.key] = Object(data, etag, sums | {"x-amz-checksum-type": "FULL_OBJECT"})
    del bucket.uploads[upload]
    body = f"<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
    return Answer(body=body.encode())


def delete(request: Request) -> Answer:
    if request.bucket.uploads.pop(request.query.get("uploadId", ""), None) is None:
        return refused(404, "NoSuchUpload")
    return Answer(204)


def delete_many(request: Request) -> Answer:
    """DeleteObjects: an object that is gone is no fault."""
    told = told_sums(request)
    if not told:
        request.bucket.wrong.append("DELETE many: no checksum")
    if any(SUMS[name](request.body) != value for name, value in told.items()):
        return refused(400, "BadDigest")
    for key in re.findall(r"<Key>(.*?)</Key>", request.body.decode()):
        request.bucket.objects.pop(key, None)
    return Answer(body=b"<DeleteResult></DeleteResult>")


def possible(request: Request) -> set[str]:
    """The kinds of fault that can be made of a request."""
    kinds = set(KINDS) - {"412", "409", "late", "truncated", "stalled", "flipped"} | {"hang"}
    if {"if-match", "if-none-match"} & request.headers.keys() and request.method != "GET":
        kinds.add("412")
    if request.method == "PUT":
        kinds.add("409")
    if request.method == "POST" and "uploadId" in request.query:
        kinds.add("late")
    if request.method == "GET" and request.key in request.bucket.objects:
        kinds |= {"truncated", "stalled", "flipped"}
    return kinds


class Handler(BaseHTTPRequestHandler):
    """Reads a request whole, answers it or fails as its bucket says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    s3: FaultS3
    waiting = False

    def count(self, *, waiting: bool) -> None:
        """A client waits until its answer begins: with that it may ask for more."""
        with self.s3.lock:
            self.s3.at_once += waiting - self.waiting
            self.waiting = waiting
            self.s3.most_at_once = max(self.s3.most_at_once, self.s3.at_once)

    def work(self) -> None:
        self.count(waiting=True)
        time.sleep(self.s3.thinks)
        try:
            self.serve_one()
        finally:
            self.count(waiting=False)

    def serve_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        name, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request(self.command, self.s3.bucket(name), key, query, headers, body)
        bucket = request.bucket
        with self.s3.lock:
            bucket.asked.append(f"{self.command} {key or '?'.join(query)}")
            bucket.possible.append(possible(request))
            fault = bucket.fault
            struck = fault is not None and fault.strikes(
                len(bucket.asked), bucket.struck, bucket.possible[-1]
            )
            bucket.struck += struck
        if fault is not None and struck:
            self.fail(request, fault.kind)
        else:
            self.reply(self.s3.answer(request))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = work  # noqa: N815

    def fail(self, request: Request, kind: str) -> None:
        """Make a fault of that kind of this request."""
        if kind in REFUSALS:
            answer = refused(*REFUSALS[kind])
            if kind == "region":
                answer.headers["x-amz-bucket-region"] = "eu-west-1"
            self.reply(answer)
        elif kind == "reset":
            self.reset()
        elif kind == "hang":
            self.s3.released.wait(60)
            self.reset()
        elif kind == "lost":
            self.s3.answer(request)
            self.reset()
        elif kind == "late":
            self.reply(Answer(200, {}, refused(200, "InternalError").body))
        else:
            self.spoil(self.s3.answer(request), kind)

    def spoil(self, answer: Answer, kind: str) -> None:
        half = len(answer.body) // 2
        if kind == "flipped":
            flipped = bytes([answer.body[half] ^ 1])
            answer.body = answer.body[:half] + flipped + answer.body[half + 1 :]
            self.reply(answer)
            return
        self.reply(answer, most=half)
        self.wfile.flush()
        if kind == "stalled":
            self.connection.settimeout(5)
            with contextlib.suppress(OSError):
                self.connection.recv(1)  # until the other side gives up
        self.reset()

    def reply(self, answer: Answer, most: int | None = None) -> None:
        self.count(waiting=False)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(answer.body[:most])

    def reset(self) -> None:
        """Break the connection off: RST, not a polite end."""
        linger = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.close()

    def handle(self) -> None:
        """Quiet too where the client has gone."""
        with contextlib.suppress(ConnectionResetError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serve_faults() -> Iterator[FaultS3]:
    """The server on a free port of the loopback."""
    s3 = FaultS3()
    handler = type("Bound", (Handler,), {"s3": s3})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    s3.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield s3
    finally:
        s3.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def seen_by_reader(bucket: Bucket, prefix: str) -> dict[str, bytes] | None:
    """What LATEST leads to, each file held against the manifest; None when nothing is published."""
    latest = bucket.objects.get(f"{prefix}/LATEST")
    if latest is None:
        return None
    told = json.loads(latest.data)
    base = f"{prefix}/runs/{told['run']}"
    manifest = bucket.objects[f"{base}/manifest.json"].data
    assert hashlib.sha256(manifest).hexdigest() == told["manifest_sha256"]
    files = {"manifest.json": manifest}
    for one in json.loads(manifest)["files"]:
        data = bucket.objects[f"{base}/{one['path']}"].data
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one["path"]
        files[one["path"]] = data
    return files
