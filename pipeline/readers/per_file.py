"""What readers share whose unit is one file: they only say which rows a file has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pipeline.readers import ranges
from pipeline.readers.rows import (
    Batch,
    MadeFrame,
    Row,
    UnreadableError,
    batches,
    framed,
    numbered_frames,
)
from pipeline.settings import Settings
from pipeline.source import SourceFile, Unit

if TYPE_CHECKING:
    import polars as pl


class PerFileReader(Settings):
    """A reader of single files; a subclass gives `name`, `claims` and `rows`."""

    sandboxed: ClassVar[bool] = True

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """One file each, or one range of it."""
        if not any(map(ranges.is_large, files)):
            return [Unit(one) for one in zip(files)]  # a tuple of each, in half the time
        return [
            Unit((piece,))
            for file in files
            for piece in (self.pieces(file) if ranges.is_large(file) else (file,))
        ]

    def pieces(self, file: SourceFile) -> Sequence[SourceFile]:
        """A large file in ranges that `rows` can read one by one; mostly the file."""
        return (file,)

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """The rows of each file, and its fault."""
        return map(framed, self.batches(unit))

    def batches(self, unit: Unit) -> Iterator[Batch]:
        """The rows of each frame that `read` gives."""
        return batches(row for file in unit.files for row in self._told(file))

    def read_together(
        self, units: Iterable[tuple[int, Unit]], most_chars: int
    ) -> Iterator[pl.DataFrame]:
        """The rows of several units as frames of about `most_chars` characters at most, with the
        number that each unit was given in a column `unit`."""
        told = ((n, (row for file in unit.files for row in self._told(file))) for n, unit in units)
        return numbered_frames(told, most_chars)

    def _told(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        try:
            yield from self.rows(file)
        except UnreadableError as fault:
            yield fault.row(file)

    def rows(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        """At least one row; raises UnreadableError for what is wrong with the whole file.

        Before it raises, it may have given rows, but none with the locator "".
        """
        raise NotImplementedError
