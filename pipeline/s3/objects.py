"""Objects in S3 that never change, each named by the SHA-256 of its bytes, below one prefix."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.aws import Aws
from pipeline.errors import StorageError
from pipeline.failpoints import step
from pipeline.local_sources import hash_file
from pipeline.s3.errors import GONE, aws_errors, error_code, error_text, split_uri
from pipeline.s3.pending import abort_uploads
from pipeline.s3.read import ObjectRead
from pipeline.s3.upload import Upload, upload_files

AT_ONCE = 1000
"""Objects that one DeleteObjects takes."""


@dataclass(frozen=True)
class Stored:
    """An object that stands there."""

    bytes: int
    modified: float  # seconds since 1970


class S3Objects:
    """What stands below an s3:// prefix. All of it raises StorageError."""

    def __init__(self, uri: str, aws: Aws) -> None:
        self.uri, self.aws = uri, aws
        self.bucket, self.prefix = split_uri(uri)
        self.client = aws.client()

    def _key(self, sha256: str) -> str:
        return f"{self.prefix}/{sha256}"

    def _fault(self, error: BaseException) -> StorageError:
        return StorageError(f"{self.uri}/: {error_text(error, self.aws.bucket_owner)}")

    def stored(self) -> dict[str, Stored]:
        """All of them, by SHA-256."""
        pages = self.client.get_paginator("list_objects_v2")
        found = {}
        try:
            for page in pages.paginate(Bucket=self.bucket, Prefix=self._key("")):
                for item in page.get("Contents", ()):
                    told = Stored(item["Size"], item["LastModified"].timestamp())
                    found[item["Key"].removeprefix(self._key(""))] = told
        except aws_errors() as error:
            raise self._fault(error) from error
        return found

    def add(self, files: Iterable[tuple[Path, str]]) -> None:
        """Upload files (path, SHA-256); what a dead run has left unfinished is removed."""
        uploads = [Upload(path, self._key(sha256), sha256) for path, sha256 in files]
        try:
            upload_files(self.client, self.bucket, uploads, self.aws, lambda: False)
            abort_uploads(self.client, self.bucket, self._key(""))
        except aws_errors() as error:
            raise self._fault(error) from error

    def fetch(self, sha256: str, path: Path) -> bool:
        """An object's bytes as `path`; False, and no file, if it is gone or is another."""
        unfinished = path.with_name(path.name + ".part")
        try:
            with unfinished.open("wb+") as file:
                read = ObjectRead(self.aws, self.client, self.bucket, self._key(sha256), None)
                read.into(file)
        except aws_errors() as error:
            unfinished.unlink(missing_ok=True)
            if error_code(error) in GONE:
                return False
            raise self._fault(error) from error
        if hash_file(unfinished) != sha256:
            unfinished.unlink()
            return False
        step("rename fetched file")
        unfinished.replace(path)
        return True

    def remove(self, names: Collection[str]) -> None:
        """Delete objects by SHA-256; those that are gone already are no fault."""
        keys = [{"Key": self._key(name)} for name in sorted(names)]
        for start in range(0, len(keys), AT_ONCE):
            named = {"Objects": keys[start : start + AT_ONCE], "Quiet": True}
            try:
                told = self.client.delete_objects(Bucket=self.bucket, Delete=named)
            except aws_errors() as error:
                raise self._fault(error) from error
            for refused in told.get("Errors", ()):
                raise StorageError(f"{self.uri}/: {refused['Code']}: cannot be deleted")
