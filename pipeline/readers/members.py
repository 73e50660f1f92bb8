"""The members of an archive, as files: streams with limits, checked before they are read.

A member is unpacked once to its end before a reader sees it, so that a damaged or truncated member
gives no records rather than some; then it is unpacked again, as a stream, for the reader. If the
reader goes back in it (zip files and Parquet are read from their end), a member of up to
`HELD_BYTES` is kept in memory; a larger one is unpacked again from its start. Nothing is written to
the disk, and no name is used as a path.

Reasons: `read.damaged` (value: what is wrong), `read.inflated` (value: bytes, threshold: bytes).
"""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from pipeline.readers.rows import UnreadableError
from pipeline.source import HEAD_BYTES, SourceFile

REASONS = {
    "read.damaged": "the file is damaged or not in the format that its name claims; save it again",
    "read.inflated": "the file unpacks to far more bytes than real data would; unpack it yourself",
}

MAX_RATIO = 200
FREE_BYTES = 16 << 20
"""This much may be unpacked from any number of bytes; beyond it, `MAX_RATIO` applies."""

FAULTS = (
    zlib.error,
    zipfile.BadZipFile,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
_PIECE = 1 << 20
HELD_BYTES = 128 << 20


class Member(SourceFile):
    """A file inside another: `path` is the archive's, `open` gives the member's own bytes.

    It has no ranges: `_replace` would leave the `opener` behind.
    """

    opener: Callable[[], BinaryIO]

    def open(self) -> BinaryIO:
        """Open the member's bytes, unpacked while they are read."""
        return io.BufferedReader(_Seekable(self.opener, self.size), 1 << 16)

    def head(self) -> bytes:
        """The first `HEAD_BYTES`, unpacked."""
        with self.open() as file:
            return file.read(HEAD_BYTES)


class _Seekable(io.RawIOBase):
    """A stream of a known size; to go back, it is kept in memory, or read again from its start."""

    def __init__(self, opener: Callable[[], BinaryIO], size: int) -> None:
        self.opener = opener
        self.stream = opener()
        self.size = size
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self.stream.read(len(buffer))
        except FAULTS as error:
            raise _damaged(error) from error
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        target = start + offset
        if target < 0:
            raise OSError(f"a member has no position {target}")
        try:
            self._go(target, to_end=whence == io.SEEK_END)
        except FAULTS as error:
            raise _damaged(error) from error
        return self.at

    def _go(self, target: int, *, to_end: bool) -> None:
        if (
            to_end or 0 < target < self.at
        ):  # a reader that goes to the end or back will go back again
            self._hold()
        if isinstance(self.stream, io.BytesIO | Part):
            self.at = self.stream.seek(target)
            return
        if target < self.at:
            self._begin()
        while self.at < target and (piece := self.stream.read(min(_PIECE, target - self.at))):
            self.at += len(piece)

    def _hold(self) -> None:
        """Keep all bytes in memory, if they are not too many."""
        if self.size <= HELD_BYTES and not isinstance(self.stream, io.BytesIO | Part):
            self._begin()
            held = io.BytesIO(b"".join(iter(lambda: self.stream.read(_PIECE), b"")))
            self.stream.close()
            self.stream = held

    def _begin(self) -> None:
        self.stream.close()
        self.stream, self.at = self.opener(), 0

    def tell(self) -> int:
        return self.at

    def close(self) -> None:
        self.stream.close()
        super().close()


class Stream(io.RawIOBase):
    """A stream that can only be read."""

    def readable(self) -> bool:
        """Always true."""
        return True


class Part(Stream):
    """`size` bytes of an open stream from `start` on; closing it leaves the stream open."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.stream, self.start, self.at, self.end = stream, start, start, start + size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset, counted from the part's own start."""
        assert whence == io.SEEK_SET
        self.at = min(self.start + offset, self.end)
        return self.at - self.start

    def read(self, size: int = -1) -> bytes:
        """The next bytes; b"" at the end."""
        self.stream.seek(self.at)
        left = self.end - self.at
        data = self.stream.read(left if size < 0 else min(size, left))
        if not data and left:
            raise EOFError("the archive ends inside the member")
        self.at += len(data)
        return data


def checked(file: SourceFile, uri: str, packed: int, opener: Callable[[], BinaryIO]) -> Member:
    """The member that `opener` unpacks from `packed` bytes; raises UnreadableError.

    It is unpacked to its end once, to check its checksum and that it is no larger than allowed.
    """
    most = max(FREE_BYTES, MAX_RATIO * packed)
    size = 0
    try:
        with opener() as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > most:
                    raise UnreadableError("read.inflated", f"over {size}", most)
    except FAULTS as error:
        raise _damaged(error) from error
    member = Member(uri, file.path, size, file.sha256)
    member.opener = opener
    return member


def _damaged(error: Exception) -> UnreadableError:
    return UnreadableError("read.damaged", f"{type(error).__name__}: {error}")
