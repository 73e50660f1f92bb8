"""Which records may be alike, which of them are, and what clusters they make.

Records are numbered by rank: 0 is the one to keep before all others. Two records are looked at if
they share a band key, but not all pairs of a bucket: each record with the bucket's first, and with
its neighbour when they are sorted by size. So the work grows with the bucket, not with its square,
and a pair that one bucket leaves out is seldom left out by all.
"""

from __future__ import annotations

import polars as pl

from pipeline.kernels import jaccard, set_sizes


def band_columns(sketches: pl.DataFrame) -> list[pl.Expr]:
    """One expression for each band: its key, which only records of one `group` can share."""
    dtype = sketches.schema["bands"]
    assert isinstance(dtype, pl.Array)
    return [pl.col("bands").arr.get(band) ^ pl.col("group") for band in range(dtype.size)]


def sharing(sketches: pl.DataFrame) -> pl.DataFrame:
    """The rows that share a band key with another one."""
    compared = sketches.filter(pl.col("bands").is_not_null())
    shares = pl.repeat(False, compared.height, dtype=pl.Boolean, eager=True)
    for key in band_columns(compared):
        shares = shares | compared.select(key.is_duplicated()).to_series()
    return compared.filter(shares)


def alike(ranked: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """The pairs found in buckets whose Jaccard similarity is at least `threshold`.

    `ranked` is in order of rank, with `bands`, `group` and `grams`; returns `left` < `right`, both
    ranks, and `jaccard`.
    """
    pairs = _pairs(ranked)
    sizes = set_sizes(ranked["grams"])
    left, right = (pl.lit(sizes.gather(pairs[name])) for name in ("left", "right"))
    smaller, larger = pl.min_horizontal(left, right), pl.max_horizontal(left, right)
    possible = pairs.filter(smaller / larger >= threshold)
    measured = possible.with_columns(jaccard(ranked["grams"], possible))
    return measured.filter(pl.col("jaccard") >= threshold)


def _pairs(ranked: pl.DataFrame) -> pl.DataFrame:
    """`left` < `right` of every pair to look at, once."""
    found = pl.DataFrame(schema={"left": pl.UInt32, "right": pl.UInt32})
    numbered = ranked.with_columns(
        rank=pl.int_range(pl.len(), dtype=pl.UInt32), size=set_sizes(ranked["grams"])
    )
    for key in band_columns(ranked):
        bucket = numbered.select("rank", "size", key=key).filter(pl.col("key").is_duplicated())
        found = pl.concat([found, *_of_bucket(bucket)]).unique()
    return found.sort("left", "right")


def _of_bucket(buckets: pl.DataFrame) -> list[pl.DataFrame]:
    """Pairs of each record with its bucket's first, and of neighbours by size."""
    rank = pl.col("rank")
    with_first = buckets.select(left=rank.min().over("key"), right=rank)
    in_order = buckets.sort("key", "size", "rank")
    before = rank.shift()
    neighbours = in_order.select(
        left=pl.min_horizontal(before, rank),
        right=pl.max_horizontal(before, rank),
        same=pl.col("key") == pl.col("key").shift(),
    )
    return [
        with_first.filter(pl.col("left") != pl.col("right")),
        neighbours.filter("same").drop("same"),
    ]


def clusters(count: int, pairs: pl.DataFrame) -> list[int]:
    """For each of `count` ranks the least rank that pairs lead to, itself if none does."""
    first = list(range(count))

    def root(rank: int) -> int:
        while first[rank] != rank:
            first[rank] = first[first[rank]]
            rank = first[rank]
        return rank

    for left, right in pairs.select("left", "right").iter_rows():
        one, other = root(left), root(right)
        first[max(one, other)] = min(one, other)
    return [root(rank) for rank in range(count)]
