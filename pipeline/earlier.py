"""Earlier data that a run compares with, read as its sources are: what is there already is not
taken again.

Its shards have sketches as the run's own have, and no votes. Its records are numbered as they are
read, data set by data set in the order of names, so that of several the first is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import polars as pl

from pipeline.stage import Broken, rejected_as
from pipeline.tables import SketchTable

PLACE = "place"


@dataclass(frozen=True)
class Earlier:
    """The shards of earlier data, in order."""

    shards: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the data set, for each shard

    @cached_property
    def _table(self) -> SketchTable:
        return SketchTable(self.shards)

    @property
    def height(self) -> int:
        """How many records there are."""
        return self._table.height

    def places(self, numbers: pl.Series) -> pl.Series:
        """What records are called: `name: source locator`, in the order of their numbers."""
        known = numbers.unique().sort().cast(pl.UInt32)
        told = self._table.rows(["source", "locator"], known)
        starts = pl.Series(self._table.starts, dtype=pl.Int64)
        shard = starts.search_sorted(known.cast(pl.Int64), "right") - 1
        names = pl.Series("name", self.names, dtype=pl.String).gather(shard)
        told = told.with_columns(names, number=known)
        place = pl.concat_str(
            pl.format("{}: {}", "name", "source"), "locator", separator=" ", ignore_nulls=True
        )
        by_number = told.select("number", place.alias(PLACE))
        asked = numbers.cast(pl.UInt32).alias("number").to_frame()
        return asked.join(by_number, on="number", how="left", maintain_order="left")[PLACE]


def met(own: pl.DataFrame, earlier: pl.DataFrame, key: str) -> pl.DataFrame:
    """`id` of own sketches whose key stands in earlier data, and the first `number` that has it."""
    first = earlier.group_by(key).agg(pl.col("number").min())
    return own.join(first, on=key, how="inner").select("id", "number")


def votes_of(found: pl.DataFrame, reason: str, earlier: Earlier) -> pl.DataFrame:
    """`id` and `rejected` of what was `met`."""
    rule = Broken(pl.lit(True), value=pl.col(PLACE))
    named = found.with_columns(earlier.places(found["number"]))
    return named.select("id", rejected=rejected_as(reason, rule))


def in_order(shards: Sequence[tuple[str, Sequence[Path]]]) -> Earlier:
    """The shards of each data set, by name."""
    named = [(name, path) for name, paths in sorted(shards) for path in paths]
    return Earlier([path for _, path in named], [name for name, _ in named])
