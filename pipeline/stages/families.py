"""Groups that belong together, shared out between the splits, and how alike the splits are."""

from __future__ import annotations

import polars as pl

from pipeline.stages.near_pairs import REMEMBERED, Candidates, Graph, band_names
from pipeline.stages.pairings import PAIRS, between, possible

MOST_CHAINED = 0.5
"""Share of the records that near-duplicates may chain into one family. What is larger hangs
together by something that stands everywhere, and could not be shared out at all."""

MIN_GROUPS = 10
"""From so many families on, a split that is asked for gets at least one."""

TRAIN = "train"


def shared_out(groups: pl.DataFrame, families: pl.Series, shares: dict[str, float]) -> pl.Series:
    """The split of each group, whole families at a time, as far as they fit.

    `groups` has `digest`, `size` and `labelled`, `families` the number of each group's family.
    Families go by their least digest, so that nothing else decides. Labelled ones are shared out
    by themselves: they are for other targets than documents.
    """
    known = groups.with_columns(family=pl.lit(families))
    size, total = pl.col("size").sum().over("family"), pl.col("size").sum().over("labelled")
    chained = (size > MOST_CHAINED * total) & (pl.len().over("family") > 1)
    known = known.with_columns(family=pl.when(chained).then("number").otherwise("family"))
    ordered = (
        known.group_by("family")
        .agg(pl.col("digest").min(), pl.col("size").sum(), pl.col("labelled").any())
        .filter(pl.col("size") > 0)
        .sort("digest")
    )
    placed = pl.concat(
        some.select("family", split=pl.Series(_splits(some["size"].to_list(), shares)))
        for some in (ordered.filter("labelled"), ordered.filter(~pl.col("labelled")))
    )
    return known.join(placed, on="family", how="left", maintain_order="left")["split"]


def _splits(sizes: list[int], shares: dict[str, float]) -> pl.Series:
    """The split of each family; one at least is for training."""
    records, splits = sum(sizes), [TRAIN] * len(sizes)
    free = list(range(len(sizes)))
    for split, share in shares.items():
        if share:
            for place in _chosen(free[:-1], sizes, round(share * records), len(sizes)):
                splits[place] = split
            free = [place for place in free if splits[place] == TRAIN]
    return pl.Series(splits, dtype=pl.String)


def _chosen(places: list[int], sizes: list[int], room: int, total: int) -> list[int]:
    """The families that fit, in order; the smallest if none does and there are enough."""
    chosen = []
    for place in places:
        if sizes[place] <= room:
            chosen.append(place)
            room -= sizes[place]
        if not room:
            break
    if places and not chosen and total >= MIN_GROUPS:
        return [min(places, key=lambda place: sizes[place])]
    return chosen


def closest(candidates: Candidates, threshold: float, is_train: pl.Series) -> pl.DataFrame:
    """The records outside training that are most alike to one inside, by band keys they share.

    Rows of `rank`, `train` (the rank of the other) and `jaccard`, the most alike first: all from
    `threshold` on, and the first below it.
    """
    sizes = candidates.sizes
    seen = pl.DataFrame(schema=PAIRS)
    best = pl.DataFrame(schema={"rank": pl.UInt32, "train": pl.UInt32, "jaccard": pl.Float64})
    below, least = pl.col("jaccard") < threshold, 0.0
    for rows in candidates.buckets(band_names(threshold)):
        pairs = possible(between(rows, is_train), sizes, least).join(
            seen, on=["left", "right"], how="anti"
        )
        found = candidates.measured(pairs)
        first = pl.lit(is_train.gather(found["left"]))
        ends = found.select(
            rank=pl.when(first).then("right").otherwise("left"),
            train=pl.when(first).then("left").otherwise("right"),
            jaccard="jaccard",
        )
        known = pl.concat([best, ends]).sort(
            ["jaccard", "rank", "train"], descending=[True, False, False]
        )
        known = known.unique("rank", keep="first", maintain_order=True)
        best = pl.concat([known.filter(~below), known.filter(below).head(1)])
        least = float(known.filter(below)["jaccard"].head(1).sum())
        if seen.height < REMEMBERED:
            seen = pl.concat([seen, pairs])
    return best


def joined(graph: Graph, groups: pl.Series, pairs: pl.DataFrame) -> None:
    """Make one family of the groups of both ends of each pair; `groups` are by rank."""
    ends = (groups.gather(pairs[name]).cast(pl.UInt32) for name in ("left", "right"))
    left, right = ends
    graph.join(
        pl.DataFrame({"left": left, "right": right}).filter(pl.col("left") != pl.col("right"))
    )
