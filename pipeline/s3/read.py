"""Reading one S3 object: resumed where its body broke off, never a mixture of two versions."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import time
import zlib
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from pipeline.aws import Aws
from pipeline.errors import SourceChanged
from pipeline.s3.client import waiting
from pipeline.s3.errors import GONE, NOT_HELD, aws_errors, error_code

BLOCK = 1 << 20
MD5 = re.compile(r"[0-9a-f]{32}")
OTHER_MD5 = (
    "the body does not match its ETag, which should be its MD5; if the ETags of this server are "
    "something else, set aws.md5_etags: false"
)


class BodyBroken(OSError):
    """The body ended early, or does not match its checksum."""


class ObjectRead:
    """A read of one object into a file that is seekable."""

    def __init__(self, aws: Aws, client: Any, bucket: str, key: str, etag: str | None) -> None:
        self.aws, self.client = aws, client
        self.bucket, self.key = bucket, key
        self.pinned = self.etag = etag
        self.size = 0
        self.checksums: dict[str, str] = {}
        self.md5: str | None = None

    def into(self, file: BinaryIO) -> str:
        """Write the whole body; returns its ETag.

        Raises SourceChanged when a pinned version is gone, BodyBroken when the body stays broken,
        and what boto3 raises for other failures.
        """
        failing, tries = 0.0, 0
        while True:
            got = file.tell()
            answer = self._ask(got)
            if answer is None:  # the object was replaced, and no version is pinned
                self._restart(file)
                continue
            try:
                self._take(answer, got, file)
                return str(self.etag)
            except _broken_bodies() as error:
                if isinstance(error, _wrong_bodies()):
                    self._restart(file)
                if file.tell() > got:
                    failing, tries = 0.0, 0
                failing, tries = failing or time.monotonic(), tries + 1
                wait = waiting(tries)
                if time.monotonic() + wait > failing + self.aws.give_up_after:
                    raise
                time.sleep(wait)

    def _restart(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        self.etag = self.pinned

    def _ask(self, got: int) -> Any:
        """The object from byte `got` on; None if it was replaced and must be read again."""
        params: dict[str, Any] = {"Bucket": self.bucket, "Key": self.key}
        params |= {"IfMatch": self.etag} if self.etag else {}
        params |= {"Range": f"bytes={got}-"} if got else {}
        try:
            return self.client.get_object(**params)
        except aws_errors() as error:
            if error_code(error) not in NOT_HELD:
                raise
            if self.pinned:
                raise SourceChanged(self._changed()) from error
            return None

    def _take(self, answer: Any, got: int, file: BinaryIO) -> None:
        """Append one answer's body to the file and verify the result."""
        if got == 0:
            self.etag, self.size = answer["ETag"], answer["ContentLength"]
            whole = answer.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT"
            self.checksums = {name: answer[name] for name in SUMS if whole and name in answer}
            self.md5 = None
            if not self.checksums and self.aws.md5_etags:
                self.md5 = md5_of(answer, self.bucket, self.client.meta.endpoint_url)
        for block in answer["Body"].iter_chunks(BLOCK):
            file.write(block)
        if file.tell() != self.size:
            raise BodyBroken(f"the body ended after {file.tell()} of {self.size} bytes")
        if got and not self._verified(file):
            raise WrongBody("the body does not match its checksum")
        if self.md5 and self.md5 != _digest(file, hashlib.md5(usedforsecurity=False)).hex():
            raise WrongBody(OTHER_MD5)

    def _changed(self) -> str:
        """The message for a replaced object, with what is there now if that can be found out."""
        uri = f"s3://{self.bucket}/{self.key}"
        try:
            now = self.client.head_object(Bucket=self.bucket, Key=self.key)
            detail = f"; now {now['ContentLength']} bytes, written {now['LastModified']:%F %T} UTC"
        except aws_errors() as error:  # only a detail of the message
            detail = " and removed" if error_code(error) in GONE else ""
        return f"source {uri}: was replaced while it was read{detail}; run again"

    def _verified(self, file: BinaryIO) -> bool:
        """Whether a body from several answers matches S3's checksum; boto3 verifies only one."""
        for name, expected in self.checksums.items():
            if base64.b64encode(_digest(file, SUMS[name]())).decode() != expected:
                return False
        return True


def md5_of(answer: Any, bucket: str, endpoint: str) -> str | None:
    """The MD5 of an object, in hex, from its ETag; None if the ETag may be something else.

    The ETag is the MD5 of objects that were uploaded in one piece, unencrypted or encrypted with
    S3's own keys. It is not in directory buckets, and need not be on other servers that encrypt.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    etag = answer["ETag"].strip('"')
    encrypted = answer.get("ServerSideEncryption") or answer.get("SSECustomerAlgorithm")
    on_aws = ".amazonaws.com" in (urlsplit(endpoint).hostname or "")
    plain = not encrypted or (on_aws and encrypted == "AES256")
    plain &= "SSECustomerAlgorithm" not in answer and not bucket.endswith("--x-s3")
    return etag if plain and MD5.fullmatch(etag) else None


def _digest(file: BinaryIO, state: Any) -> bytes:
    """The digest of a whole file; the file position is left at the end."""
    file.seek(0)
    while block := file.read(BLOCK):
        state.update(block)
    file.seek(0, io.SEEK_END)
    digest: bytes = state.digest()
    return digest


class WrongBody(BodyBroken):
    """All bytes arrived, but they are wrong and must be read again from the start."""


class Crc32:
    """zlib's CRC-32 with the interface of hashlib."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes) -> None:
        """Add more bytes."""
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        """The checksum as four big-endian bytes, as S3 expects it."""
        return self.value.to_bytes(4, "big")


SUMS: dict[str, Any] = {"ChecksumSHA256": hashlib.sha256, "ChecksumCRC32": Crc32}
"""The checksums that can be computed without another library."""


def _broken_bodies() -> tuple[type[BaseException], ...]:
    from botocore.exceptions import (
        FlexibleChecksumError,
        IncompleteReadError,
        ReadTimeoutError,
        ResponseStreamingError,
    )
    from urllib3.exceptions import HTTPError

    streams = (FlexibleChecksumError, IncompleteReadError, ReadTimeoutError)
    return (*streams, ResponseStreamingError, HTTPError, BodyBroken, ConnectionError)


def _wrong_bodies() -> tuple[type[BaseException], ...]:
    from botocore.exceptions import FlexibleChecksumError

    return (FlexibleChecksumError, WrongBody)
