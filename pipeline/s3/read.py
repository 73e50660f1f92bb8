"""Reading one S3 object: resumed where its body broke off, and never a mixture of two versions."""

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
    "the body is not what its ETag says, the MD5 of an object; if the ETags of this server are "
    "something else, set aws.md5_etags: false"
)


class BodyBroken(OSError):
    """The body ended early, or is not what its checksum says."""


class ObjectRead:
    """A read of one object into a file that can be rewound."""

    def __init__(self, aws: Aws, client: Any, bucket: str, key: str, etag: str | None) -> None:
        self.aws, self.client = aws, client
        self.bucket, self.key = bucket, key
        self.pinned = self.etag = etag
        self.size = 0
        self.checksums: dict[str, str] = {}
        self.md5: str | None = None

    def into(self, file: BinaryIO) -> str:
        """Write the whole body; returns its ETag.

        Raises SourceChanged when a pinned version is gone, what boto3 raises for the rest, and
        BodyBroken when it stays broken.
        """
        failing, tries = 0.0, 0
        while True:
            got = file.tell()
            answer = self._ask(got)
            if answer is None:  # it was replaced, and any version will do
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
        """The object from byte `got` on; None when it was replaced and is to be read anew."""
        asked: dict[str, Any] = {"Bucket": self.bucket, "Key": self.key}
        asked |= {"IfMatch": self.etag} if self.etag else {}
        asked |= {"Range": f"bytes={got}-"} if got else {}
        try:
            return self.client.get_object(**asked)
        except aws_errors() as error:
            if error_code(error) not in NOT_HELD:
                raise
            if self.pinned:
                raise SourceChanged(self._changed()) from error
            return None

    def _take(self, answer: Any, got: int, file: BinaryIO) -> None:
        """One answer's body, from where the file ends to where it should."""
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
            raise WrongBody("the body is not what its checksum says")
        if self.md5 and self.md5 != _digest(file, hashlib.md5(usedforsecurity=False)).hex():
            raise WrongBody(OTHER_MD5)

    def _changed(self) -> str:
        """What stands there now, if it can be told."""
        uri = f"s3://{self.bucket}/{self.key}"
        try:
            now = self.client.head_object(Bucket=self.bucket, Key=self.key)
            told = f"; now it has {now['ContentLength']} bytes of {now['LastModified']:%F %T} UTC"
        except aws_errors() as error:  # only a detail of the message
            told = " and removed" if error_code(error) in GONE else ""
        return f"source {uri}: was replaced while it was read{told}; run again"

    def _verified(self, file: BinaryIO) -> bool:
        """Whether a body of several answers is what S3 has a checksum of; boto3 verifies one."""
        for name, told in self.checksums.items():
            if base64.b64encode(_digest(file, SUMS[name]())).decode() != told:
                return False
        return True


def md5_of(answer: Any, bucket: str, endpoint: str) -> str | None:
    """The MD5 of an object, in hex, which its ETag is; None where that is something else.

    It is the MD5 of what was put whole, encrypted at most with S3's own keys. In directory buckets
    it is not, nor need it be on other servers that encrypt.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    etag = answer["ETag"].strip('"')
    encrypted = answer.get("ServerSideEncryption") or answer.get("SSECustomerAlgorithm")
    on_aws = ".amazonaws.com" in (urlsplit(endpoint).hostname or "")
    plain = not encrypted or (on_aws and encrypted == "AES256")
    plain &= "SSECustomerAlgorithm" not in answer and not bucket.endswith("--x-s3")
    return etag if plain and MD5.fullmatch(etag) else None


def _digest(file: BinaryIO, state: Any) -> bytes:
    """The digest of a whole file, which is left at its end."""
    file.seek(0)
    while block := file.read(BLOCK):
        state.update(block)
    file.seek(0, io.SEEK_END)
    digest: bytes = state.digest()
    return digest


class WrongBody(BodyBroken):
    """All bytes came, but they are wrong: to be read from the start."""


class Crc32:
    """zlib's CRC-32 in hashlib's manner."""

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes) -> None:
        """Take in more."""
        self.value = zlib.crc32(data, self.value)

    def digest(self) -> bytes:
        """Four bytes, as S3 takes them."""
        return self.value.to_bytes(4, "big")


SUMS: dict[str, Any] = {"ChecksumSHA256": hashlib.sha256, "ChecksumCRC32": Crc32}
"""The checksums that this machine can compute without a further library."""


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
