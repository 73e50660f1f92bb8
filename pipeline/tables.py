"""Sketches on disk, read a column at a time.

Because of this, a vote over all records holds a few bytes of each, however large the records are.
Small tables are read once and held: opening a file again for each column took half of a vote.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat, zip_longest
from pathlib import Path

import polars as pl

from pipeline.shards import read_frame

AT_ONCE = 1 << 20  # rows of a column that are always held
SORTED_BYTES = 32  # for each row while a column of numbers is sorted


class SketchTable:
    """Frames of one schema, one after the other: paths of Arrow files, or frames in memory.

    The first `own` rows are the run's records; rows of earlier data follow. For each part, `gone`
    has ids that have no row here because they were voted out before, and `in_use` the numbers of
    the only rows that count (None for all). If the files have no more than `room` bytes together,
    they are held in memory; otherwise a column is read some rows at a time.
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
        self.parts: list[Path | pl.DataFrame] = []  # frames have only the rows that count
        self.left: list[pl.Series | None] = []  # numbers of the rows that count, None for all
        for path, *lookups in zip_longest(parts, gone, in_use):
            part = read_frame(path) if held and isinstance(path, Path) else path
            left = rows_left(part, *lookups)
            self.parts.append(part if left is None or isinstance(part, Path) else part[left])
            self.left.append(left)
        self.starts = [0, *accumulate(map(_height, self.parts, self.left))]
        self.height = self.starts[-1]
        self.own = self.height if own is None else own
        self.at_once = max(AT_ONCE, room // SORTED_BYTES)

    def column(self, name: str) -> pl.Series:
        """One column of all rows; many numbers are read into one array, never held twice."""
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
        """Yield (number of its first row, some columns) for each part."""
        for part, start in enumerate(self.starts[:-1]):
            yield start, self._whole(part, names)

    def pieces(self, name: str, *, own: bool) -> Iterator[pl.Series]:
        """Yield a column of the run's own rows, or of the others, in pieces of no more than
        `at_once` rows or of one part."""
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
        """One column of a part's rows."""
        return self._whole(part, [name])[name]

    def _whole(self, part: int, names: Sequence[str]) -> pl.DataFrame:
        """Some columns of a part's rows."""
        read, left = _read(self.parts[part], names), self._unread(part)
        return read if left is None else read[left]

    def _unread(self, part: int) -> pl.Series | None:
        """The rows of a part to select after reading; None if the part has no others."""
        return self.left[part] if isinstance(self.parts[part], Path) else None

    def rows(self, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
        """Some columns of the rows with these numbers, in the order of the numbers."""
        ascending = bool((numbers.slice(1) > numbers.head(-1)).all())
        wanted = numbers if ascending else numbers.unique().sort()
        frames = [
            _read(self.parts[part], names)[_among(self._unread(part), local)]
            for part, local in self._spread(wanted)
        ]
        rows = pl.concat(frames or [_read(self.parts[0], names).clear()], rechunk=True)
        return rows if ascending else rows[wanted.search_sorted(numbers)]

    def by_part(self, numbers: pl.Series) -> Iterator[tuple[int, pl.Series]]:
        """Yield (part, row numbers in its file) for ascending row numbers of the table."""
        for part, local in self._spread(numbers):
            yield part, _among(self.left[part], local)

    def _spread(self, numbers: pl.Series) -> Iterator[tuple[int, pl.Series]]:
        """Yield (part, numbers among its rows that count) for ascending row numbers."""
        cuts = numbers.search_sorted(pl.Series(self.starts, dtype=pl.Int64)).to_list()
        for part, start in enumerate(self.starts[:-1]):
            if cuts[part] < cuts[part + 1]:
                yield part, numbers[cuts[part] : cuts[part + 1]] - start


def _among(left: pl.Series | None, numbers: pl.Series) -> pl.Series:
    """Turn numbers among the rows that are left into numbers among all rows of a part."""
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
