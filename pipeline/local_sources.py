"""Source files on this machine: which there are, what they are called, and their digests."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from urllib.parse import quote_from_bytes

from pipeline.errors import RecipeError, SourceChanged, StorageError
from pipeline.globs import GLOB, any_hidden, fixed_folder, whole
from pipeline.source import Listed, SourceFile, open_regular, printable

BLOCK = 1 << 20
CHANGED = "source {}: changed while it was read; run again"
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")
"""Names in which nothing is to be encoded: most."""

Seen = tuple[str, list[tuple[str, os.stat_result]]]
"""A folder, and names in it with what is there when links are followed."""

NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Of links that lead to nothing, and of what is gone since it was listed."""


PassedOver = Counter[str]
"""How much of what stands in a folder is not read, by what it is."""


def list_local(spec: str, folder: Path, passed_over: PassedOver) -> Iterator[Listed]:
    """The files that a name, folder or glob means, in no order; see `storage.list_sources`.

    What a folder holds and is not read is counted in `passed_over`.
    """
    if "\0" in spec:
        raise RecipeError(f"source {spec!r}: no file has such a name")
    start = folder / spec
    found: Iterator[Seen]
    if GLOB.search(spec) and not start.exists():
        found = chain.from_iterable(_seen(str(path)) for path in _glob(spec, folder))
    elif start.is_dir():
        found = _walk(str(start), passed_over)
    else:
        found = _seen(str(start))
    above = _normal(folder)
    for place, there in found:
        before = os.path.join(place, "")  # noqa: PTH118 - of every source: a Path costs more
        named = _normal(place).removeprefix(above)
        for name, told in there:
            if stat.S_ISREG(told.st_mode):
                uri = _as_uri(named + name)
                yield Listed(uri, told.st_size, before + name, None, stamp_of(told))
            elif not stat.S_ISDIR(told.st_mode):  # a glob means folders, too
                passed_over["devices, pipes and sockets"] += 1


def _seen(path: str) -> Iterator[Seen]:
    """The path, if anything is there."""
    try:
        told = os.stat(path)  # noqa: PTH116 - likewise
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return
    folder, name = os.path.split(path)
    yield folder, [(name, told)]


def _glob(spec: str, folder: Path) -> list[Path]:
    anchor, pattern = (Path("/"), spec.lstrip("/")) if Path(spec).is_absolute() else (folder, spec)
    pattern = whole(pattern)
    below = anchor / fixed_folder(pattern)
    found = anchor.glob(pattern)
    return [path for path in found if not any_hidden(path.relative_to(below).parts)]


def _walk(folder: str, passed_over: PassedOver) -> Iterator[Seen]:
    """All below a folder that is no folder; links to folders are not followed."""
    waiting = [folder]
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(above) as listed:
                every = list(listed)
        except OSError as error:
            raise StorageError(f"source {error.filename}: {error.strerror}") from error
        entries = [entry for entry in every if not entry.name.startswith(".")]
        passed_over["hidden files and folders"] += len(every) - len(entries)
        there = []
        for entry in entries:
            try:
                if not entry.is_dir():
                    there.append((entry.name, entry.stat()))
                elif not entry.is_symlink():
                    waiting.append(entry.path)
                else:
                    passed_over["links to folders"] += 1
            except OSError as error:
                if error.errno not in NOWHERE:
                    raise
                passed_over["links that lead nowhere"] += 1
        yield above, there


def source_uri(path: Path, folder: Path) -> str:
    """The name of a local source: relative to the recipe where it is inside, else absolute.

    Bytes that are not UTF-8, control characters and `%` are percent-encoded.
    """
    name = os.path.abspath(path)  # noqa: PTH100 - `absolute` leaves `..` as they are
    return _as_uri(name.removeprefix(_normal(folder)))


def _normal(folder: str | Path) -> str:
    """The path of a folder without `.` and `..`, with a slash at its end."""
    return os.path.abspath(folder).rstrip("/") + "/"  # noqa: PTH100 - likewise


def _as_uri(name: str) -> str:
    """A name that is read from the system, as it stands in a URI."""
    if PLAIN.fullmatch(name):
        return name
    data = os.fsencode(name)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(data, safe="/ ")
    return printable(text)


def stamp_of(told: os.stat_result) -> str:
    """Size, time of the content, time of the entry, entry: what writing to a file changes."""
    return f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino}"


def pin_local(listed: Listed) -> SourceFile:
    """A listed file with its SHA-256.

    Raises SourceChanged when it changes meanwhile, StorageError when it cannot be read.
    """
    try:
        digest, before = _hash(str(listed.local))
        after = os.stat(listed.local or "")  # noqa: PTH116 - likewise
    except OSError as error:
        raise StorageError(f"source {listed.uri}: {error.strerror}") from error
    if digest is None or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceChanged(CHANGED.format(listed.uri))
    return SourceFile(
        listed.uri, listed.local or "", before.st_size, digest, stamp=stamp_of(before)
    )


def confirm_read(file: SourceFile) -> None:
    """Raises SourceChanged when a local file that was read is no longer what was pinned."""
    if file.stamp is None:
        return
    try:
        if stamp_of(os.stat(file.local)) == file.stamp:  # noqa: PTH116 - likewise
            return
        same = _hash(str(file.local))[0] == file.sha256
    except OSError:
        same = False  # it is gone, or is let out of sight
    if not same:
        raise SourceChanged(CHANGED.format(file.uri))


def hash_file(path: Path) -> str:
    """SHA-256 of a file. Raises SourceChanged when it is shortened meanwhile."""
    digest, _ = _hash(str(path))
    if digest is None:
        raise SourceChanged(f"{path}: changed while it was read; run again")
    return digest


def _hash(path: str) -> tuple[str | None, os.stat_result]:
    """SHA-256 of a file, None if it ended before its size, and what it was when it was opened."""
    file = open_regular(path)
    try:
        told = os.fstat(file)
        state, left = hashlib.sha256(), told.st_size
        while left and (block := os.read(file, min(left, BLOCK))):
            state.update(block)
            left -= len(block)
    finally:
        os.close(file)
    return (None if left else state.hexdigest()), told
