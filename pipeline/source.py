"""What a reader is: it turns ingested bytes into frames of records."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple, Protocol, runtime_checkable
from urllib.parse import quote

if TYPE_CHECKING:
    import polars as pl

HEAD_BYTES = 65_536
"""How much of a file detection may look at."""


def printable(name: str) -> str:
    """A local file's name as used in a URI: `%` and unprintable characters are percent-encoded."""
    if name.isprintable() and "%" not in name:
        return name
    return "".join(c if c.isprintable() and c != "%" else quote(c, safe="") for c in name)


class Listed(NamedTuple):
    """A source as it was listed, before its bytes are read.

    This and other types here are tuples because there is one for each source, and making a frozen
    dataclass takes four times as long.
    """

    uri: str
    size: int  # bytes
    local: str | Path | None  # a local file; making 100,000 Paths takes half a second
    etag: str | None  # an S3 object's version
    stamp: str | None = None  # of a local file: `pipeline.pins` sees by it whether it has changed


def open_regular(path: str | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file.

    Raises OSError where something else has come in its place: a pipe that nobody writes to would
    be waited for without end.
    """
    handle = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ESTALE, "is no regular file any more; run again", os.fspath(path))
    return handle


Claim = tuple[str, str, bool]
"""A file's SHA-256, the reader that takes it by its name and first bytes, and whether that file
describes images."""

Claims = dict[str, Claim]
"""Claims by the URIs of files."""


@dataclass(frozen=True)
class Span:
    """A range of a file that is read by itself; it has only whole records."""

    start: int  # bytes
    before: int  # lines or rows of the file that come before it
    end: int  # bytes


class SourceFile(NamedTuple):
    """One ingested file, pinned: `path` has exactly the bytes that `sha256` identifies."""

    uri: str  # path relative to the recipe (POSIX, percent-encoded where not UTF-8), or s3://
    local: str | os.PathLike[str]  # local path of the bytes, which may be fetched on first use
    size: int  # bytes
    sha256: str  # hex
    span: Span | None = None  # the range to read, if that is not the whole file
    stamp: str | None = None  # of a local file when it was pinned; writing to it changes the stamp

    @property
    def path(self) -> Path:
        """The local path of the bytes; they are fetched now if they are not there yet."""
        return Path(self.local)

    def bytes_read(self) -> int:
        """How many of its bytes are read: the size of its range, or of the whole file."""
        return self.size if self.span is None else self.span.end - self.span.start

    def open(self) -> BinaryIO:
        """Its bytes from the start, to be closed by the caller."""
        return open(self.path, "rb", buffering=1 << 20, opener=open_regular)

    def head(self) -> bytes:
        """The first `HEAD_BYTES` of the file."""
        head, wanted = b"", min(self.size, HEAD_BYTES)
        file = open_regular(self.local)
        try:
            while len(head) < wanted and (more := os.read(file, wanted - len(head))):
                head += more
        finally:
            os.close(file)
        return head


class Unit(NamedTuple):
    """What one `read` call takes: files that yield records, and files read along with them."""

    files: tuple[SourceFile, ...]
    sidecars: tuple[SourceFile, ...] = ()  # captions, metadata: they yield no record themselves

    def size(self) -> int:
        """Bytes of the files that yield records."""
        if len(self.files) == 1:  # the usual case, and this is called several times for each unit
            return self.files[0].bytes_read()
        return sum(file.bytes_read() for file in self.files)


@runtime_checkable
class Reader(Protocol):
    """Turns sources into records. A frozen `Settings`; its fields are what a recipe may set.

    Whatever the bytes are, `read` yields at least one row for each of the unit's files: a file
    that cannot be read, or has no content, is a row with `rejected` set and the reason in it.
    `read` never raises for bad bytes, and yields frames of a bounded size (some 10 MB of text).
    A reader that gives bytes to a parser in C, or to one that can be slow or use much memory, sets
    `sandboxed` and is run in `pipeline.readers.sandbox`.
    """

    name: ClassVar[str]
    sandboxed: ClassVar[bool]

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Whether this looks like a file for this reader, from name and first bytes."""
        ...

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """The files in groups that must be read together; usually one each, in the given order.

        A large file may become several units, one for each range (`pipeline.readers.ranges`).
        """
        ...

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """Frames of `record.SCHEMA`, in the order of the source."""
        ...


@runtime_checkable
class ReadsTogether(Protocol):
    """A reader that can read many small units into fewer frames than there are units."""

    def read_together(
        self, units: Iterable[tuple[int, Unit]], most_chars: int
    ) -> Iterator[pl.DataFrame]:
        """Yield what `read` yields for each unit, in their order, with the unit's number in a
        column `unit` (UInt32); no frame has more than about `most_chars` characters, as far as the
        units allow."""
        ...
