"""Which of a run's records are alike to one of earlier data, and which of these is the closest."""

from __future__ import annotations

import polars as pl

from pipeline.stages.near_pairs import REMEMBERED, Candidates, band_names
from pipeline.stages.pairings import PAIRS, between, possible

FOUND = pl.Schema({"rank": pl.UInt32, "earlier": pl.UInt32, "jaccard": pl.Float64})


def closest_earlier(
    candidates: Candidates, threshold: float, is_earlier: pl.Series
) -> pl.DataFrame:
    """`rank` of each of the run's records that is alike from `threshold` on to one of earlier data,
    `earlier` (the rank of the most alike, of several the first) and their `jaccard`; by rank.

    Looked at are those that share a band key: with the first of its bucket that is earlier data,
    and with the nearest by size. So the work grows with the bucket, not with its square.
    """
    sizes = candidates.sizes
    seen = pl.DataFrame(schema=PAIRS)
    best = pl.DataFrame(schema=FOUND)
    for rows in candidates.buckets(band_names(threshold)):
        shared = between(rows, is_earlier)
        pairs = possible(shared, sizes, threshold).join(seen, on=["left", "right"], how="anti")
        if pairs.is_empty():
            continue
        measured = candidates.measured(pairs)
        alike = measured.filter(pl.col("jaccard") >= threshold)
        left_is = pl.lit(is_earlier.gather(alike["left"]))
        ends = alike.select(
            rank=pl.when(left_is).then("right").otherwise("left"),
            earlier=pl.when(left_is).then("left").otherwise("right"),
            jaccard="jaccard",
        )
        order = ["rank", "jaccard", "earlier"]
        known = pl.concat([best, ends]).sort(order, descending=[False, True, False])
        best = known.unique("rank", keep="first", maintain_order=True)
        if seen.height < REMEMBERED:
            seen = pl.concat([seen, pairs])
    return best
