"""Uploads in parts that a dead run has left unfinished: paid for, and seen by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.s3.errors import DENIED, NO_SUCH_CALL, aws_errors, error_code

NOT_SEEN = DENIED | NO_SUCH_CALL


def abort_uploads(client: Any, bucket: str, prefix: str) -> list[str]:
    """Abort every unfinished upload below a key prefix; returns their URIs, sorted.

    A role that may not list them aborts none. Raises what boto3 raises for the rest.
    """
    aborted = []
    for key, upload in list(_pending(client, bucket, prefix)):
        try:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        except aws_errors() as error:
            if error_code(error) not in {"NoSuchUpload", "404"}:
                raise
            continue  # it has ended meanwhile
        aborted.append(f"s3://{bucket}/{key}")
    return sorted(aborted)


def _pending(client: Any, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Key and upload id of each."""
    pages = client.get_paginator("list_multipart_uploads")
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Uploads", []):
                yield item["Key"], item["UploadId"]
    except aws_errors() as error:
        if error_code(error) not in NOT_SEEN:
            raise
