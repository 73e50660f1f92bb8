"""What a reader is: bytes that were ingested, to frames of records."""

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
    """A local file's name as it stands in a URI: `%` and what no terminal shows are encoded."""
    if name.isprintable() and "%" not in name:
        return name
    return "".join(c if c.isprintable() and c != "%" else quote(c, safe="") for c in name)


class Listed(NamedTuple):
    """A source as it was listed, before its bytes are read.

    A tuple, as the others here of which there are as many as sources: to make a frozen dataclass
    takes four times as long.
    """

    uri: str
    size: int  # bytes
    local: str | Path | None  # a local file; a Path of each of 100,000 names takes half a second
    etag: str | None  # an S3 object's version
    stamp: str | None = None  # of a local file, by which `pipeline.pins` knows it again


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
"""Of a file: its SHA-256, the reader that takes it by its name and first bytes, and whether it
describes images."""

Claims = dict[str, Claim]
"""By the URIs of files."""


@dataclass(frozen=True)
class Span:
    """A range of a file that is read by itself: whole records."""

    start: int  # bytes
    before: int  # lines or rows of the file before it
    end: int  # bytes


class SourceFile(NamedTuple):
    """One ingested file, pinned: `path` holds exactly the bytes that `sha256` names."""

    uri: str  # path relative to the recipe (POSIX, percent-encoded where not UTF-8), or s3://
    local: str | os.PathLike[str]  # where the bytes are on this machine, or will be when asked for
    size: int  # bytes
    sha256: str  # hex
    span: Span | None = None  # what of it is to be read, where that is not all
    stamp: str | None = None  # of a local file as it was pinned: written to, it has another one

    @property
    def path(self) -> Path:
        """Where the bytes are on this machine; they are fetched now if they are not there yet."""
        return Path(self.local)

    def bytes_read(self) -> int:
        """Bytes of it that are read: its size, or that of its range."""
        return self.size if self.span is None else self.span.end - self.span.start

    def open(self) -> BinaryIO:
        """Its bytes from the start, to be closed by the caller."""
        return open(self.path, "rb", buffering=1 << 20, opener=open_regular)

    def head(self) -> bytes:
        """The first `HEAD_BYTES`."""
        head, wanted = b"", min(self.size, HEAD_BYTES)
        file = open_regular(self.local)
        try:
            while len(head) < wanted and (more := os.read(file, wanted - len(head))):
                head += more
        finally:
            os.close(file)
        return head


class Unit(NamedTuple):
    """What one `read` call takes: files that give records, and files read along with them."""

    files: tuple[SourceFile, ...]
    sidecars: tuple[SourceFile, ...] = ()  # captions, metadata: consumed, give no record themselves

    def size(self) -> int:
        """Bytes of the files that give records."""
        if len(self.files) == 1:  # nearly all; it is asked of each several times
            return self.files[0].bytes_read()
        return sum(file.bytes_read() for file in self.files)


@runtime_checkable
class Reader(Protocol):
    """Source to records. A frozen `Settings`; its fields are what a recipe may set.

    Whatever the bytes are, `read` yields at least one row for each of the unit's files: a file
    that cannot be read, or holds nothing, is a row with `rejected` set and the reason in it.
    It never raises for bad bytes, and yields frames of a bounded size (some 10 MB of text).
    A reader that hands bytes to a parser in C or with costs of its own says `sandboxed`, and is
    run in `pipeline.readers.sandbox`.
    """

    name: ClassVar[str]
    sandboxed: ClassVar[bool]

    def claims(self, file: SourceFile, head: bytes) -> bool:
        """Whether this looks like a file for this reader, from name and first bytes."""
        ...

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """The files in groups that must be read together; mostly one each, in the given order.

        A large file may come as several units, each with a range of it (`pipeline.readers.ranges`).
        """
        ...

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """Frames of `record.SCHEMA`, in the order of the source."""
        ...


@runtime_checkable
class ReadsTogether(Protocol):
    """A reader that reads many small units with fewer frames than units."""

    def read_together(
        self, units: Iterable[tuple[int, Unit]], most_chars: int
    ) -> Iterator[pl.DataFrame]:
        """What `read` gives of each, in their order, with its number in a column `unit` (UInt32);
        no frame has more than about `most_chars` characters if the units allow."""
        ...
