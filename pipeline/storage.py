"""Access to s3:// and local paths alike: listing and pinning sources, and places to write.

A listed source is pinned: what is read later is the version that was listed, or the run stops.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, Protocol

from pipeline.aws import Aws
from pipeline.errors import SourceChanged, StorageError
from pipeline.globs import GLOB
from pipeline.local_sources import PassedOver, hash_file, list_local, pin_local, source_uri
from pipeline.s3.sources import fetch_s3, list_s3
from pipeline.s3.storage import S3Place
from pipeline.shards import write_bytes
from pipeline.source import Listed, SourceFile

__all__ = [
    "GLOB",
    "Aws",
    "Listed",
    "Place",
    "is_remote",
    "known_file",
    "list_sources",
    "open_place",
    "pin",
    "source_uri",
]


NOTED = ".sha256"
"""Ending of the file beside a spooled one (an S3 object's local copy) that holds its digest."""


def is_remote(uri: str) -> bool:
    """Whether a URI names S3."""
    return uri.startswith("s3://")


def list_sources(
    spec: str, folder: Path, aws: Aws, passed_over: PassedOver | None = None
) -> list[Listed]:
    """The files that a file name, folder, glob or s3:// prefix refers to, sorted by URI.

    Relative paths start at `folder`. Hidden files and anything that is not a regular file are left
    out; those in a folder are counted in `passed_over`. Raises StorageError when nothing is there
    or it cannot be read.
    """
    passed_over = Counter() if passed_over is None else passed_over
    local = not is_remote(spec)
    listed_files = list(list_local(spec, folder, passed_over)) if local else list_s3(spec, aws)
    if not listed_files:
        raise StorageError(f"source {spec}: no file found; check the path in the recipe")
    return sorted(listed_files, key=itemgetter(0))  # the order of their UTF-8 bytes


def pin(listed: Listed, spool: Path, aws: Aws) -> SourceFile:
    """Fetch or read the version of a source that was listed; returns its path and SHA-256.

    Raises SourceChanged when the source has changed since it was listed, StorageError when it
    cannot be read.
    """
    if listed.local is not None:
        return pin_local(listed)
    return SourceFile(listed.uri, *_spooled(listed, spool, aws))


def known_file(listed: Listed, digest: str, spool: Path, aws: Aws) -> SourceFile:
    """A listed version that an earlier run has read, pinned without reading it."""
    local = listed.local or Awaited(listed, digest, spool, aws)
    return SourceFile(listed.uri, local, listed.size, digest, None, listed.stamp)


_DIGESTED: set[tuple[str, str]] = set()
"""(path, SHA-256) of the files that this process has digested itself."""


@dataclass(frozen=True)
class Awaited:
    """The path of an S3 object's local copy, which is fetched when the path is first used."""

    listed: Listed
    sha256: str
    spool: Path
    aws: Aws

    def __str__(self) -> str:
        """The path of the copy, whether it is there yet or not."""
        return str(_place(self.listed, self.spool))

    def __fspath__(self) -> str:
        """The path, after digesting the copy once in each process, or fetching it if need be."""
        path = str(self)
        if (path, self.sha256) not in _DIGESTED or not Path(path).exists():
            self.fetch()
        return path

    def fetch(self) -> None:
        """Fetch and digest the copy. Raises SourceChanged when the object has changed."""
        _, _, digest = _spooled(self.listed, self.spool, self.aws)
        if digest != self.sha256:
            raise SourceChanged(
                f"source {self.listed.uri}: has changed, though its ETag has not; "
                "run again with --full"
            )
        _DIGESTED.add((str(self), self.sha256))


def _place(listed: Listed, spool: Path) -> Path:
    """Where the local copy of a version of an S3 object is stored."""
    return spool / hashlib.sha256(f"{listed.uri}\0{listed.etag}".encode()).hexdigest()


def _spooled(listed: Listed, spool: Path, aws: Aws) -> tuple[Path, int, str]:
    """Local path, size in bytes and SHA-256 of an S3 object, which is fetched if necessary.

    A copy that an earlier run has fetched is used if it still has the digest that was noted then.
    """
    path = _place(listed, spool)
    if path.exists() and (noted := _noted(path)):
        digest = hash_file(path)
        if noted == digest:
            return path, listed.size, digest
    fetch_s3(listed, path, aws)
    digest = hash_file(path)
    write_bytes(path.with_name(path.name + NOTED), digest.encode())
    return path, listed.size, digest


def _noted(path: Path) -> str | None:
    """The digest that was noted for a spooled file when it was fetched."""
    try:
        return path.with_name(path.name + NOTED).read_text()
    except FileNotFoundError:
        return None


class Place(Protocol):
    """Somewhere a run is published: a folder or an S3 prefix."""

    uri: str

    def examine(self) -> list[str]:
        """Inspect the place before any work; returns notes on what could not be seen or is missing.

        Raises RecipeError for a bucket that is public.
        """
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and version of a small object, or None."""
        ...

    def open(self, name: str) -> BinaryIO | None:
        """Open an object of any size for reading, or return None; the caller must close it.

        Raises StorageError.
        """
        ...

    def sizes(self, names: Sequence[str]) -> list[int | None] | None:
        """The size in bytes of each object, None for a missing one; None instead of the list where
        published objects cannot change.

        Raises StorageError.
        """
        ...

    def published(self) -> list[tuple[str, float]]:
        """The runs that were published here, each with its time in seconds since 1970."""
        ...

    def add_folder(self, staged: Path, name: str) -> None:
        """Make a whole folder visible as `name`, its manifest.json last; it is never removed.

        Raises ConflictError when there is a manifest of that name with other content.
        """
        ...

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it still has `version` (None: if it does not exist).

        Raises ConflictError when somebody else has replaced it.
        """
        ...


def open_place(uri: str, aws: Aws) -> Place:
    """The place to which an output URI or path refers."""
    if is_remote(uri):
        return S3Place(uri.rstrip("/"), aws)
    from pipeline.folder import FolderPlace

    return FolderPlace(uri)
