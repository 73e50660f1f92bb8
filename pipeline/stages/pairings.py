"""Chooses the pairs of a bucket to compare: not all, but each record with one or two others.

A bucket is the rows that share a band key: `rank`, `size` and `key`, sorted by key and rank. A
pair is two ranks, of which `left` is the lower one.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

PAIRS = pl.Schema({"left": pl.UInt32, "right": pl.UInt32})

Pairing = Callable[[pl.DataFrame], pl.DataFrame]
"""From rows of `rank`, `size` and `key` to the pairs to compare (`PAIRS`)."""


def within(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of each row with its bucket's first, and of neighbours by size."""
    first = pl.when(_starts()).then("rank").forward_fill()
    with_first = rows.select(left=first, right="rank").filter(pl.col("left") != pl.col("right"))
    before, rank = pl.col("rank").shift(), pl.col("rank")
    neighbours = rows.sort("key", "size", "rank").select(
        left=pl.min_horizontal(before, rank), right=pl.max_horizontal(before, rank), new=_starts()
    )
    pairs = [with_first, neighbours.filter(~pl.col("new")).drop("new")]
    return pl.concat(pair.cast(PAIRS) for pair in pairs)


def across(rows: pl.DataFrame, sources: pl.Series) -> pl.DataFrame:
    """As `within`, plus pairs with the bucket's first of another source; none of one source."""
    source = pl.col("source")
    sided = rows.with_columns(source=pl.lit(sources.gather(rows["rank"])))
    other = pl.when(source != source.first().over("key")).then("rank").min().over("key")
    with_other = sided.select(
        left=pl.min_horizontal(other, "rank"), right=pl.max_horizontal(other, "rank")
    )
    pairs = pl.concat([within(rows), with_other.drop_nulls().cast(PAIRS)])
    left, right = (pl.lit(sources.gather(pairs[name])) for name in ("left", "right"))
    return pairs.filter(left != right)


def between(rows: pl.DataFrame, side: pl.Series) -> pl.DataFrame:
    """Pairs of each row off the side with its bucket's first row on it, and the nearest by size.

    `side` is a mask by rank.
    """
    of_side = pl.col("side")
    sided = rows.with_columns(side=pl.lit(side.gather(rows["rank"])))
    first = pl.when(of_side).then("rank").min().over("key")
    in_order = sided.with_columns(first=first).sort("key", "size", "rank")
    on_side = pl.when(of_side).then("rank")
    off_side = in_order.with_columns(
        before=on_side.forward_fill().over("key"), behind=on_side.backward_fill().over("key")
    ).filter(~of_side)
    pairs = [
        off_side.select(one=name, other="rank").drop_nulls()
        for name in ("first", "before", "behind")
    ]
    return (
        pl.concat(pairs)
        .select(left=pl.min_horizontal("one", "other"), right=pl.max_horizontal("one", "other"))
        .cast(PAIRS)
    )


def possible(pairs: pl.DataFrame, sizes: pl.Series, threshold: float) -> pl.DataFrame:
    """Each pair once, without those that cannot reach the threshold because of their sizes."""
    left, right = (pl.lit(sizes.gather(pairs[name])) for name in ("left", "right"))
    near = pl.min_horizontal(left, right) / pl.max_horizontal(left, right) >= threshold
    return pairs.filter(near & (pl.col("left") != pl.col("right"))).unique()


def _starts() -> pl.Expr:
    """Whether a row is the first of its key, in a frame sorted by key."""
    return (pl.col("key") != pl.col("key").shift()).fill_null(True)
