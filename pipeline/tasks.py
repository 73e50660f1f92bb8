"""What a worker is given: units of source files, or rows that the previous pass has kept.

A task is named by a digest of its units' keys, so the same work has the same name in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.made import read_spans
from pipeline.record import SCHEMA
from pipeline.resume import digest_of
from pipeline.source import Reader, Unit
from pipeline.unit_rows import UNIT, unit_keys

NAME_DIGITS = 15


def task_name(keys: Iterable[str]) -> str:
    """The beginning of the names of a task's files: a digit first, unlike any other file."""
    return "0" + digest_of(*keys)[:NAME_DIGITS]


@dataclass(frozen=True)
class ReadTask:
    """Units of source files; a task has several shards' worth of bytes."""

    units: tuple[tuple[Reader, Unit], ...]
    keys: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of the source units: here, those of the units themselves."""
        return self.keys


@dataclass(frozen=True)
class ShardTask:
    """Rows of shards that the previous pass has written, unit by unit."""

    spans: pl.DataFrame  # a row per unit: `stem`, `start`, `number`, `key`, `source`

    @property
    def keys(self) -> list[str]:
        """The keys of the units."""
        return self.spans["key"].to_list()

    @property
    def sources(self) -> list[str]:
        """The keys of the source units that they come from."""
        return self.spans["source"].to_list()

    def shards(self) -> list[Path]:
        """The files that have the rows."""
        return [Path(f"{stem}.kept.arrow") for stem in self.spans["stem"].unique()]

    def read(self) -> pl.DataFrame:
        """The rows, with the number of each one's unit in a column `unit`."""
        if not self.spans.height:
            return pl.DataFrame(schema={**SCHEMA, UNIT: pl.UInt32})
        numbers = pl.int_range(pl.len(), dtype=pl.UInt32).repeat_by("number").explode()
        owners = self.spans.select(numbers.alias(UNIT)).to_series()
        return read_spans(self.spans, "kept").with_columns(owners)


def read_tasks(
    units: Iterable[tuple[Reader, Unit]], most_bytes: int, keys: Sequence[str] | None = None
) -> list[ReadTask]:
    """Group units into tasks of about `most_bytes` of source, in order; `keys` are the units'."""
    listed = list(units)
    named = unit_keys(listed) if keys is None else keys
    tasks, start, size = [], 0, 0
    for end, (_, unit) in enumerate(listed, start=1):
        size += unit.size()
        if size >= most_bytes or end == len(listed):
            tasks.append(ReadTask(tuple(listed[start:end]), tuple(named[start:end])))
            start, size = end, 0
    return tasks


def shard_tasks(spans: pl.DataFrame, sizes: pl.Series, most_bytes: int) -> list[ShardTask]:
    """Group units into tasks of at most `most_bytes`, in order; one empty task if there are none.

    Consecutive units of one shard stay together, whatever their size.
    """
    borders = (pl.col("stem") != pl.col("stem").shift()).fill_null(True).cum_sum()
    runs = spans.with_columns(size=sizes.cast(pl.Int64)).group_by(border=borders)
    groups = runs.agg(pl.len().alias("units"), pl.col("size").sum()).sort("border")
    tasks, start, end, size = [], 0, 0, 0
    for units, group_size in groups.select("units", "size").iter_rows():
        if start < end and size + group_size > most_bytes:
            tasks.append(ShardTask(spans[start:end]))
            start, size = end, 0
        end, size = end + units, size + group_size
    return [*tasks, ShardTask(spans[start:end])]
