"""The boto3 client: its retries, and the parameters that every request must carry.

By itself, boto3 gives up on throttling after three tries, never retries a 409, and needs the
bucket owner and KMS key in every call. The client made here settles this for all calls, including
those of boto3's transfers.
"""

from __future__ import annotations

import random
import time
from typing import Any

from pipeline.aws import Aws
from pipeline.errors import StorageError
from pipeline.failpoints import step
from pipeline.s3.errors import DENIED

FIRST_WAIT, LONGEST_WAIT = 0.1, 20.0  # seconds
HARD_TRIES = 3
PASSING_STATUS = {408, 429, 500, 502, 503, 504}
PASSING = {
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
REFUSED = {
    "301",  # the answers to HEAD have no body with a better code
    "400",
    "ExpiredToken",
    "PermanentRedirect",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
}
"""Mostly final, but rights propagate and credentials are renewed, so these are retried twice."""

SPARED = {"GetBucketPolicyStatus", "GetPublicAccessBlock", "ListMultipartUploads"}
"""Calls that a run can do without: if they are denied, they are not retried."""


def s3_client(aws: Aws, endpoint: str | None) -> Any:
    """A boto3 S3 client configured by `aws`. Raises StorageError without a usable profile."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},  # `Patience` decides instead
        connect_timeout=min(10.0, aws.stall_after),
        read_timeout=aws.stall_after,
        max_pool_connections=max(10, aws.concurrency + 2),
    )
    try:
        session = boto3.Session(profile_name=aws.profile, region_name=aws.region)
        client = session.client("s3", endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(f"AWS: {error}") from error
    events = client.meta.events
    events.register("needs-retry.s3", Patience(aws.give_up_after))
    events.register("provide-client-params.s3", Carried(aws))
    events.register("before-send.s3", _sending)
    events.register("response-received.s3", _received)
    return client


class Patience:
    """Decides whether, and after how many seconds, a failed request is sent again.

    Temporary failures (throttling, a broken connection, a conflicting write) are retried until
    `give_up_after` seconds after the first failure. A refusal is tried three times in all, anything
    else once.
    """

    def __init__(self, give_up_after: float) -> None:
        self.give_up_after = give_up_after

    def __call__(
        self,
        attempts: int,
        response: Any,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        operation: Any,
        **_: Any,
    ) -> float | None:
        """Seconds to wait before the next try, or None to give up."""
        kind = kind_of(response, caught_exception)
        if kind is None or (kind == "denied" and operation.name in SPARED):
            return None
        if kind != "passing" and attempts >= HARD_TRIES:
            return None
        context = request_dict["context"]
        first = context.setdefault("first_failure", time.monotonic())
        wait = waiting(attempts)
        if time.monotonic() + wait > first + self.give_up_after:
            return None
        return wait


def waiting(attempts: int) -> float:
    """Seconds before the next try: doubled each time, with a random part to spread clients."""
    longest = min(FIRST_WAIT * 2.0 ** (attempts - 1), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads load and reaches no output


def kind_of(response: Any, error: Exception | None) -> str | None:
    """`passing`, `refused` or `denied`; None for an answer, good or bad, that is final."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError, SSLError
    from botocore.parsers import ResponseParserError

    if error is not None:
        passing = isinstance(error, NoConnection | HTTPClientError | ResponseParserError)
        return "passing" if passing and not isinstance(error, SSLError) else None
    if response is None:
        return None
    http, parsed = response
    code = str(parsed.get("Error", {}).get("Code", ""))
    if code in PASSING or http.status_code in PASSING_STATUS:
        return "passing"
    if code in DENIED:
        return "denied"
    return "refused" if code in REFUSED else None


class Carried:
    """Adds the bucket's owner to every call, and the KMS key to every write."""

    def __init__(self, aws: Aws) -> None:
        self.owner = {"ExpectedBucketOwner": aws.bucket_owner} if aws.bucket_owner else {}
        self.seal: dict[str, Any] = {}
        if aws.kms_key_id:
            self.seal = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": aws.kms_key_id,
                "BucketKeyEnabled": True,
            }

    def __call__(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Add only parameters that the operation accepts and that the caller did not set."""
        takes = model.input_shape.members if model.input_shape else {}
        carried = dict(self.owner)
        if model.name in {"PutObject", "CreateMultipartUpload"}:
            carried |= self.seal
        for name, value in carried.items():
            if name in takes:
                params.setdefault(name, value)


def _sending(event_name: str, **_: Any) -> None:
    step(f"send {event_name.rsplit('.', 1)[-1]}")


def _received(event_name: str, **_: Any) -> None:
    step(f"received {event_name.rsplit('.', 1)[-1]}")
