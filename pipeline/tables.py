"""Sketches on disk, read a column at a time.

It is what lets a vote over all records hold some bytes of each, whatever the records hold.
What is small is read once and held: to open a file again for each column took half of a vote.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, repeat, zip_longest
from pathlib import Path

import polars as pl

from pipeline.shards import read_frame

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
