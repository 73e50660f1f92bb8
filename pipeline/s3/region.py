"""The Region of a bucket."""

from __future__ import annotations

from typing import Any

from pipeline.s3.errors import aws_errors


def bucket_region(client: Any, bucket: str) -> str | None:
    """The Region that S3 reports for a bucket, even in a refusal; None if it reports none."""
    try:
        answer = client.head_bucket(Bucket=bucket)
    except aws_errors() as error:
        answer = getattr(error, "response", None) or {}
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: str | None = answer.get("BucketRegion") or headers.get("x-amz-bucket-region")
    return region
