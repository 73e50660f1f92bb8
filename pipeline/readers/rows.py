"""How readers hand over rows: faults as rows, rows as frames of a bounded size.

Polars is imported where a frame is made: the sandbox's child hands over rows and makes none.

Reason: `read.bad_file_name` (value: the name).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from pipeline.identity import rejection
from pipeline.readers.wire import UNIT
from pipeline.source import SourceFile, printable

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
"""One record by column name, as `pipeline.record.frame` takes it."""

FRAME_ROWS = 2_000
FRAME_CHARS = 8_000_000
"""A frame is closed when it holds this many rows or characters, whichever comes first."""

TOGETHER_CHARS = 1_000_000
"""Of the rows of several units in one frame."""

VALUE_CHARS = 200
"""A rejection's value is evidence, not a copy of the data."""


class UnreadableError(Exception):
    """What is wrong with a file or with one row of it. Caught inside the reader, always."""

    def __init__(self, reason: str, value: Any = None, threshold: Any = None) -> None:
        self.reason = reason
        self.value = None if value is None else str(value)[:VALUE_CHARS]
        self.threshold = threshold
        super().__init__(reason, self.value, threshold)

    def row(self, file: SourceFile, locator: str = "") -> Row:
        """The rejected row that stands for this part of the file."""
        rejected = rejection(self.reason, self.value, self.threshold)
        return {"source": file.uri, "locator": locator, "rejected": rejected}


Located = tuple[str, dict[str, Any] | UnreadableError]
"""A row of a table as an object with its locator, or what is wrong with it."""


class MadeFrame(Protocol):
    """Several rows that are no objects of their own."""

    def inside(self, source: str, place: str) -> Self:
        """The same of a member of an archive: its place there stands before each row's own."""

    def frame(self) -> pl.DataFrame:
        """As a frame of `record.SCHEMA`, of one block that was read."""


Batch: TypeAlias = "list[Row] | pl.DataFrame"
"""The rows of one frame, or the frame where it was made already."""


def batches(rows: Iterable[Row | MadeFrame]) -> Iterator[Batch]:
    """Rows in order as batches, none larger than the two limits above."""
    return (one for _, one in _batches(((0, row) for row in rows), FRAME_ROWS, FRAME_CHARS))


def framed(batch: Batch) -> pl.DataFrame:
    """A batch as a frame of `record.SCHEMA`."""
    from pipeline.record import frame

    return frame(batch) if isinstance(batch, list) else batch


def frames(rows: Iterable[Row | MadeFrame]) -> Iterator[pl.DataFrame]:
    """The frames of the rows' batches."""
    return map(framed, batches(rows))


def numbered_frames(
    units: Iterable[tuple[int, Iterable[Row | MadeFrame]]], most_chars: int
) -> Iterator[pl.DataFrame]:
    """The same of the rows of several units, with each row's number of its unit as `unit`.

    To make a frame costs as much as to make 300 of its rows: a small file is no frame of its own.
    """
    import polars as pl

    rows = ((number, row) for number, own in units for row in own)
    for numbers, batch in _batches(rows, FRAME_ROWS, min(most_chars, TOGETHER_CHARS)):
        made = framed(batch)
        if len(numbers) == made.height:
            yield made.with_columns(pl.Series(UNIT, numbers, dtype=pl.UInt32))
        else:
            yield made.with_columns(pl.lit(numbers[0], pl.UInt32).alias(UNIT))


def _batches(
    rows: Iterable[tuple[int, Row | MadeFrame]], most_rows: int, most_chars: int
) -> Iterator[tuple[list[int], Batch]]:
    """Numbered rows as batches, with the numbers of each: one, if that of all rows, or one each."""
    numbers: list[int] = []
    batch: list[Row] = []
    weight = 0
    for number, row in rows:
        if isinstance(row, dict):
            numbers.append(number)
            batch.append(row)
            weight += chars_of(row)
            ends = len(batch) >= most_rows or weight >= most_chars
        else:
            ends = bool(batch)
        if ends:
            yield numbers, batch
            numbers, batch, weight = [], [], 0
        if not isinstance(row, dict):
            yield from (([number], part) for part in row.frame().iter_slices(most_rows))
    if batch:
        yield numbers, batch


def chars_of(row: Mapping[str, Any]) -> int:
    """The characters of its texts."""
    turns = row.get("messages") or ()
    own = len(row.get("text") or "") + len(row.get("system") or "")
    return own + sum(len(turn["text"]) for turn in turns)


def sibling(uri: str, name: str) -> str:
    """The URI of the file that `name` means when it stands in the file at `uri`.

    Only downwards: `..`, absolute paths and URLs are refused, so that data cannot name a file
    outside its own folder (CWE-22; Hugging Face's imagefolder keeps the same rule). The name is
    the file's own; in the URI of a local one some of its characters are encoded.

    >>> sibling("photos/metadata.csv", "./a/1.png")
    'photos/a/1.png'
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    absolute = name.startswith(("/", "~")) or name[1:2] == ":" or "://" in name
    if not parts or ".." in parts or absolute or "\\" in name or "\0" in name:
        raise UnreadableError("read.bad_file_name", name)
    folder, slash, _ = uri.rpartition("/")
    below = "/".join(parts)
    return folder + slash + (below if "://" in uri else printable(below))
