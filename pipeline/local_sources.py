"""Source files on this machine: which there are, what they are called, and their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import quote_from_bytes

from pipeline.errors import RecipeError, SourceChanged, StorageError
from pipeline.globs import GLOB, any_hidden, fixed_folder, whole
from pipeline.source import Listed, printable

BLOCK = 1 << 20
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
"""Names in which nothing is to be encoded: most."""

Seen = tuple[str, os.stat_result]
"""A path, and what is there when links are followed."""

NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Of links that lead to nothing, and of what is gone since it was listed."""


def list_local(spec: str, folder: Path) -> Iterator[Listed]:
    """The files that a name, folder or glob means, in no order; see `storage.list_sources`."""
    if "\0" in spec:
        raise RecipeError(f"source {spec!r}: no file has such a name")
    start = folder / spec
    found: Iterator[Seen]
    if GLOB.search(spec) and not start.exists():
        found = chain.from_iterable(_seen(str(path)) for path in _glob(spec, folder))
    elif start.is_dir():
        found = _walk(str(start))
    else:
        found = _seen(str(start))
    named = _Names(_normal(folder)).uri
    for path, told in found:
        if stat.S_ISREG(told.st_mode):
            yield Listed(named(path), told.st_size, path, None, stamp_of(told))


def _seen(path: str, entry: os.DirEntry[str] | None = None) -> Iterator[Seen]:
    """The path, if anything is there."""
    try:
        yield path, entry.stat() if entry else os.stat(path)  # noqa: PTH116 - a Path costs more
    except OSError as error:
        if error.errno not in NOWHERE:
            raise


def _glob(spec: str, folder: Path) -> list[Path]:
    anchor, pattern = (Path("/"), spec.lstrip("/")) if Path(spec).is_absolute() else (folder, spec)
    pattern = whole(pattern)
    below = anchor / fixed_folder(pattern)
    found = anchor.glob(pattern)
    return [path for path in found if not any_hidden(path.relative_to(below).parts)]


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


class _Names:
    """Names of sources below a folder whose normal path is `above`, where many stand together."""

    def __init__(self, above: str) -> None:
        self.above, self.folder, self.start = above, "", ""

    def uri(self, path: str) -> str:
        """What `_uri_below` says; the folder's part is looked at once for all that is in it."""
        folder, _, name = path.rpartition("/")
        if not folder:
            return _uri_below(path, self.above)
        if folder != self.folder:
            normal = os.path.abspath(folder).rstrip("/")  # noqa: PTH100 - likewise
            self.folder, self.start = folder, f"{normal}/".removeprefix(self.above)
        uri = self.start + name
        return uri if PLAIN.fullmatch(uri) else _printable(os.fsencode(uri))


def _printable(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(name, safe="/ ")
    return printable(text)


def stamp_of(told: os.stat_result) -> str:
    """Size, time of the content, time of the entry, entry: what writing to a file changes."""
    return f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino}"


def hash_local(listed: Listed) -> str:
    """SHA-256 of a listed file.

    Raises SourceChanged when it changes meanwhile, StorageError when it cannot be read.
    """
    try:
        digest, before = _hash(str(listed.local))
        after = os.stat(listed.local or "")  # noqa: PTH116 - likewise
    except OSError as error:
        raise StorageError(f"source {listed.uri}: {error.strerror}") from error
    if digest is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceChanged(f"source {listed.uri}: changed while it was read; run again")
    return digest


def hash_file(path: Path) -> str:
    """SHA-256 of a file. Raises SourceChanged when it is shortened meanwhile."""
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
