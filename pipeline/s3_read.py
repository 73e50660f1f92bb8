"""Reading one S3 object: resumed where its body broke off, and never a mixture of two versions."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from typing import Any, BinaryIO

from pipeline.aws import Aws
from pipeline.errors import SourceChanged
from pipeline.s3_client import waiting
from pipeline.s3_errors import GONE, NOT_HELD, aws_errors, error_code

BLOCK = 1 << 20


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
        for block in answer["Body"].iter_chunks(BLOCK):
            file.write(block)
        if file.tell() != self.size:
            raise BodyBroken(f"the body ended after {file.tell()} of {self.size} bytes")
        if got and not self._verified(file):
            raise WrongBody("the body is not what its checksum says")

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
            file.seek(0)
            state = SUMS[name]()
            while block := file.read(BLOCK):
                state.update(block)
            if base64.b64encode(state.digest()).decode() != told:
                return False
        file.seek(0, io.SEEK_END)
        return True


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
