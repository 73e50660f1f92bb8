"""Objects in S3 that never change, below one prefix, each named by the SHA-256 of its bytes."""

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
"""How many objects one DeleteObjects call accepts."""


@dataclass(frozen=True)
class Stored:
    """An object that exists below the prefix."""

    bytes: int
    modified: float  # seconds since 1970


class S3Objects:
    """The objects below an s3:// prefix. All methods raise StorageError."""

    def __init__(self, uri: str, aws: Aws) -> None:
        self.uri, self.aws = uri, aws
        self.bucket, self.prefix = split_uri(uri)
        self.client = aws.client()

    def _key(self, sha256: str) -> str:
        return f"{self.prefix}/{sha256}"

    def _fault(self, error: BaseException) -> StorageError:
        return StorageError(f"{self.uri}/: {error_text(error, self.aws.bucket_owner)}")

    def stored(self) -> dict[str, Stored]:
        """All objects, by SHA-256."""
        pages = self.client.get_paginator("list_objects_v2")
        objects = {}
        try:
            for page in pages.paginate(Bucket=self.bucket, Prefix=self._key("")):
                for item in page.get("Contents", ()):
                    stored_object = Stored(item["Size"], item["LastModified"].timestamp())
                    objects[item["Key"].removeprefix(self._key(""))] = stored_object
        except aws_errors() as error:
            raise self._fault(error) from error
        return objects

    def add(self, files: Iterable[tuple[Path, str]]) -> None:
        """Upload files (path, SHA-256), then remove uploads that a dead run left unfinished."""
        uploads = [Upload(path, self._key(sha256), sha256) for path, sha256 in files]
        try:
            upload_files(self.client, self.bucket, uploads, self.aws, lambda: False)
            abort_uploads(self.client, self.bucket, self._key(""))
        except aws_errors() as error:
            raise self._fault(error) from error

    def fetch(self, sha256: str, path: Path) -> bool:
        """Fetch an object's bytes to `path`; False, and no file, if it is gone or has changed."""
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
        """Delete objects by SHA-256; one that is already gone is not an error."""
        keys = [{"Key": self._key(name)} for name in sorted(names)]
        for start in range(0, len(keys), AT_ONCE):
            named = {"Objects": keys[start : start + AT_ONCE], "Quiet": True}
            try:
                answer = self.client.delete_objects(Bucket=self.bucket, Delete=named)
            except aws_errors() as error:
                raise self._fault(error) from error
            for refused in answer.get("Errors", ()):
                raise StorageError(f"{self.uri}/: {refused['Code']}: cannot be deleted")
