"""The only file that tells s3:// from a path: listing and pinning sources, and places to write.

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
"""Ends the name of the file beside a spooled one that says what its digest was."""


def is_remote(uri: str) -> bool:
    """Whether a URI names S3."""
    return uri.startswith("s3://")


def list_sources(
    spec: str, folder: Path, aws: Aws, passed_over: PassedOver | None = None
) -> list[Listed]:
    """The files that a file name, folder, glob or s3:// prefix means, sorted by URI.

    `folder` is what relative paths are relative to. Hidden files and what is no regular file are
    left out, those of a folder counted in `passed_over`. Raises StorageError when nothing is there
    or it cannot be read.
    """
    passed_over = Counter() if passed_over is None else passed_over
    local = not is_remote(spec)
    found = list(list_local(spec, folder, passed_over)) if local else list_s3(spec, aws)
    if not found:
        raise StorageError(f"source {spec}: nothing is there; check the path in the recipe")
    return sorted(found, key=itemgetter(0))  # as their UTF-8 would be


def pin(listed: Listed, spool: Path, aws: Aws) -> SourceFile:
    """The listed version's bytes on this machine, with their SHA-256.

    Raises SourceChanged when the source is no longer what was listed, StorageError when it cannot
    be read.
    """
    if listed.local is not None:
        return pin_local(listed)
    return SourceFile(listed.uri, *_spooled(listed, spool, aws))


def known_file(listed: Listed, digest: str, spool: Path, aws: Aws) -> SourceFile:
    """A listed version that an earlier run has read, pinned without being read."""
    local = listed.local or Awaited(listed, digest, spool, aws)
    return SourceFile(listed.uri, local, listed.size, digest, None, listed.stamp)


_DIGESTED: set[tuple[str, str]] = set()
"""Of which files this process has seen the digest itself."""


@dataclass(frozen=True)
class Awaited:
    """A path to an S3 object's bytes, which are fetched when it is first asked for."""

    listed: Listed
    sha256: str
    spool: Path
    aws: Aws

    def __str__(self) -> str:
        """Where they are, or will be."""
        return str(_place(self.listed, self.spool))

    def __fspath__(self) -> str:
        """Where they are: digested once by each process, fetched where they are not there whole."""
        path = str(self)
        if (path, self.sha256) not in _DIGESTED or not Path(path).exists():
            self.fetch()
        return path

    def fetch(self) -> None:
        """Have the bytes there, digested. Raises SourceChanged when they are not what they were."""
        _, _, digest = _spooled(self.listed, self.spool, self.aws)
        if digest != self.sha256:
            raise SourceChanged(
                f"source {self.listed.uri}: is another, though its ETag is as it was; "
                "run again with --full"
            )
        _DIGESTED.add((str(self), self.sha256))


def _place(listed: Listed, spool: Path) -> Path:
    """Where the bytes of a version of an S3 object are kept."""
    return spool / hashlib.sha256(f"{listed.uri}\0{listed.etag}".encode()).hexdigest()


def _spooled(listed: Listed, spool: Path, aws: Aws) -> tuple[Path, int, str]:
    """An S3 object's bytes in the spool, their number and SHA-256.

    What an earlier run has fetched is taken when it still has the digest that it was given then.
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
    """The digest that a spooled file was given when it was fetched."""
    try:
        return path.with_name(path.name + NOTED).read_text()
    except FileNotFoundError:
        return None


class Place(Protocol):
    """Somewhere a run is published: a folder or an S3 prefix."""

    uri: str

    def examine(self) -> list[str]:
        """Look at the place before any work; notes on what could not be seen or is not held.

        Raises RecipeError for a bucket that is public.
        """
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and version of a small object, or None."""
        ...

    def open(self, name: str) -> BinaryIO | None:
        """An object of any size from its start, to be closed by the caller, or None.

        Raises StorageError.
        """
        ...

    def sizes(self, names: Sequence[str]) -> list[int | None] | None:
        """Bytes of each of these objects, None for one that is not there; None for all where what
        was published cannot change. Raises StorageError.
        """
        ...

    def published(self) -> list[tuple[str, float]]:
        """The runs that stand there, each with when it was published, in seconds since 1970."""
        ...

    def add_folder(self, staged: Path, name: str) -> None:
        """Make a whole folder visible as `name`, its manifest.json last; there it stays.

        Raises ConflictError when another manifest of that name, with other content, is there.
        """
        ...

    def swap(self, name: str, data: bytes, version: str | None) -> None:
        """Replace a small object if it still has `version` (None: does not exist).

        Raises ConflictError when somebody else has replaced it.
        """
        ...


def open_place(uri: str, aws: Aws) -> Place:
    """The place that an output URI or path names."""
    if is_remote(uri):
        return S3Place(uri.rstrip("/"), aws)
    from pipeline.folder import FolderPlace

    return FolderPlace(uri)
