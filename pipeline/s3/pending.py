"""Multipart uploads that a run left unfinished when it died: billed, but invisible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.s3.errors import DENIED, NO_SUCH_CALL, aws_errors, error_code

NOT_SEEN = DENIED | NO_SUCH_CALL


def abort_uploads(client: Any, bucket: str, prefix: str) -> list[str]:
    """Abort every unfinished upload below a key prefix; returns their URIs, sorted.

    If the role may not list them, none is aborted. Raises what boto3 raises for other failures.
    """
    aborted = []
    for key, upload in list(_pending(client, bucket, prefix)):
        try:
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        except aws_errors() as error:
            if error_code(error) not in {"NoSuchUpload", "404"}:
                raise
            continue  # it has ended in the meantime
        aborted.append(f"s3://{bucket}/{key}")
    return sorted(aborted)


def _pending(client: Any, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Key and upload id of each unfinished upload; none if the role may not list them."""
    pages = client.get_paginator("list_multipart_uploads")
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Uploads", []):
                yield item["Key"], item["UploadId"]
    except aws_errors() as error:
        if error_code(error) not in NOT_SEEN:
            raise
