"""A client of Bedrock, and the exceptions and remedies for its error codes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pipeline.bedrock.causes import find_cause
from pipeline.errors import ConflictError, PrepError, RecipeError, StorageError

LOOPBACK = {"localhost", "127.0.0.1", "::1"}

REFUSALS: dict[str, tuple[type[PrepError], str]] = {
    "ValidationException": (RecipeError, ""),
    "ParamValidationError": (RecipeError, ""),
    "TooManyTagsException": (RecipeError, "a resource can have at most 50 tags"),
    "ResourceNotFoundException": (RecipeError, "check the name and the Region (--region)"),
    "ConflictException": (
        ConflictError,
        "another job or model has this name; set job.custom_model_name and prepare again",
    ),
    "AccessDeniedException": (
        StorageError,
        "`bedrock-prep policy RECIPE` prints what the caller's role needs",
    ),
    "ServiceQuotaExceededException": (
        StorageError,
        "wait until another job has ended, or ask AWS for a higher quota",
    ),
    "ThrottlingException": (StorageError, "Bedrock still throttles after every retry; try later"),
    "ExpiredTokenException": (StorageError, "the credentials have expired; sign in again"),
    "ExpiredToken": (StorageError, "the credentials have expired; sign in again"),
    "InvalidSignatureException": (
        StorageError,
        "the secret key or this machine's clock is wrong; sign in again, or set the clock (NTP)",
    ),
    "UnrecognizedClientException": (StorageError, "the access key does not exist"),
    "NoCredentialsError": (StorageError, "sign in, or set AWS_PROFILE"),
}
"""By error code: the exception to raise, and the remedy. Other codes raise StorageError."""

LASTING = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "ExpiredToken",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "NoCredentialsError",
}
"""Codes of StorageErrors that do not pass while a command waits."""

NOT_BEDROCK = "what answered is not Bedrock; check the endpoint (--endpoint-url) and proxies"


def secure_endpoint(endpoint_url: str | None, service: str) -> str | None:
    """The endpoint set by option or by AWS's own environment variables; None if none is set.

    Raises RecipeError for an http:// endpoint, unless it is on localhost.
    """
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}")
    endpoint = endpoint_url or named or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise RecipeError(
                f"--endpoint-url: {endpoint} is not https://; http:// works only on localhost"
            )
    return endpoint


def session_region(profile: str | None = None) -> str | None:
    """The Region that the environment or the AWS profile names, or None."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        region: str | None = boto3.Session(profile_name=profile).region_name
    except BotoCoreError as error:
        raise StorageError(f"AWS: {error}") from error
    return region


def aws_client(
    service: str,
    region: str,
    endpoint_url: str | None = None,
    profile: str | None = None,
    tries: int = 8,
    read_timeout: int = 60,
) -> Any:
    """A boto3 client that retries when throttled, with credentials from the default chain.

    It tries a call up to `tries` times and waits `read_timeout` seconds for each answer. Raises
    RecipeError for an insecure endpoint, StorageError without a usable profile.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = secure_endpoint(endpoint_url, service)
    config = Config(retries={"mode": "standard", "max_attempts": tries}, read_timeout=read_timeout)
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        return session.client(service, endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(f"AWS: {error}") from error


def passes(error: StorageError) -> bool:
    """Whether a failure raised by `asking` may pass by itself, as an outage does."""
    cause = error.__cause__
    return isinstance(cause, aws_failures()) and failure_code(cause) not in LASTING


def strange_answers() -> tuple[type[Exception], ...]:
    """What reading an answer raises when it does not come from the service, but from a proxy."""
    from botocore.parsers import ResponseParserError

    return (KeyError, TypeError, AttributeError, ResponseParserError)


def aws_failures() -> tuple[type[Exception], ...]:
    """What boto3 raises when a service refuses or cannot be reached."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def failure_code(error: BaseException) -> str:
    """The service's error code, or the name of the exception's class."""
    answer = getattr(error, "response", None) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def failure_message(error: BaseException) -> str:
    """The service's own message in one line."""
    answer = getattr(error, "response", None) or {}
    return " ".join(str(answer.get("Error", {}).get("Message") or error).split())


@contextmanager
def asking(what: str, right: str | None = None) -> Iterator[None]:
    """A context for calls to Bedrock; `what` begins the message of a failure.

    `right` is the remedy of a refusal for a right that no document of `policy` grants.
    Raises RecipeError for a request that Bedrock calls invalid, ConflictError, and StorageError
    for failures that may pass by themselves or with other rights, and for an answer that lacks what
    the context reads from it: only calls and the reading of their answers belong in the context.
    """
    try:
        yield
    except aws_failures() as error:
        kind, remedy = REFUSALS.get(failure_code(error), (StorageError, ""))
        if right and failure_code(error) == "AccessDeniedException":
            remedy = right
        message = failure_message(error)
        cause = find_cause(message)
        parts = [f"{what}: {message}", cause.remedy if cause else remedy]
        raise kind("; ".join(part for part in parts if part)) from error
    except strange_answers() as error:
        raise StorageError(f"{what}: {NOT_BEDROCK}") from error
