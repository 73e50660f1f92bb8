"""Rows grouped by something they have in common, in groups that each fit into memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.shards import private_folder, read_frame, write_frame

BUCKET = "_bucket"


class Buckets:
    """Rows in numbered buckets; they are moved to disk when they are more than `most_bytes`."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder, self.most_bytes = folder, most_bytes
        self.waiting: list[pl.DataFrame] = []
        self.size = self.spilled = 0
        self.buckets: dict[int, list[pl.DataFrame | Path]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Put each row into the bucket that its column `BUCKET` (UInt32) names."""
        self.waiting.append(rows)
        self.size += int(rows.estimated_size())
        if self.size >= self.most_bytes:
            private_folder(self.folder)
            for number, frame in self._sorted_out():
                path = self.folder / f"{number:05d}-{self.spilled:05d}.arrow"
                write_frame(path, frame)
                self.buckets.setdefault(number, []).append(path)
            self.spilled += 1

    def _sorted_out(self) -> Iterator[tuple[int, pl.DataFrame]]:
        waiting, self.waiting, self.size = self.waiting, [], 0
        if waiting:
            rows = pl.concat(waiting)
            for key, frame in rows.partition_by(BUCKET, as_dict=True, include_key=False).items():
                yield int(key[0]), frame

    def read(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield (number, rows in the order they were added) of each bucket, and remove it."""
        for number, frame in self._sorted_out():
            self.buckets.setdefault(number, []).append(frame)
        for number in sorted(self.buckets):
            kept = self.buckets.pop(number)
            yield (
                number,
                pl.concat([read_frame(rows) if isinstance(rows, Path) else rows for rows in kept]),
            )
        shutil.rmtree(self.folder, ignore_errors=True)
