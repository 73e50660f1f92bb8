"""The base class of readers whose unit is one file: a subclass only says which rows a file has."""

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
    """A reader of single files; a subclass defines `name`, `claims` and `rows`."""

    sandboxed: ClassVar[bool] = True

    def units(self, files: Sequence[SourceFile]) -> list[Unit]:
        """Units of one file each, or of one range of a large file."""
        if not any(map(ranges.is_large, files)):
            return [Unit(alone) for alone in zip(files)]  # `zip` makes the tuples in half the time
        return [
            Unit((piece,))
            for file in files
            for piece in (self.pieces(file) if ranges.is_large(file) else (file,))
        ]

    def pieces(self, file: SourceFile) -> Sequence[SourceFile]:
        """Cut a large file into ranges that `rows` can read one by one.

        Most readers cannot, and return the file itself.
        """
        return (file,)

    def read(self, unit: Unit) -> Iterator[pl.DataFrame]:
        """Yield the rows of each file; a fault of the whole file is a rejected row."""
        return map(framed, self.batches(unit))

    def batches(self, unit: Unit) -> Iterator[Batch]:
        """Yield the rows of each frame that `read` would yield."""
        return batches(row for file in unit.files for row in self._rows_and_fault(file))

    def read_together(
        self, units: Iterable[tuple[int, Unit]], most_chars: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of several units as frames of at most about `most_chars` characters.

        A column `unit` holds the number that each row's unit was given.
        """
        numbered = (
            (n, (row for file in unit.files for row in self._rows_and_fault(file)))
            for n, unit in units
        )
        return numbered_frames(numbered, most_chars)

    def _rows_and_fault(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        try:
            yield from self.rows(file)
        except UnreadableError as fault:
            yield fault.row(file)

    def rows(self, file: SourceFile) -> Iterator[Row | MadeFrame]:
        """Yield at least one row; raises UnreadableError for a fault of the whole file.

        It may yield rows before it raises, but none with the locator "".
        """
        raise NotImplementedError
