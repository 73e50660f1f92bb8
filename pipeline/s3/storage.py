"""An S3 prefix as the place where runs are published."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.aws import Aws
from pipeline.errors import ConflictError, StorageError
from pipeline.s3.client import waiting
from pipeline.s3.errors import GONE, NOT_HELD, aws_errors, error_code, error_text, split_uri
from pipeline.s3.guard import look_at_bucket
from pipeline.s3.pending import abort_uploads
from pipeline.s3.read import ObjectRead
from pipeline.s3.upload import Upload, upload_files

MANIFEST = "manifest.json"


class S3Place:
    """Runs under an S3 prefix. Conditional writes decide between two runs, never a listing.

    A run's files are written only where none are, its manifest last; LATEST only over the version
    that was read. A write whose answer was lost is found out by reading what stands there.
    """

    def __init__(self, uri: str, aws: Aws) -> None:
        self.uri, self.aws = uri, aws
        self.bucket, self.prefix = split_uri(uri)
        self.client = aws.client()

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".lstrip("/")

    def _fault(self, name: str, error: BaseException) -> StorageError:
        return StorageError(f"{self.uri}/{name}: {error_text(error, self.aws.bucket_owner)}")

    def examine(self) -> list[str]:
        """Notes on the bucket; raises RecipeError when it is public."""
        return look_at_bucket(self.client, self.bucket, self.aws)

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and ETag of an object, or None. Raises StorageError."""
        body = io.BytesIO()
        etag = self._read_into(name, body)
        return None if etag is None else (body.getvalue(), etag)

    def open(self, name: str) -> BinaryIO | None:
        """A copy of an object on this machine, gone when it is closed, or None."""
        copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        if self._read_into(name, copy) is None:
            copy.close()
            return None
        copy.seek(0)
        return copy

    def _read_into(self, name: str, file: BinaryIO) -> str | None:
        """Write an object to a file; returns its ETag, None where there is none."""
        try:
            return ObjectRead(self.aws, self.client, self.bucket, self._key(name), None).into(file)
        except aws_errors() as error:
            if error_code(error) in GONE:
                return None
            raise self._fault(name, error) from error

    def sizes(self, _: Sequence[str]) -> None:
        """Not asked for: an object of a run is written where none is, and never over one."""

    def published(self) -> list[tuple[str, float]]:
        """The runs, with when their manifests were written."""
        try:
            return list(self._published())
        except aws_errors() as error:
            raise self._fault("runs/", error) from error

    def _published(self) -> Iterator[tuple[str, float]]:
        pages = self.client.get_paginator("list_objects_v2")
        above = self._key("runs/")
        for page in pages.paginate(Bucket=self.bucket, Prefix=above, Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                manifest = f"{found['Prefix']}{MANIFEST}"
                try:
                    head = self.client.head_object(Bucket=self.bucket, Key=manifest)
                except aws_errors() as error:
                    if error_code(error) not in GONE:
                        raise
                    continue  # still being uploaded
                run = found["Prefix"].removeprefix(above).rstrip("/")
                yield run, head["LastModified"].timestamp()

    def add_folder(self, staged: Path, name: str) -> None:
        """Upload what the staged manifest lists, then the manifest, which makes the run exist.

        What a dead run has left unfinished below `name` is removed once the run stands.
        Raises ConflictError when another manifest of that name, with other content, is there.
        """
        manifest = (staged / MANIFEST).read_bytes()
        uploads = [
            Upload(staged / file["path"], self._key(f"{name}/{file['path']}"), file["sha256"])
            for file in json.loads(manifest)["files"]
        ]
        try:
            upload_files(self.client, self.bucket, uploads, self.aws, self._stands(name))
        except aws_errors() as error:
            raise self._fault(name, error) from error
        self._write(f"{name}/{MANIFEST}", manifest, None)
        self.abort(f"{name}/")

    def _stands(self, name: str) -> Any:
        return lambda: self.read(f"{name}/{MANIFEST}") is not None

    def abort(self, name: str = "") -> list[str]:
        """Abort all unfinished uploads whose key begins with `name`; returns their URIs.

        Empty too when the role may not look for them.
        """
        try:
            return abort_uploads(self.client, self.bucket, self._key(name))
        except aws_errors() as error:
            raise self._fault(name, error) from error

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it is still the version that was read.

        Raises ConflictError when another run has replaced it since.
        """
        self._write(name, data, version)

    def _write(self, name: str, data: bytes, version: str | None) -> None:
        """Write over `version`, or where nothing is."""
        failing, tries = 0.0, 0
        while not self._put(name, data, version):
            there = self.read(name)
            if there is not None and there[0] == data:
                return  # our own write whose answer was lost, or the same run from elsewhere
            if (there[1] if there else None) != version:
                raise ConflictError(f"{self.uri}/{name}: another run has published; run again")
            # The condition does hold, as far as we can see: S3 is asked again.
            failing, tries = failing or time.monotonic(), tries + 1
            if time.monotonic() > failing + self.aws.give_up_after:
                raise StorageError(
                    f"{self.uri}/{name}: S3 says that the object has changed, but it has not; "
                    "run again"
                )
            time.sleep(waiting(tries))

    def _put(self, name: str, data: bytes, version: str | None) -> bool:
        """Whether the object was written; False when S3 says that the condition does not hold."""
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        target = {"Bucket": self.bucket, "Key": self._key(name)}
        try:
            self.client.put_object(**target, Body=data, ChecksumSHA256=digest, **condition)
        except aws_errors() as error:
            if error_code(error) in NOT_HELD or (version and error_code(error) in GONE):
                return False
            raise self._fault(name, error) from error
        return True
