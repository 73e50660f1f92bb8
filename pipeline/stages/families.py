"""Distributes families of groups over the splits, and measures how similar the splits are."""

from __future__ import annotations

import polars as pl

from pipeline.stages.near_pairs import REMEMBERED, Candidates, Graph, band_names
from pipeline.stages.pairings import PAIRS, between, possible

MOST_CHAINED = 0.5
"""Largest share of the records that near-duplicates may chain into one family. A larger family is
held together by some text that occurs everywhere, and could not be divided between splits."""

MIN_GROUPS = 10
"""With at least this many families, every split that is asked for gets at least one."""

TRAIN = "train"


def shared_out(groups: pl.DataFrame, families: pl.Series, shares: dict[str, float]) -> pl.Series:
    """The split of each group, assigned by whole families as far as they fit.

    `groups` has `digest`, `size` and `labelled`; `families` has the number of each group's family.
    `shares` is the share of records for each split other than training. Families are taken in the
    order of their smallest digest, so that nothing else decides. Labelled families are distributed
    separately, because they go to other targets than documents do.
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
        side.select("family", split=pl.Series(_splits(side["size"].to_list(), shares)))
        for side in (ordered.filter("labelled"), ordered.filter(~pl.col("labelled")))
    )
    return known.join(placed, on="family", how="left", maintain_order="left")["split"]


def _splits(sizes: list[int], shares: dict[str, float]) -> pl.Series:
    """The split of each family; at least one family is for training."""
    records, splits = sum(sizes), [TRAIN] * len(sizes)
    free = list(range(len(sizes)))
    for split, share in shares.items():
        if share:
            for place in _chosen(free[:-1], sizes, round(share * records), len(sizes)):
                splits[place] = split
            free = [place for place in free if splits[place] == TRAIN]
    return pl.Series(splits, dtype=pl.String)


def _chosen(places: list[int], sizes: list[int], room: int, total: int) -> list[int]:
    """The families that fit into `room` records, in order.

    If none fits and there are `MIN_GROUPS` families in `total`, the smallest one.
    """
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
    """The records outside training that are most similar to a training record.

    Only pairs that share a band key are compared. Rows of `rank`, `train` (the training record's
    rank) and `jaccard`, the most similar first: all from `threshold` up, and the best one below it.
    """
    sizes = candidates.sizes
    measured = pl.DataFrame(schema=PAIRS)
    best = pl.DataFrame(schema={"rank": pl.UInt32, "train": pl.UInt32, "jaccard": pl.Float64})
    below, least = pl.col("jaccard") < threshold, 0.0
    for rows in candidates.buckets(band_names(threshold)):
        pairs = possible(between(rows, is_train), sizes, least).join(
            measured, on=["left", "right"], how="anti"
        )
        similarities = candidates.measured(pairs)
        left_is_train = pl.lit(is_train.gather(similarities["left"]))
        ends = similarities.select(
            rank=pl.when(left_is_train).then("right").otherwise("left"),
            train=pl.when(left_is_train).then("left").otherwise("right"),
            jaccard="jaccard",
        )
        known = pl.concat([best, ends]).sort(
            ["jaccard", "rank", "train"], descending=[True, False, False]
        )
        known = known.unique("rank", keep="first", maintain_order=True)
        best = pl.concat([known.filter(~below), known.filter(below).head(1)])
        least = float(known.filter(below)["jaccard"].head(1).sum())
        if measured.height < REMEMBERED:
            measured = pl.concat([measured, pairs])
    return best


def joined(graph: Graph, groups: pl.Series, pairs: pl.DataFrame) -> None:
    """Join the groups of both ends of each pair into one family in `graph`.

    `groups` has the group number of each rank.
    """
    ends = (groups.gather(pairs[name]).cast(pl.UInt32) for name in ("left", "right"))
    left, right = ends
    graph.join(
        pl.DataFrame({"left": left, "right": right}).filter(pl.col("left") != pl.col("right"))
    )
