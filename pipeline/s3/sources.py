"""Sources in S3: the objects of a prefix or glob, and the bytes of the listed version."""

from __future__ import annotations

from pathlib import Path

from pipeline.aws import Aws
from pipeline.errors import StorageError
from pipeline.failpoints import step
from pipeline.globs import GLOB, any_hidden, is_meant, whole
from pipeline.s3.errors import aws_errors, error_text, split_uri
from pipeline.s3.read import ObjectRead
from pipeline.source import Listed


def list_s3(spec: str, aws: Aws) -> list[Listed]:
    """The objects that an s3:// URI, prefix or glob means. Raises StorageError."""
    bucket, key = split_uri(whole(spec))
    prefix = GLOB.split(key, maxsplit=1)[0]
    pages = aws.client().get_paginator("list_objects_v2")
    listed = []
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if wanted(item["Key"], key):
                    uri = f"s3://{bucket}/{item['Key']}"
                    listed.append(Listed(uri, item["Size"], None, item["ETag"]))
    except aws_errors() as error:
        raise StorageError(f"source {spec}: {error_text(error, aws.bucket_owner)}") from error
    return listed


def wanted(key: str, spec: str) -> bool:
    """Whether the whole spec means a listed key; what is hidden below the spec is excluded."""
    if key.endswith("/"):
        return False
    if GLOB.search(spec):
        return is_meant(key, spec)
    folder = spec if not spec or spec.endswith("/") else spec + "/"
    below = key.removeprefix(folder).split("/")
    return key == spec or (key.startswith(folder) and not any_hidden(below))


def fetch_s3(listed: Listed, path: Path, aws: Aws) -> None:
    """Fetch the listed version's bytes to `path`, completely or not at all.

    Raises SourceChanged when the object was replaced, StorageError when it cannot be read.
    """
    bucket, key = split_uri(listed.uri)
    unfinished = path.with_name(path.name + ".part")
    client = aws.client()
    try:
        with unfinished.open("wb+") as file:
            ObjectRead(aws, client, bucket, key, listed.etag).into(file)
            size = file.tell()
    except aws_errors() as error:
        raise StorageError(f"source {listed.uri}: {error_text(error, aws.bucket_owner)}") from error
    if size != listed.size:
        raise StorageError(
            f"source {listed.uri}: has {size} bytes, but was listed with {listed.size}; run again"
        )
    step("rename source")
    unfinished.replace(path)
