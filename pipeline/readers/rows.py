"""How readers hand over rows: faults become rows, rows become frames of a bounded size.

Polars is imported only where a frame is made: the sandbox's child process mostly sends rows and
needs no frame.

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
"""One record by column name, as `pipeline.record.frame` accepts it."""

FRAME_ROWS = 2_000
FRAME_CHARS = 8_000_000
"""A frame is finished when it holds this many rows or characters, whichever comes first."""

TOGETHER_CHARS = 1_000_000
"""The most characters in a frame that holds rows of several units."""

VALUE_CHARS = 200
"""The most characters of a rejection's value, which is evidence, not a copy of the data."""


class UnreadableError(Exception):
    """What is wrong with a file or with one row of it. Always caught inside the reader."""

    def __init__(self, reason: str, value: Any = None, threshold: Any = None) -> None:
        self.reason = reason
        self.value = None if value is None else str(value)[:VALUE_CHARS]
        self.threshold = threshold
        super().__init__(reason, self.value, threshold)

    def row(self, file: SourceFile, locator: str = "") -> Row:
        """The rejected row that represents this part of the file."""
        rejected = rejection(self.reason, self.value, self.threshold)
        return {"source": file.uri, "locator": locator, "rejected": rejected}


Located = tuple[str, dict[str, Any] | UnreadableError]
"""A locator with the table row there as an object, or with what is wrong with the row."""


class MadeFrame(Protocol):
    """Several rows held together, without an object for each."""

    def inside(self, source: str, place: str) -> Self:
        """The same rows as those of a member of the archive `source`; each locator gets the
        member's `place` as a prefix."""

    def frame(self) -> pl.DataFrame:
        """The rows as a frame of `record.SCHEMA`."""


Batch: TypeAlias = "list[Row] | pl.DataFrame"
"""The rows of one frame, or the frame itself if it has already been made."""


def batches(rows: Iterable[Row | MadeFrame]) -> Iterator[Batch]:
    """Group rows, in order, into batches no larger than `FRAME_ROWS` and `FRAME_CHARS`."""
    return (batch for _, batch in _batches(((0, row) for row in rows), FRAME_ROWS, FRAME_CHARS))


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
    """Yield the frames of several units' rows, with the number of each row's unit as `unit`.

    Making a frame costs as much as making 300 of its rows, so small files share one.
    """
    import polars as pl

    rows = ((number, row) for number, unit_rows in units for row in unit_rows)
    for numbers, batch in _batches(rows, FRAME_ROWS, min(most_chars, TOGETHER_CHARS)):
        made = framed(batch)
        if len(numbers) == made.height:
            yield made.with_columns(pl.Series(UNIT, numbers, dtype=pl.UInt32))
        else:
            yield made.with_columns(pl.lit(numbers[0], pl.UInt32).alias(UNIT))


def _batches(
    rows: Iterable[tuple[int, Row | MadeFrame]], most_rows: int, most_chars: int
) -> Iterator[tuple[list[int], Batch]]:
    """Group numbered rows into batches, each with its rows' numbers.

    A batch of single rows has one number for each row; a frame that was already made has one number
    for all its rows.
    """
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
    """The number of characters in a row's texts."""
    turns = row.get("messages") or ()
    outside_turns = len(row.get("text") or "") + len(row.get("system") or "")
    return outside_turns + sum(len(turn["text"]) for turn in turns)


def sibling(uri: str, name: str) -> str:
    """The URI of the file that `name` refers to when the file at `uri` contains that name.

    Only files in the same folder or below it can be named: `..`, absolute paths and URLs are
    refused, so that data cannot name a file outside its own folder (CWE-22; Hugging Face's
    imagefolder has the same rule). `name` is not encoded; in the URI of a local file some of its
    characters are.

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
