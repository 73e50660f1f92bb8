"""An S3 prefix as the place where runs are published, and the words for what S3 answers."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from pipeline.errors import ConflictError, RecipeError, StorageError

CONFLICT_TRIES = 5
URI = re.compile(r"^s3://([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])(?:/(.*))?$", re.DOTALL)

REMEDIES = {
    "NoSuchBucket": "the bucket does not exist",
    "NoSuchKey": "the object does not exist",
    "AccessDenied": "access denied; the role needs s3:ListBucket, s3:GetObject and s3:PutObject",
    "403": "access denied, or the bucket belongs to another account",
    "ExpiredToken": "the credentials have expired; sign in again",
    "InvalidAccessKeyId": "the access key does not exist",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "PermanentRedirect": "the bucket is in another Region; set aws.region",
    "301": "the bucket is in another Region; set aws.region",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
}


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an s3:// URI. Raises RecipeError for anything else."""
    match = URI.match(uri)
    if match is None:
        raise RecipeError(f"{uri}: is not an S3 URI (s3://bucket/prefix)")
    return match[1], match[2] or ""


def s3_client(region: str | None, profile: str | None, endpoint: str | None) -> Any:
    """A boto3 client that rides out throttling: boto3's three tries are too few for it."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(retries={"mode": "standard", "max_attempts": 8}, read_timeout=60)
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        return session.client("s3", endpoint_url=endpoint, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(f"AWS: {error}") from error


def aws_errors() -> tuple[type[BaseException], ...]:
    """What boto3 raises when S3 or the network fails; imported only where S3 is used."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (Boto3Error, BotoCoreError, ClientError, OSError)


def error_code(error: BaseException) -> str:
    """The S3 error code of an exception, or its class's name."""
    cause = error if hasattr(error, "response") else error.__context__ or error
    answer = getattr(cause, "response", None) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def error_text(error: BaseException) -> str:
    """One line that names the cause and, where we know it, the remedy."""
    code = error_code(error)
    return REMEDIES.get(code) or f"{code}: {' '.join(str(error).split())}"


class S3Place:
    """Runs under an S3 prefix. Conditional writes decide between two runs, never a listing."""

    def __init__(self, uri: str, client: Any, owner: str | None, kms_key_id: str | None) -> None:
        self.uri = uri
        self.bucket, self.prefix = split_uri(uri)
        self.client = client
        self.owned = {"ExpectedBucketOwner": owner} if owner else {}
        self.sealed = {}
        if kms_key_id:
            self.sealed = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": kms_key_id,
                "BucketKeyEnabled": True,
            }

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".lstrip("/")

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and ETag of a small object, or None. Raises StorageError."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self._key(name), **self.owned)
            return answer["Body"].read(), answer["ETag"]
        except aws_errors() as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise StorageError(f"{self.uri}/{name}: {error_text(error)}") from error

    def add_folder(self, staged: Path, name: str) -> None:
        """Upload every file, then manifest.json, which alone makes the run exist.

        Raises ConflictError when another manifest of that name, with other content, is there.
        """
        for folder, _, files in sorted(os.walk(staged)):
            for file in sorted(files):
                path = Path(folder, file)
                inside = path.relative_to(staged).as_posix()
                if inside != "manifest.json":
                    self._upload(path, f"{name}/{inside}")
        manifest = (staged / "manifest.json").read_bytes()
        self._put_if_absent(f"{name}/manifest.json", manifest)

    def _upload(self, path: Path, name: str) -> None:
        # upload_file does not take the bucket key; the bucket's own default decides on it.
        extra = {k: v for k, v in {**self.sealed, **self.owned}.items() if k != "BucketKeyEnabled"}
        try:
            self.client.upload_file(str(path), self.bucket, self._key(name), ExtraArgs=extra)
        except aws_errors() as error:
            raise StorageError(f"{self.uri}/{name}: {error_text(error)}") from error

    def _put_if_absent(self, name: str, data: bytes) -> None:
        if self._put(name, data, {"IfNoneMatch": "*"}):
            return
        there = self.read(name)  # a 412 may be our own first try whose answer was lost
        if there is None or there[0] != data:
            raise ConflictError(f"{self.uri}/{name}: another run has published other content")

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it is still the version that was read.

        Raises ConflictError when another run has replaced it since.
        """
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        if self._put(name, data, condition):
            return
        there = self.read(name)
        if there is None or there[0] != data:
            raise ConflictError(f"{self.uri}/{name}: another run has published; run again")

    def _put(self, name: str, data: bytes, condition: dict[str, str]) -> bool:
        """Whether the object was written; False when the condition did not hold."""
        fixed = {"Bucket": self.bucket, "Key": self._key(name), "Body": data}
        for attempt in range(CONFLICT_TRIES):
            try:
                self.client.put_object(**fixed, **condition, **self.sealed, **self.owned)
                return True
            except aws_errors() as error:
                code = error_code(error)
                if code in {"PreconditionFailed", "412"}:
                    return False
                # S3 asks to try again when a conflicting write is under way; boto3 does not.
                if code in {"ConditionalRequestConflict", "409"} and attempt + 1 < CONFLICT_TRIES:
                    time.sleep(0.1 * 2**attempt)
                    continue
                raise StorageError(f"{self.uri}/{name}: {error_text(error)}") from error
        return False
