"""Errors of S3 and boto3, as messages that name the remedy."""

from __future__ import annotations

import re

from pipeline.errors import RecipeError

URI = re.compile(r"^s3://([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])(?:/(.*))?$", re.DOTALL)

GONE = {"NoSuchKey", "404"}
NOT_HELD = {"PreconditionFailed", "412"}  # If-Match or If-None-Match is not fulfilled
DENIED = {"AccessDenied", "403"}
NO_SUCH_CALL = {"NotImplemented", "XNotImplemented", "MethodNotAllowed", "405", "501"}
"""Codes that callers distinguish; the answer to a HEAD request has only a status."""

NO_RIGHT = "access denied; `bedrock-prep policy RECIPE` prints what the role needs"
EXPIRED = "the credentials have expired; sign in again"
REGION = "the bucket is in another Region; set aws.region to that of the bucket"
CLOCK = "this machine's clock is wrong by more than 15 minutes; set it (NTP) and run again"
BUSY = "S3 was busy or failing for too long; run again later, or raise aws.give_up_after"
NETWORK = "the connection failed for too long; check the network and run again"

REMEDIES = {
    "NoSuchBucket": "the bucket does not exist; check its name",
    "NoSuchKey": "the object does not exist",
    "404": "it does not exist",
    "AccessDenied": NO_RIGHT,
    "403": f"{NO_RIGHT}; or this machine's clock is wrong",
    "AllAccessDisabled": "the account's access to S3 is disabled; ask AWS",
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "TokenRefreshRequired": EXPIRED,
    "InvalidToken": "the session token is not valid; sign in again",
    "InvalidAccessKeyId": "the access key does not exist; sign in again",
    "SignatureDoesNotMatch": "the secret key is wrong; sign in again",
    "NoCredentialsError": "no credentials were found; sign in, or set AWS_PROFILE",
    "TokenRetrievalError": EXPIRED,
    "SSOTokenLoadError": EXPIRED,
    "UnauthorizedSSOTokenError": EXPIRED,
    "400": "refused, most often because the credentials have expired; sign in again",
    "PermanentRedirect": REGION,
    "301": REGION,
    "AuthorizationHeaderMalformed": REGION,
    "IllegalLocationConstraintException": REGION,
    "RequestTimeTooSkewed": CLOCK,
    "RequestExpired": CLOCK,
    "SlowDown": BUSY,
    "InternalError": BUSY,
    "ServiceUnavailable": BUSY,
    "500": BUSY,
    "503": BUSY,
    "RequestTimeout": NETWORK,
    "ConditionalRequestConflict": "another writer kept the object busy for too long; run again",
    "OperationAborted": "another writer kept the object busy for too long; run again",
    "ConnectionClosedError": NETWORK,
    "EndpointConnectionError": NETWORK,
    "ConnectTimeoutError": NETWORK,
    "ReadTimeoutError": NETWORK,
    "ResponseStreamingError": NETWORK,
    "KMS.DisabledException": "the KMS key is disabled; enable it or name another",
    "KMS.NotFoundException": "the KMS key does not exist in the bucket's Region",
    "BadDigest": "what S3 received is not what was sent; run again, and check this machine",
    "XAmzContentSHA256Mismatch": "what S3 received is not what was sent; run again",
}


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI. Raises RecipeError for anything else."""
    match = URI.match(uri)
    if match is None:
        raise RecipeError(f"{uri}: is not an S3 URI (s3://bucket/prefix)")
    return match[1], match[2] or ""


def aws_errors() -> tuple[type[BaseException], ...]:
    """What boto3 raises when S3 or the network fails; boto3 is imported only if S3 is used."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (Boto3Error, BotoCoreError, ClientError, OSError)


def error_code(error: BaseException) -> str:
    """The S3 error code of an exception, or the name of its class."""
    cause = error if hasattr(error, "response") else error.__context__ or error
    answer = getattr(cause, "response", None) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def error_text(error: BaseException, owner: str | None = None) -> str:
    """One line that names the cause and, if it is known, the remedy.

    `owner` is the account that the call required the bucket to belong to.
    """
    if isinstance(error, OSError) and error.strerror and error.filename:  # a local disk
        return f"{error.filename}: {error.strerror}"
    code = error_code(error)
    remedy = REMEDIES.get(code)
    if remedy and code in DENIED and owner:
        remedy += f"; or the bucket does not belong to {owner} (expected_bucket_owner)"
    return f"{code}: {remedy}" if remedy else f"{code}: {' '.join(str(error).split())}"
