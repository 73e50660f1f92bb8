"""Compressed files (.gz, .bz2, .xz, .zst): their bytes, unpacked while they are read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from pipeline.readers import members
from pipeline.readers.members import Member
from pipeline.source import SourceFile

XZ_MEMORY = 64 << 20  # the most bytes of memory for unpacking
PIECE = 1 << 20

_SUFFIX = re.compile(r"\.(gz|bz2|xz|zst)$", re.I)
_TAR_SUFFIX = re.compile(r"\.tgz$", re.I)


def unpacked(file: SourceFile, kind: str, packed: int) -> Member:
    """The only member of a compressed file; raises UnreadableError.

    `kind` is a key of `STREAMS`, `packed` the number of bytes that the member is unpacked from. The
    member's name is the file's without the suffix.
    """
    name = _TAR_SUFFIX.sub(".tar", _SUFFIX.sub("", file.uri))
    return members.checked(file, name, packed, partial(STREAMS[kind], file))


def _open_gzip(file: SourceFile) -> BinaryIO:
    """All members of a gzip file as one stream."""
    return _Gzip(fileobj=file.open())  # type: ignore[return-value]


class _Gzip(gzip.GzipFile):
    """Also closes the file that it was given."""

    def __init__(self, fileobj: BinaryIO) -> None:
        self.packed = fileobj
        super().__init__(fileobj=fileobj)

    def close(self) -> None:
        super().close()
        self.packed.close()


def _open_bzip2(file: SourceFile) -> BinaryIO:
    """All streams of a bzip2 file as one."""
    return _Bzip2(file.open())  # type: ignore[return-value]


class _Bzip2(bz2.BZ2File):
    """Also closes the file that it was given."""

    def __init__(self, packed: BinaryIO) -> None:
        self.packed = packed
        super().__init__(packed)

    def close(self) -> None:
        super().close()
        self.packed.close()


def _open_xz(file: SourceFile) -> BinaryIO:
    """All streams of an xz file as one; one that needs over 64 MB to unpack is refused."""
    return _Xz(file.open())  # type: ignore[return-value]


class _Xz(members.Stream):
    """Unpacks with a memory limit, which lzma.LZMAFile does not have."""

    def __init__(self, packed: BinaryIO) -> None:
        self.packed = packed
        self.unpack = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        while True:
            if self.unpack.eof:
                self.rest = self.unpack.unused_data or self.packed.read(PIECE)
                self.rest = self.rest.lstrip(b"\0")
                if not self.rest:
                    return b""
                self.unpack = lzma.LZMADecompressor(memlimit=XZ_MEMORY)
            if self.unpack.needs_input and not self.rest:
                self.rest = self.packed.read(PIECE)
                if not self.rest:
                    raise EOFError("the file ends inside its data")
            data = self.unpack.decompress(self.rest, size)
            self.rest = b""
            if data:
                return data

    def close(self) -> None:
        self.packed.close()
        super().close()


def _open_zstd(file: SourceFile) -> BinaryIO:
    """All frames of a zstd file as one stream; a window over 128 MB is refused by the library."""
    import pyarrow as pa

    source = pa.PythonFile(file.open(), mode="r")
    stream: BinaryIO = pa.CompressedInputStream(source, "zstd")
    return stream


STREAMS: dict[str, Callable[[SourceFile], BinaryIO]] = {
    "gzip": _open_gzip,
    "bzip2": _open_bzip2,
    "xz": _open_xz,
    "zstd": _open_zstd,
}
"""How to open a file of each kind."""
