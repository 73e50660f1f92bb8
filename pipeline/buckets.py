"""Rows sorted out by what they have in common, so that each lot of them fits into memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.shards import private_folder, read_frame, write_frame

BUCKET = "_bucket"


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
