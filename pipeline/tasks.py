"""What a worker is handed: units of source files, or rows that the pass before has kept.

A task is called by a digest of its units' keys: the same work has the same name in every run.
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
    """What the files of a task begin with: a digit, as no other file's name does."""
    return "0" + digest_of(*keys)[:NAME_DIGITS]


@dataclass(frozen=True)
class ReadTask:
    """Units of source files, some shards' worth of bytes."""

    units: tuple[tuple[Reader, Unit], ...]
    keys: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of the source units: they are what is read."""
        return self.keys


@dataclass(frozen=True)
class ShardTask:
    """Rows of shards that the pass before has written, unit by unit."""

    spans: pl.DataFrame  # `stem`, `start`, `number` of each unit's rows; its `key`, and `source`

    @property
    def keys(self) -> list[str]:
        """Those of the units."""
        return self.spans["key"].to_list()

    @property
    def sources(self) -> list[str]:
        """The keys of the source units that they come from."""
        return self.spans["source"].to_list()

    def shards(self) -> list[Path]:
        """The files that the rows are in."""
        return [Path(f"{stem}.kept.arrow") for stem in self.spans["stem"].unique()]

    def read(self) -> pl.DataFrame:
        """The rows, each with the number of its unit."""
        if not self.spans.height:
            return pl.DataFrame(schema={**SCHEMA, UNIT: pl.UInt32})
        numbers = pl.int_range(pl.len(), dtype=pl.UInt32).repeat_by("number").explode()
        owners = self.spans.select(numbers.alias(UNIT)).to_series()
        return read_spans(self.spans, "kept").with_columns(owners)


def read_tasks(
    units: Iterable[tuple[Reader, Unit]], most_bytes: int, keys: Sequence[str] | None = None
) -> list[ReadTask]:
    """Units in groups of about `most_bytes` of source, in order; `keys` are theirs."""
    own = list(units)
    named = unit_keys(own) if keys is None else keys
    tasks, start, size = [], 0, 0
    for end, (_, unit) in enumerate(own, start=1):
        size += unit.size()
        if size >= most_bytes or end == len(own):
            tasks.append(ReadTask(tuple(own[start:end]), tuple(named[start:end])))
            start, size = end, 0
    return tasks


def shard_tasks(spans: pl.DataFrame, sizes: pl.Series, most_bytes: int) -> list[ShardTask]:
    """Units in groups of no more than `most_bytes`, in order; a task for none if there are none.

    Units that stand in one shard in a row stay together, whatever they come to.
    """
    borders = (pl.col("stem") != pl.col("stem").shift()).fill_null(True).cum_sum()
    runs = spans.with_columns(size=sizes.cast(pl.Int64)).group_by(border=borders)
    told = runs.agg(pl.len().alias("units"), pl.col("size").sum()).sort("border")
    tasks, start, end, size = [], 0, 0, 0
    for units, own in told.select("units", "size").iter_rows():
        if start < end and size + own > most_bytes:
            tasks.append(ShardTask(spans[start:end]))
            start, size = end, 0
        end, size = end + units, size + own
    return [*tasks, ShardTask(spans[start:end])]
