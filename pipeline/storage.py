"""The only file that tells s3:// from a path: listing and pinning sources, and places to write.

A listed source is pinned: what is read later is the version that was listed, or the run stops.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_from_bytes

from pipeline.aws import Aws
from pipeline.errors import SourceChanged, StorageError
from pipeline.s3 import S3Place
from pipeline.s3_sources import GLOB, fetch_s3, list_s3
from pipeline.shards import write_bytes
from pipeline.source import Listed, SourceFile

__all__ = ["GLOB", "Aws", "Listed", "Place", "is_remote", "list_sources", "open_place", "pin"]

BLOCK = 1 << 20
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
"""Names in which nothing is to be encoded: most."""

Seen = tuple[str, os.stat_result]
"""A path, and what is there when links are followed."""

NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Of links that lead to nothing, and of what is gone since it was listed."""


def is_remote(uri: str) -> bool:
    """Whether a URI names S3."""
    return uri.startswith("s3://")


def list_sources(spec: str, folder: Path, aws: Aws) -> list[Listed]:
    """The files that a file name, folder, glob or s3:// prefix means, sorted by URI.

    `folder` is what relative paths are relative to. Hidden files and what is no regular file are
    left out. Raises StorageError when nothing is there or it cannot be read.
    """
    found = list_s3(spec, aws) if is_remote(spec) else list(_list_local(spec, folder))
    if not found:
        raise StorageError(f"source {spec}: nothing is there; check the path in the recipe")
    return sorted(found, key=lambda listed: listed.uri.encode())


def _list_local(spec: str, folder: Path) -> Iterator[Listed]:
    start = folder / spec
    found: Iterator[Seen]
    if GLOB.search(spec) and not start.exists():
        found = chain.from_iterable(_seen(str(path)) for path in _glob(spec, folder))
    elif start.is_dir():
        found = _walk(str(start))
    else:
        found = _seen(str(start))
    above = _normal(folder)
    for path, told in found:
        if stat.S_ISREG(told.st_mode):
            yield Listed(_uri_below(path, above), told.st_size, Path(path), None)


def _seen(path: str, entry: os.DirEntry[str] | None = None) -> Iterator[Seen]:
    """The path, if anything is there."""
    try:
        yield path, entry.stat() if entry else os.stat(path)  # noqa: PTH116 - a Path costs more
    except OSError as error:
        if error.errno not in NOWHERE:
            raise


def _glob(spec: str, folder: Path) -> list[Path]:
    anchor, pattern = (Path("/"), spec.lstrip("/")) if Path(spec).is_absolute() else (folder, spec)
    return [path for path in anchor.glob(pattern) if not path.name.startswith(".")]


def _walk(folder: str) -> Iterator[Seen]:
    """All below a folder that is no folder; links to folders are not followed."""
    waiting = [folder]
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(above) as listed:
                entries = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError as error:
            raise StorageError(f"source {error.filename}: {error.strerror}") from error
        for entry in entries:
            if not _is_folder(entry):
                yield from _seen(entry.path, entry)
            elif not entry.is_symlink():
                waiting.append(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def source_uri(path: Path, folder: Path) -> str:
    """The name of a local source: relative to the recipe where it is inside, else absolute.

    Bytes that are not UTF-8, control characters and `%` are percent-encoded.
    """
    return _uri_below(str(path), _normal(folder))


def _normal(folder: Path) -> str:
    return os.path.normpath(folder.absolute()).rstrip("/") + "/"


def _uri_below(path: str, above: str) -> str:
    """The name of a source below a folder whose normal path is `above`."""
    name = os.path.abspath(path).removeprefix(above)  # noqa: PTH100 - of every source, likewise
    return name if PLAIN.fullmatch(name) else _printable(os.fsencode(name))


def _printable(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(name, safe="/ ")
    if text.isprintable() and "%" not in text:
        return text
    return "".join(
        c if c.isprintable() and c != "%" else quote_from_bytes(c.encode()) for c in text
    )


def pin(listed: Listed, spool: Path, aws: Aws) -> SourceFile:
    """The listed version's bytes on this machine, with their SHA-256.

    Raises SourceChanged when the source is no longer what was listed, StorageError when it cannot
    be read.
    """
    if listed.path is not None:
        return SourceFile(listed.uri, listed.path, listed.size, _hash_local(listed))
    return SourceFile(listed.uri, *_spooled(listed, spool, aws))


def _spooled(listed: Listed, spool: Path, aws: Aws) -> tuple[Path, int, str]:
    """An S3 object's bytes in the spool, their number and SHA-256.

    What an earlier run has fetched is taken when it still has the digest that it was given then.
    """
    path = spool / hashlib.sha256(f"{listed.uri}\0{listed.etag}".encode()).hexdigest()
    noted = path.with_name(path.name + ".sha256")
    if path.exists() and noted.exists():
        digest = _hash_file(path)
        if noted.read_text() == digest:
            return path, listed.size, digest
    fetch_s3(listed, path, aws)
    digest = _hash_file(path)
    write_bytes(noted, digest.encode())
    return path, listed.size, digest


def _hash_local(listed: Listed) -> str:
    try:
        digest, before = _hash(str(listed.path))
        after = os.stat(listed.path or "")  # noqa: PTH116 - likewise
    except OSError as error:
        raise StorageError(f"source {listed.uri}: {error.strerror}") from error
    if digest is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceChanged(f"source {listed.uri}: changed while it was read; run again")
    return digest


def _hash_file(path: Path) -> str:
    digest, _ = _hash(str(path))
    if digest is None:
        raise SourceChanged(f"{path}: changed while it was read; run again")
    return digest


def _hash(path: str) -> tuple[str | None, os.stat_result]:
    """SHA-256 of a file, None if it ended before its size, and what it was when it was opened."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        told = os.fstat(file)
        state, left = hashlib.sha256(), told.st_size
        while left and (block := os.read(file, min(left, BLOCK))):
            state.update(block)
            left -= len(block)
    finally:
        os.close(file)
    return (None if left else state.hexdigest()), told


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
