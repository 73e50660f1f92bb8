"""Uploading a run's files: in parallel, large files in parts, each with its checksum.

boto3's transfer manager does the work (the classic one, because the CRT does not accept our
retries, owner and key). A file is written only if none exists; an existing one is compared.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.aws import Aws
from pipeline.errors import ConflictError, StorageError
from pipeline.s3.errors import GONE, NOT_HELD, aws_errors, error_code
from pipeline.s3.read import Crc32

PART_BYTES = 8 << 20
BLOCK = 1 << 20
AGAIN = {"ConditionalRequestConflict", "409", "NoSuchUpload"}
TRIES = 5


@dataclass(frozen=True)
class Upload:
    """One file and the key that it is uploaded to."""

    path: Path
    key: str
    sha256: str  # hex, as the manifest has it

    def checksum(self) -> dict[str, str]:
        """The checksum that S3 must verify; the file is first checked against the manifest.

        It is SHA-256, or CRC-32 for an upload in parts, because S3 has no SHA-256 of the whole
        object over several parts. Raises StorageError for a file that has changed since it was
        written.
        """
        sha, crc, size = hashlib.sha256(), Crc32(), 0
        with self.path.open("rb") as file:
            while block := file.read(BLOCK):
                sha.update(block)
                crc.update(block)
                size += len(block)
        if sha.hexdigest() != self.sha256:
            raise StorageError(f"{self.path}: has changed since it was written; run again")
        if size < PART_BYTES:
            return {"ChecksumSHA256": base64.b64encode(sha.digest()).decode()}
        return {"ChecksumCRC32": base64.b64encode(crc.digest()).decode()}


def upload_files(
    client: Any,
    bucket: str,
    uploads: Sequence[Upload],
    aws: Aws,
    run_stands: Callable[[], bool],
) -> None:
    """Upload all files, a limited number at once. `run_stands` says whether the manifest exists.

    Raises ConflictError when a file of a published run has other content, StorageError, and what
    boto3 raises.
    """
    waiting = list(uploads)
    for _ in range(TRIES):
        with _only_new(client):
            waiting, others = _upload_round(client, bucket, waiting, aws)
        if others and run_stands():
            raise ConflictError(
                f"s3://{bucket}/{others[0].key}: a run of that name is published with other content"
            )
        with _transfers(client, aws) as transfers:  # files of a dead run, which nobody has read
            for future in [_start(transfers, bucket, file, file.checksum()) for file in others]:
                future.result()
        if not waiting:
            return
    raise StorageError(f"s3://{bucket}/{waiting[0].key}: another writer is writing it; run again")


def _upload_round(
    client: Any, bucket: str, uploads: Sequence[Upload], aws: Aws
) -> tuple[list[Upload], list[Upload]]:
    """Try each once; returns those to try again, and those whose key has other content."""
    again: list[Upload] = []
    others: list[Upload] = []
    with _transfers(client, aws) as transfers:
        running = []
        for upload in uploads:
            sums = upload.checksum()
            if "ChecksumCRC32" in sums and _is_there(client, bucket, upload, sums):
                continue  # large and already uploaded: S3 would say so only after the last part
            running.append((upload, sums, _start(transfers, bucket, upload, sums)))
        for upload, sums, future in running:
            try:
                future.result()
            except aws_errors() as error:
                code = error_code(error)
                if code not in NOT_HELD | AGAIN:
                    raise
                if not _is_there(client, bucket, upload, sums):
                    (again if code in AGAIN else others).append(upload)
    return again, others


@contextmanager
def _only_new(client: Any) -> Iterator[None]:
    """Make the client create objects only, never overwrite; transfers accept no condition."""

    def condition(params: dict[str, Any], **_: Any) -> None:
        params.setdefault("IfNoneMatch", "*")

    names = [
        f"provide-client-params.s3.{name}" for name in ("PutObject", "CompleteMultipartUpload")
    ]
    for name in names:
        client.meta.events.register(name, condition)
    try:
        yield
    finally:
        for name in names:
            client.meta.events.unregister(name, condition)


def _transfers(client: Any, aws: Aws) -> Any:
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    config = TransferConfig(
        multipart_threshold=PART_BYTES,
        multipart_chunksize=PART_BYTES,
        max_concurrency=aws.concurrency,
        max_bandwidth=aws.max_bandwidth,
        preferred_transfer_client="classic",
    )
    return create_transfer_manager(client, config)


def _start(transfers: Any, bucket: str, upload: Upload, sums: dict[str, str]) -> Any:
    return transfers.upload(str(upload.path), bucket, upload.key, extra_args=dict(sums))


def _is_there(client: Any, bucket: str, upload: Upload, sums: dict[str, str]) -> bool:
    """Whether the same file exists: its upload's answer was lost, or an earlier run wrote it."""
    try:
        head = client.head_object(Bucket=bucket, Key=upload.key, ChecksumMode="ENABLED")
    except aws_errors() as error:
        if error_code(error) in GONE:
            return False
        raise
    same = all(head.get(name) == checksum for name, checksum in sums.items())
    return same and bool(head["ContentLength"] == upload.path.stat().st_size)
