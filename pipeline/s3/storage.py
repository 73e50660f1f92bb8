"""An S3 prefix to which runs are published."""

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
    """Runs below an S3 prefix. Conditional writes decide between two runs, never a listing.

    A run's files are written only if they do not exist yet, its manifest last; LATEST is written
    only over the version that was read. After a write whose answer was lost, the object is read to
    find out whether the write succeeded.
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
        """Content and ETag of an object; None if there is no object. Raises StorageError."""
        body = io.BytesIO()
        etag = self._read_into(name, body)
        return None if etag is None else (body.getvalue(), etag)

    def open(self, name: str) -> BinaryIO | None:
        """A local copy of an object, deleted when it is closed; None if there is no object."""
        copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        if self._read_into(name, copy) is None:
            copy.close()
            return None
        copy.seek(0)
        return copy

    def _read_into(self, name: str, file: BinaryIO) -> str | None:
        """Write an object to a file; returns its ETag, or None if there is no object."""
        try:
            return ObjectRead(self.aws, self.client, self.bucket, self._key(name), None).into(file)
        except aws_errors() as error:
            if error_code(error) in GONE:
                return None
            raise self._fault(name, error) from error

    def sizes(self, _: Sequence[str]) -> None:
        """Do nothing: a run's objects are created but never overwritten, so sizes cannot change."""

    def published(self) -> list[tuple[str, float]]:
        """The runs, each with the time its manifest was written, in seconds since 1970."""
        try:
            return list(self._published())
        except aws_errors() as error:
            raise self._fault("runs/", error) from error

    def _published(self) -> Iterator[tuple[str, float]]:
        pages = self.client.get_paginator("list_objects_v2")
        above = self._key("runs/")
        for page in pages.paginate(Bucket=self.bucket, Prefix=above, Delimiter="/"):
            for folder in page.get("CommonPrefixes", ()):
                manifest = f"{folder['Prefix']}{MANIFEST}"
                try:
                    head = self.client.head_object(Bucket=self.bucket, Key=manifest)
                except aws_errors() as error:
                    if error_code(error) not in GONE:
                        raise
                    continue  # still being uploaded
                run = folder["Prefix"].removeprefix(above).rstrip("/")
                yield run, head["LastModified"].timestamp()

    def add_folder(self, staged: Path, name: str) -> None:
        """Upload what the staged manifest lists, then the manifest, which makes the run exist.

        Uploads below `name` that a dead run left unfinished are then removed. Raises ConflictError
        if another manifest of that name, with other content, exists.
        """
        manifest = (staged / MANIFEST).read_bytes()
        uploads = [
            Upload(staged / file["path"], self._key(f"{name}/{file['path']}"), file["sha256"])
            for file in json.loads(manifest)["files"]
        ]
        try:
            upload_files(self.client, self.bucket, uploads, self.aws, self._is_published(name))
        except aws_errors() as error:
            raise self._fault(name, error) from error
        self._write(f"{name}/{MANIFEST}", manifest, None)
        self.abort(f"{name}/")

    def _is_published(self, name: str) -> Any:
        return lambda: self.read(f"{name}/{MANIFEST}") is not None

    def abort(self, name: str = "") -> list[str]:
        """Abort all unfinished uploads whose key begins with `name`; returns their URIs.

        The list is also empty if the role may not list uploads.
        """
        try:
            return abort_uploads(self.client, self.bucket, self._key(name))
        except aws_errors() as error:
            raise self._fault(name, error) from error

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it is still the version that was read.

        Raises ConflictError if another run has replaced it since.
        """
        self._write(name, data, version)

    def _write(self, name: str, data: bytes, version: str | None) -> None:
        """Write an object over the given version, or create it if `version` is None."""
        failing, tries = 0.0, 0
        while not self._put(name, data, version):
            current = self.read(name)
            if current is not None and current[0] == data:
                return  # our own write whose answer was lost, or the same run on another machine
            if (current[1] if current else None) != version:
                raise ConflictError(f"{self.uri}/{name}: another run has published; run again")
            # As far as we can see, the condition does hold, so the write is tried again.
            failing, tries = failing or time.monotonic(), tries + 1
            if time.monotonic() > failing + self.aws.give_up_after:
                raise StorageError(
                    f"{self.uri}/{name}: S3 says that the object has changed, but it has not; "
                    "run again"
                )
            time.sleep(waiting(tries))

    def _put(self, name: str, data: bytes, version: str | None) -> bool:
        """Write the object once; False if S3 says that the condition does not hold."""
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
