"""Earlier data that a run compares with, read in the same way as its sources: records that are in
it already are rejected.

Its shards have sketches like the run's own shards, but no votes. Its records are numbered as they
are read, data set by data set in the order of names, so that of several equal records the first is
named.
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
        """The number of records."""
        return self._table.height

    def places(self, numbers: pl.Series) -> pl.Series:
        """Texts that identify records, `name: source locator`, for `numbers`, in their order."""
        known = numbers.unique().sort().cast(pl.UInt32)
        places = self._table.rows(["source", "locator"], known)
        starts = pl.Series(self._table.starts, dtype=pl.Int64)
        shard = starts.search_sorted(known.cast(pl.Int64), "right") - 1
        names = pl.Series("name", self.names, dtype=pl.String).gather(shard)
        places = places.with_columns(names, number=known)
        place = pl.concat_str(
            pl.format("{}: {}", "name", "source"), "locator", separator=" ", ignore_nulls=True
        )
        by_number = places.select("number", place.alias(PLACE))
        asked = numbers.cast(pl.UInt32).alias("number").to_frame()
        return asked.join(by_number, on="number", how="left", maintain_order="left")[PLACE]


def met(own: pl.DataFrame, earlier: pl.DataFrame, key: str) -> pl.DataFrame:
    """`id` of own sketches whose key is in earlier data too, and the first `number` with that key.

    `own` and `earlier` are sketches with the column `key`; `earlier` has a `number` too.
    """
    first = earlier.group_by(key).agg(pl.col("number").min())
    return own.join(first, on=key, how="inner").select("id", "number")


def votes_of(found: pl.DataFrame, reason: str, earlier: Earlier) -> pl.DataFrame:
    """Votes (`id` and `rejected`) against the records that `met` found."""
    rule = Broken(pl.lit(True), value=pl.col(PLACE))
    named = found.with_columns(earlier.places(found["number"]))
    return named.select("id", rejected=rejected_as(reason, rule))


def in_order(shards: Sequence[tuple[str, Sequence[Path]]]) -> Earlier:
    """All shards, with data sets in the order of their names."""
    named = [(name, path) for name, paths in sorted(shards) for path in paths]
    return Earlier([path for _, path in named], [name for name, _ in named])
