"""Keys of 16 bytes for the contents of records, and the rejection of records that share one."""

from __future__ import annotations

import polars as pl

from pipeline.stage import Broken, rejected_as

FEW = 1000
"""Texts to look at first, to decide whether looking for repeats among all is worthwhile."""


def digest(contents: pl.Series) -> pl.Series:
    """The xxh3-128 of each text, 16 bytes big-endian; null for null."""
    from xxhash import xxh3_128_digest

    few = contents.head(FEW)
    if 2 * few.n_unique() <= few.len():  # true of system prompts, groups and kinds, not of texts
        distinct = contents.unique()
        if 0 < 2 * distinct.len() <= contents.len():
            return contents.replace_strict(distinct, digest(distinct), return_dtype=pl.Binary)
    raw = contents.cast(pl.Binary)
    keys = [None if content is None else xxh3_128_digest(content) for content in raw]
    return pl.Series(contents.name, keys, dtype=pl.Binary)


def duplicates(sketches: pl.DataFrame, reason: str) -> pl.DataFrame:
    """`id` and `rejected` of each sketch whose key an earlier one has, by source and id."""
    later = (
        sketches.filter(pl.col("key").is_not_null())
        .sort("key", "source", "id")
        .with_columns(first=pl.col("id").first().over("key"))
        .filter(pl.col("id") != pl.col("first"))
    )
    first = pl.col("first")
    rule = Broken(pl.lit(True), value=first, merged_into=first)
    return later.select("id", rejected=rejected_as(reason, rule))
