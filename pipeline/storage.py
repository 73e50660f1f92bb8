"""The only file that tells s3:// from a path: listing and pinning sources, and places to write.

A listed source is pinned: what is read later is the version that was listed, or the run stops.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote_from_bytes, urlsplit

from pipeline.errors import RecipeError, SourceChanged, StorageError
from pipeline.s3 import S3Place, aws_errors, error_code, error_text, s3_client, split_uri
from pipeline.source import SourceFile

GLOB = re.compile(r"[*?\[]")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
BLOCK = 1 << 20


@dataclass(frozen=True)
class Aws:
    """How S3 is reached: region, profile and endpoint; credentials come from the default chain."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    bucket_owner: str | None = None  # of the destination, 12 digits
    kms_key_id: str | None = None  # for what is written

    def client(self) -> Any:
        """A boto3 S3 client. Raises RecipeError for an http:// endpoint off the loopback."""
        endpoint = self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3")
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
        if endpoint:
            parts = urlsplit(endpoint)
            if parts.scheme != "https" and parts.hostname not in LOOPBACK:
                raise RecipeError(f"aws.endpoint_url: {endpoint} is not https://")
        return s3_client(self.region, self.profile, endpoint)


@dataclass(frozen=True)
class Listed:
    """A source as it was listed, before its bytes are read."""

    uri: str
    size: int  # bytes
    path: Path | None  # a local file
    etag: str | None  # an S3 object's version


def is_remote(uri: str) -> bool:
    """Whether a URI names S3."""
    return uri.startswith("s3://")


def list_sources(spec: str, folder: Path, aws: Aws) -> list[Listed]:
    """The files that a file name, folder, glob or s3:// prefix means, sorted by URI.

    `folder` is what relative paths are relative to. Hidden files and what is no regular file are
    left out. Raises StorageError when nothing is there or it cannot be read.
    """
    found = _list_s3(spec, aws) if is_remote(spec) else list(_list_local(spec, folder))
    if not found:
        raise StorageError(f"source {spec}: nothing is there; check the path in the recipe")
    return sorted(found, key=lambda listed: listed.uri.encode())


def _list_local(spec: str, folder: Path) -> Iterator[Listed]:
    start = folder / spec
    if GLOB.search(spec) and not start.exists():
        paths: Iterator[Path] = iter(_glob(spec, folder))
    elif start.is_dir():
        paths = _walk(start)
    else:
        paths = iter([start])
    for path in paths:
        if path.is_file():
            yield Listed(source_uri(path, folder), path.stat().st_size, path, None)


def _glob(spec: str, folder: Path) -> list[Path]:
    anchor, pattern = (Path("/"), spec.lstrip("/")) if Path(spec).is_absolute() else (folder, spec)
    return [path for path in anchor.glob(pattern) if not path.name.startswith(".")]


def _walk(folder: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise StorageError(f"source {error.filename}: {error.strerror}")

    for above, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(above, name) for name in names if not name.startswith("."))


def source_uri(path: Path, folder: Path) -> str:
    """The name of a local source: relative to the recipe where it is inside, else absolute.

    Bytes that are not UTF-8, control characters and `%` are percent-encoded.
    """
    absolute = Path(os.path.normpath(path.absolute()))
    inside = Path(os.path.normpath(folder.absolute()))
    shown = absolute.relative_to(inside) if absolute.is_relative_to(inside) else absolute
    return _printable(os.fsencode(shown.as_posix()))


def _printable(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(name, safe="/ ")
    return "".join(
        c if c.isprintable() and c != "%" else quote_from_bytes(c.encode()) for c in text
    )


def _list_s3(spec: str, aws: Aws) -> list[Listed]:
    bucket, key = split_uri(spec)
    prefix = GLOB.split(key, maxsplit=1)[0]
    client = aws.client()
    found = []
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if _wanted(item["Key"], key, prefix):
                    uri = f"s3://{bucket}/{item['Key']}"
                    found.append(Listed(uri, item["Size"], None, item["ETag"]))
    except aws_errors() as error:
        raise StorageError(f"source {spec}: {error_text(error)}") from error
    return found


def _wanted(key: str, spec: str, prefix: str) -> bool:
    if key.endswith("/") or key.rsplit("/", 1)[-1].startswith("."):
        return False
    if prefix != spec:
        return fnmatch.fnmatchcase(key, spec)
    return key == spec or not spec or key.startswith(spec if spec.endswith("/") else spec + "/")


def pin(listed: Listed, spool: Path, aws: Aws) -> SourceFile:
    """The listed version's bytes on this machine, with their SHA-256.

    Raises SourceChanged when the source is no longer what was listed, StorageError when it cannot
    be read.
    """
    if listed.path is not None:
        return SourceFile(listed.uri, listed.path, listed.size, _hash_local(listed))
    name = hashlib.sha256(f"{listed.uri}\0{listed.etag}".encode()).hexdigest()
    path = spool / name
    if not (path.exists() and path.stat().st_size == listed.size):
        _fetch(listed, path, aws)
    return SourceFile(listed.uri, path, listed.size, _hash_file(path))


def _hash_local(listed: Listed) -> str:
    path = listed.path
    assert path is not None
    try:
        before = path.stat()
        digest = _hash_file(path)
        after = path.stat()
    except OSError as error:
        raise StorageError(f"source {listed.uri}: {error.strerror}") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceChanged(f"source {listed.uri}: changed while it was read; run again")
    return digest


def _hash_file(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            state.update(block)
    return state.hexdigest()


def _fetch(listed: Listed, path: Path, aws: Aws) -> None:
    bucket, key = split_uri(listed.uri)
    unfinished = path.with_name(path.name + ".part")
    try:
        answer = aws.client().get_object(Bucket=bucket, Key=key, IfMatch=listed.etag)
        with unfinished.open("wb") as file:
            for block in answer["Body"].iter_chunks(BLOCK):
                file.write(block)
    except aws_errors() as error:
        if error_code(error) in {"PreconditionFailed", "412"}:
            raise SourceChanged(f"source {listed.uri}: was replaced while it was read") from error
        raise StorageError(f"source {listed.uri}: {error_text(error)}") from error
    if unfinished.stat().st_size != listed.size:
        raise StorageError(f"source {listed.uri}: its body ended early; run again")
    unfinished.replace(path)


class Place(Protocol):
    """Somewhere a run is published: a folder or an S3 prefix."""

    uri: str

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and version of a small object, or None."""
        ...

    def add_folder(self, staged: Path, name: str) -> None:
        """Make a whole folder visible as `name`, its manifest.json last; there it stays."""
        ...

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it still has `version` (None: does not exist).

        Raises ConflictError when somebody else has replaced it.
        """
        ...


def open_place(uri: str, aws: Aws) -> Place:
    """The place that an output URI or path names."""
    if is_remote(uri):
        return S3Place(uri.rstrip("/"), aws.client(), aws.bucket_owner, aws.kms_key_id)
    from pipeline.folder import FolderPlace

    return FolderPlace(uri)
