"""Tables that stay on disk: sketches read a column at a time, evidence a record at a time.

They are what lets a vote over all records hold some bytes of each, whatever the records hold.
What is small is read once and held: to open a file again for each column took half of a vote.
"""

from __future__ import annotations

import os
import shutil
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat, zip_longest
from pathlib import Path

import polars as pl

from pipeline.shards import private_folder, read_frame, write_frame

BUCKET = "_bucket"
AT_ONCE = 1 << 20  # rows of a column that are always held
SORTED_BYTES = 32  # of each row while a column of numbers is sorted


class SketchTable:
    """Frames of one schema, one after the other: paths of Arrow files, or frames in memory.

    The first `own` rows are the run's records; what follows are those of earlier data. `gone` are
    the ids of each part that have no row here, since they were voted out before; `in_use` are the
    numbers of the rows that alone have one, None for all. Files of no more than `room` bytes
    together are held in memory; else a column is read some rows at a time.
    """

    def __init__(
        self,
        parts: Sequence[Path | pl.DataFrame],
        own: int | None = None,
        gone: Sequence[pl.Series] = (),
        room: int = 0,
        in_use: Sequence[pl.Series | None] = (),
    ) -> None:
        self.size = sum(map(_size, parts))  # bytes
        held = self.size <= room
        self.parts: list[Path | pl.DataFrame] = []  # in memory without the rows that are not here
        self.left: list[pl.Series | None] = []
        for path, *told in zip_longest(parts, gone, in_use):
            part = read_frame(path) if held and isinstance(path, Path) else path
            left = rows_left(part, *told)
            self.parts.append(part if left is None or isinstance(part, Path) else part[left])
            self.left.append(left)
        self.starts = [0, *accumulate(map(_height, self.parts, self.left))]
        self.height = self.starts[-1]
        self.own = self.height if own is None else own
        self.at_once = max(AT_ONCE, room // SORTED_BYTES)

    def column(self, name: str) -> pl.Series:
        """One column of all rows; of many numbers it is held once, while it is read too."""
        if not self.parts:
            raise IndexError(f"{name}: there are no parts")
        pieces = map(self._piece, repeat(name), range(len(self.parts)))
        first = next(pieces)
        if not first.dtype.is_integer() or self.height <= self.at_once:
            return pl.concat([first, *pieces], rechunk=True)
        import numpy as np

        whole = np.empty(self.height, dtype=first.to_numpy().dtype)
        for start, piece in zip(self.starts, chain([first], pieces), strict=False):
            whole[start : start + piece.len()] = piece.to_numpy()
        return pl.Series(name, whole)

    def frames(self, names: Sequence[str]) -> Iterator[tuple[int, pl.DataFrame]]:
        """(number of its first row, some columns) of each part."""
        for part, start in enumerate(self.starts[:-1]):
            yield start, self._whole(part, names)

    def pieces(self, name: str, *, own: bool) -> Iterator[pl.Series]:
        """A column of the run's own rows, or of the others, no more than `at_once` of them, or one
        part, at a time."""
        first = (
            len(self.parts) if self.own == self.height else bisect_right(self.starts, self.own) - 1
        )
        waiting: list[pl.Series] = []
        height = 0
        for part in range(first) if own else range(first, len(self.parts)):
            height += self.starts[part + 1] - self.starts[part]
            if waiting and height > self.at_once:
                yield pl.concat(waiting)
                waiting, height = [], self.starts[part + 1] - self.starts[part]
            waiting.append(self._piece(name, part))
        if waiting:
            yield pl.concat(waiting)

    def _piece(self, name: str, part: int) -> pl.Series:
        """One column of the rows of a part."""
        return self._whole(part, [name])[name]

    def _whole(self, part: int, names: Sequence[str]) -> pl.DataFrame:
        """Some columns of the rows of a part."""
        read, left = _read(self.parts[part], names), self._unread(part)
        return read if left is None else read[left]

    def _unread(self, part: int) -> pl.Series | None:
        """Which rows of a part are here, if it has to be asked of what is read of it."""
        return self.left[part] if isinstance(self.parts[part], Path) else None

    def rows(self, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
        """Some columns of the rows with these numbers, in their order."""
        ascending = bool((numbers.slice(1) > numbers.head(-1)).all())
        wanted = numbers if ascending else numbers.unique().sort()
        found = [
            _read(self.parts[part], names)[_among(self._unread(part), local)]
            for part, local in self._spread(wanted)
        ]
        rows = pl.concat(found or [_read(self.parts[0], names).clear()], rechunk=True)
        return rows if ascending else rows[wanted.search_sorted(numbers)]

    def by_part(self, numbers: pl.Series) -> Iterator[tuple[int, pl.Series]]:
        """(part, numbers of rows inside it, those that are gone too) of ascending row numbers."""
        for part, local in self._spread(numbers):
            yield part, _among(self.left[part], local)

    def _spread(self, numbers: pl.Series) -> Iterator[tuple[int, pl.Series]]:
        """(part, numbers among its rows that are here) of ascending row numbers."""
        cuts = numbers.search_sorted(pl.Series(self.starts, dtype=pl.Int64)).to_list()
        for part, start in enumerate(self.starts[:-1]):
            if cuts[part] < cuts[part + 1]:
                yield part, numbers[cuts[part] : cuts[part + 1]] - start


def _among(left: pl.Series | None, numbers: pl.Series) -> pl.Series:
    """The rows with these numbers among those that are left."""
    return numbers if left is None else left.gather(numbers)


def rows_left(
    part: Path | pl.DataFrame, gone: pl.Series | None, in_use: pl.Series | None
) -> pl.Series | None:
    """The numbers of a part's rows in use whose ids are not gone, UInt32; None for all."""
    if gone is None or gone.is_empty():
        return in_use
    ids = _read(part, ["id"])["id"]
    if in_use is None:
        return (~ids.is_in(gone.implode())).arg_true()
    return in_use.filter(~ids.gather(in_use).is_in(gone.implode()))


def _size(part: Path | pl.DataFrame) -> int:
    return part.stat().st_size if isinstance(part, Path) else int(part.estimated_size())


def _height(part: Path | pl.DataFrame, left: pl.Series | None) -> int:
    if left is not None:
        return left.len()
    if isinstance(part, pl.DataFrame):
        return part.height
    return int(pl.scan_ipc(part).select(pl.len()).collect().item())


def _read(part: Path | pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    if isinstance(part, pl.DataFrame):
        return part.select(names)
    return pl.read_ipc(part, columns=list(names)).select(names)


class Blobs:
    """Some bytes for each of many rows, in files; `sizes` are in memory.

    All of it is, if it is no more than `room` bytes.
    """

    def __init__(
        self,
        rows: pl.Series,
        sizes: pl.Series,
        files: Sequence[tuple[Path, int]],
        room: int = 0,
    ) -> None:
        self.rows = rows  # of the table of sketches, UInt32
        self.sizes = sizes  # bytes, UInt32
        self.files = [path for path, _ in files]
        self.firsts = [0, *accumulate(height for _, height in files)]
        self.offsets = sizes.cast(pl.UInt64).cum_sum() - sizes  # as if all were one file
        held = int(sizes.cast(pl.Int64).sum()) <= room
        everything = pl.int_range(sizes.len(), dtype=pl.UInt32, eager=True)
        self.held = self._read(everything) if held else None

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of these rows, Binary, in their order; repeats are read again."""
        if self.held is not None:
            return self.held.gather(numbers)
        order = numbers.arg_sort()
        return self._read(numbers.gather(order)).gather(order.arg_sort())

    def _read(self, chosen: pl.Series) -> pl.Series:
        """The bytes of ascending rows."""
        sizes, offsets = self.sizes.gather(chosen), self.offsets.gather(chosen)
        found: list[bytes] = []
        open_file, last = -1, -1
        try:
            for row, size, offset in zip(chosen, sizes, offsets, strict=True):
                part = bisect_right(self.firsts, row) - 1
                if part != last:
                    if open_file >= 0:
                        os.close(open_file)
                    open_file, last = os.open(self.files[part], os.O_RDONLY), part
                    start = self.offsets[self.firsts[part]]
                found.append(os.pread(open_file, size, offset - start))
        finally:
            if open_file >= 0:
                os.close(open_file)
        return pl.Series(found, dtype=pl.Binary)


def write_blobs(path: Path, blobs: pl.Series) -> pl.Series:
    """Write a Binary column as one file; returns the sizes, 0 for null."""
    with path.open("wb") as file:
        file.writelines(blob for blob in blobs if blob)
    return blobs.bin.size().cast(pl.UInt32).fill_null(0)


class Buckets:
    """Rows sorted out into numbered buckets, on disk as soon as they are too many for memory."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder, self.most_bytes = folder, most_bytes
        self.waiting: list[pl.DataFrame] = []
        self.size = self.spilled = 0
        self.held: dict[int, list[pl.DataFrame | Path]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Put each row into the bucket that its column `BUCKET` (UInt32) names."""
        self.waiting.append(rows)
        self.size += int(rows.estimated_size())
        if self.size >= self.most_bytes:
            private_folder(self.folder)
            for number, frame in self._sorted_out():
                path = self.folder / f"{number:05d}-{self.spilled:05d}.arrow"
                write_frame(path, frame)
                self.held.setdefault(number, []).append(path)
            self.spilled += 1

    def _sorted_out(self) -> Iterator[tuple[int, pl.DataFrame]]:
        waiting, self.waiting, self.size = self.waiting, [], 0
        if waiting:
            rows = pl.concat(waiting)
            for key, frame in rows.partition_by(BUCKET, as_dict=True, include_key=False).items():
                yield int(key[0]), frame

    def read(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Each bucket that has rows, once, by number, its rows as they came; then it is gone."""
        for number, frame in self._sorted_out():
            self.held.setdefault(number, []).append(frame)
        for number in sorted(self.held):
            kept = self.held.pop(number)
            yield (
                number,
                pl.concat([read_frame(one) if isinstance(one, Path) else one for one in kept]),
            )
        shutil.rmtree(self.folder, ignore_errors=True)
