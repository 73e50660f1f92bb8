"""Evidence on disk: some bytes for each record, read a record at a time."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import polars as pl


class Blobs:
    """Some bytes for each of many rows, in files, or in memory if they are at most `room` bytes.

    `rows` are row numbers, `sizes` the bytes of each; `files` have a path and a number of rows
    each.
    """

    def __init__(
        self,
        rows: pl.Series,
        sizes: pl.Series,
        files: Sequence[tuple[Path, int]],
        room: int = 0,
    ) -> None:
        self.rows = rows  # row numbers in the table of sketches, UInt32
        self.sizes = sizes  # bytes, UInt32
        self.files = [path for path, _ in files]
        self.firsts = [0, *accumulate(height for _, height in files)]
        self.offsets = sizes.cast(pl.UInt64).cum_sum() - sizes  # as if all were one file
        held = int(sizes.cast(pl.Int64).sum()) <= room
        everything = pl.int_range(sizes.len(), dtype=pl.UInt32, eager=True)
        self.held = self._read(everything) if held else None

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of rows, Binary, by their places in `rows`; repeated ones are read again."""
        if self.held is not None:
            return self.held.gather(numbers)
        order = numbers.arg_sort()
        return self._read(numbers.gather(order)).gather(order.arg_sort())

    def _read(self, chosen: pl.Series) -> pl.Series:
        """The bytes of rows whose places are in ascending order."""
        sizes, offsets = self.sizes.gather(chosen), self.offsets.gather(chosen)
        blobs: list[bytes] = []
        open_file, last = -1, -1
        try:
            for row, size, offset in zip(chosen, sizes, offsets, strict=True):
                part = bisect_right(self.firsts, row) - 1
                if part != last:
                    if open_file >= 0:
                        os.close(open_file)
                    open_file, last = os.open(self.files[part], os.O_RDONLY), part
                    start = self.offsets[self.firsts[part]]
                blobs.append(os.pread(open_file, size, offset - start))
        finally:
            if open_file >= 0:
                os.close(open_file)
        return pl.Series(blobs, dtype=pl.Binary)


def write_blobs(path: Path, blobs: pl.Series) -> pl.Series:
    """Write a Binary column as one file; returns the size of each value, 0 for null."""
    with path.open("wb") as file:
        file.writelines(blob for blob in blobs if blob)
    return blobs.bin.size().cast(pl.UInt32).fill_null(0)
