"""How a run comes to a stage's votes, in memory: sketches by shard, evidence, the decision."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.buckets import BUCKET
from pipeline.corpus_stage import EvidenceStage, Verdict
from pipeline.deciding import Ballot
from pipeline.tables import SketchTable


class Held:
    """Evidence that is all in memory."""

    def __init__(self, rows: pl.Series, blobs: pl.Series) -> None:
        self.rows, self.blobs = rows, blobs
        self.sizes = blobs.bin.size().cast(pl.UInt32).fill_null(0)

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of some candidates."""
        return self.blobs.gather(numbers)


def verdict(stage: Any, *shards: pl.DataFrame, earlier: int = 0) -> tuple[SketchTable, Verdict]:
    """The sketches and the verdict on them; the last `earlier` shards are earlier data."""
    own = sum(shard.height for shard in shards[: len(shards) - earlier])
    sketches = SketchTable([stage.sketch(shard) for shard in shards], own)
    rows = stage.candidates(sketches)
    assert rows.dtype == pl.UInt32
    assert rows.equals(rows.unique().sort())
    return sketches, stage.decide(sketches, Held(rows, stage.evidence(pl.concat(shards)[rows])))


def vote(stage: Any, *shards: pl.DataFrame, earlier: int = 0) -> pl.DataFrame:
    """The votes by id, sorted by it, checked as in a run."""
    if not isinstance(stage, EvidenceStage):
        decided: pl.DataFrame = stage.decide(pl.concat([stage.sketch(shard) for shard in shards]))
        return decided.sort("id")
    sketches, given = verdict(stage, *shards, earlier=earlier)
    named = list(Ballot(stage.name, sketches).named(given.votes))
    if not named:
        column = "split" if stage.name == "split" else "rejected"
        return pl.DataFrame(schema={"id": pl.String, column: shards[0].schema[column]})
    votes = pl.concat(named).drop(BUCKET)
    return votes.select("id", pl.exclude("id")).sort("id")
