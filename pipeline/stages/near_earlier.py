"""Finds the run's records that are similar to earlier data, and the closest earlier record."""

from __future__ import annotations

import polars as pl

from pipeline.stages.near_pairs import REMEMBERED, Candidates, band_names
from pipeline.stages.pairings import PAIRS, between, possible

FOUND = pl.Schema({"rank": pl.UInt32, "earlier": pl.UInt32, "jaccard": pl.Float64})


def closest_earlier(
    candidates: Candidates, threshold: float, is_earlier: pl.Series
) -> pl.DataFrame:
    """The run's records whose similarity to an earlier record is at least `threshold`: `FOUND`.

    Rows of `rank`, `earlier` (the rank of the most similar one; of equals the first) and their
    `jaccard`, by rank. `is_earlier` is a mask by rank. A record is compared with the first earlier
    record of each of its buckets and with the earlier ones nearest by size, so that the work grows
    with the bucket, not with its square.
    """
    sizes = candidates.sizes
    compared = pl.DataFrame(schema=PAIRS)
    best = pl.DataFrame(schema=FOUND)
    for rows in candidates.buckets(band_names(threshold)):
        shared = between(rows, is_earlier)
        pairs = possible(shared, sizes, threshold).join(compared, on=["left", "right"], how="anti")
        if pairs.is_empty():
            continue
        measured = candidates.measured(pairs)
        alike = measured.filter(pl.col("jaccard") >= threshold)
        left_is_earlier = pl.lit(is_earlier.gather(alike["left"]))
        ends = alike.select(
            rank=pl.when(left_is_earlier).then("right").otherwise("left"),
            earlier=pl.when(left_is_earlier).then("left").otherwise("right"),
            jaccard="jaccard",
        )
        order = ["rank", "jaccard", "earlier"]
        known = pl.concat([best, ends]).sort(order, descending=[False, True, False])
        best = known.unique("rank", keep="first", maintain_order=True)
        if compared.height < REMEMBERED:
            compared = pl.concat([compared, pairs])
    return best
