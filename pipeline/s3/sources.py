"""Sources in S3: what a prefix or glob means, and the bytes of the version that was listed."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

from pipeline.aws import Aws
from pipeline.errors import StorageError
from pipeline.failpoints import step
from pipeline.s3.errors import aws_errors, error_text, split_uri
from pipeline.s3.read import ObjectRead
from pipeline.source import Listed

GLOB = re.compile(r"[*?\[]")


def list_s3(spec: str, aws: Aws) -> list[Listed]:
    """The objects that an s3:// URI, prefix or glob means. Raises StorageError."""
    bucket, key = split_uri(spec)
    prefix = GLOB.split(key, maxsplit=1)[0]
    pages = aws.client().get_paginator("list_objects_v2")
    found = []
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if wanted(item["Key"], key, prefix):
                    uri = f"s3://{bucket}/{item['Key']}"
                    found.append(Listed(uri, item["Size"], None, item["ETag"]))
    except aws_errors() as error:
        raise StorageError(f"source {spec}: {error_text(error, aws.bucket_owner)}") from error
    return found


def wanted(key: str, spec: str, prefix: str) -> bool:
    """Whether a listed key is one that the spec means; hidden files are not."""
    if key.endswith("/") or key.rsplit("/", 1)[-1].startswith("."):
        return False
    if prefix != spec:
        return fnmatch.fnmatchcase(key, spec)
    return key == spec or not spec or key.startswith(spec if spec.endswith("/") else spec + "/")


def fetch_s3(listed: Listed, path: Path, aws: Aws) -> None:
    """The listed version's bytes as `path`, whole or not at all.

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
        raise StorageError(f"source {listed.uri}: has {size} bytes, was listed with {listed.size}")
    step("rename source")
    unfinished.replace(path)
