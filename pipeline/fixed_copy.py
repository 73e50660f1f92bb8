"""A repaired copy of a data set: written beside its final name, which it gets when it is whole."""

from __future__ import annotations

import codecs
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pipeline.checks.byte_rules import HEAD_BYTES, head_fault, wide_encoding
from pipeline.checks.repair import Repair, mended_file
from pipeline.checks.standard import Standard
from pipeline.errors import DataError, RecipeError, StorageError

_BLOCK = 1 << 20
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer to one."""


def write_fixed(path: Path, out: Path, standard: Standard) -> Repair:
    """Write the mended lines of `path` to the new file `out`, and tell every change.

    UTF-16 and UTF-32 with a byte order mark are written as UTF-8. Nothing is left behind by a
    fault. Raises RecipeError when `out` is there already, DataError for a compressed file or
    broken UTF-16, StorageError, which names the file, for one that cannot be read or written.
    """
    if os.path.lexists(out):
        raise RecipeError(f"--fix: {out} is there already; name a new file")
    repair = Repair()
    with _as_utf8(path, repair) as plain, _new_file(out) as target:
        for piece in _read(path, mended_file(plain, standard, repair)):
            try:
                target.write(piece)
            except OSError as error:
                raise _unwritable(out, error) from error
    return repair


def _read(path: Path, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path}: cannot be read: {error.strerror or error}")


def _unwritable(out: Path, error: OSError) -> StorageError:
    return StorageError(f"{out}: cannot be written: {error.strerror or error}")


@contextmanager
def _new_file(out: Path) -> Iterator[BinaryIO]:
    """A file that gets the name `out` at the end, or is removed."""
    near = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        target = near.open("xb")
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        with target:
            yield target
        _rename(near, out)
    except FileExistsError:
        raise RecipeError(f"--fix: {out} is there already; name a new file") from None
    except OSError as error:  # the last bytes are written when it is closed
        raise _unwritable(out, error) from error
    finally:
        near.unlink(missing_ok=True)


def _rename(near: Path, out: Path) -> None:
    """Give a file its final name, never that of another that has come in between."""
    try:
        os.link(near, out)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(out):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(out)) from None
        near.rename(out)


@contextmanager
def _as_utf8(path: Path, repair: Repair) -> Iterator[Path]:
    """The file, or a copy of it in UTF-8 if it is in UTF-16 or UTF-32."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error
    fault, encoding = head_fault(head), wide_encoding(head)
    if fault is not None and fault[0] == "gzip":
        raise DataError(f"{path}: is compressed; decompress it with gunzip, then repair that")
    if encoding is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="bedrock-prep-fix-") as spool:
        copy = Path(spool) / path.name
        _transcode(path, copy, encoding)
        repair.add(1, "not-utf-8", f"{encoding} written as UTF-8")
        yield copy


def _transcode(path: Path, copy: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as source, copy.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(decoder.decode(block).encode())
            target.write(decoder.decode(b"", final=True).encode())
    except UnicodeDecodeError as error:
        message = f"{path}: is not {encoding} throughout: {error.reason}; save it as UTF-8"
        raise DataError(message) from error
    except OSError as error:
        raise _unreadable(path, error) from error
