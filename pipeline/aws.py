"""How to reach S3: a recipe's `aws` and `publish` settings as one value, and the client for it."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import RecipeError

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
IDENTITY = ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID")


@dataclass(frozen=True)
class Aws:
    """Region, profile, endpoint and limits; credentials come from the default chain."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    bucket_owner: str | None = None  # 12 digits, sent with every call
    kms_key_id: str | None = None  # encrypts what is written
    concurrency: int = 8  # requests at once while files are fetched or uploaded
    max_bandwidth: int | None = None  # bytes a second while files are uploaded
    give_up_after: float = 300.0  # seconds after which a failing call is given up
    stall_after: float = 60.0  # seconds without a byte after which a connection is given up
    md5_etags: bool = True  # whether the ETag of an object put in one piece is its MD5

    def client(self) -> Any:
        """A boto3 S3 client; the same settings always give the same client.

        Raises RecipeError for an http:// endpoint that is not on the local host.
        """
        endpoint = self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3")
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            parts = urlsplit(endpoint)
            if parts.scheme != "https" and parts.hostname not in LOOPBACK:
                raise RecipeError(
                    f"aws.endpoint_url: {endpoint} is not https://; http:// is only for localhost"
                )
        return _client(self, endpoint, tuple(os.environ.get(name) for name in IDENTITY))


@functools.lru_cache(maxsize=16)
def _client(aws: Aws, endpoint: str | None, _identity: tuple[str | None, ...]) -> Any:
    from pipeline.s3.client import s3_client

    return s3_client(aws, endpoint)
