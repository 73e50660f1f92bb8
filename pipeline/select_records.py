"""Which records stay when there are more than a model takes: the most varied, always the same."""

from __future__ import annotations

import polars as pl
import xxhash

OVER_LIMIT = "over_records_max"
OVER_LIMIT_MEANS = (
    "the model takes no more records: split the data set, or ask AWS for a higher quota and set it "
    "as `quota.records_max`"
)


def choose(records: pl.DataFrame, most: int) -> set[str]:
    """The ids to leave out of (`id`, `document`, `split`) so that `most` records stay.

    Every document gives its first record, then its second, and so on until the limit is met;
    within a round the order is that of a digest of the id, so no source is preferred and the
    choice does not depend on the order of the records.
    """
    digests = [xxhash.xxh3_64_intdigest(one.encode()) for one in records["id"]]
    turn = pl.int_range(pl.len()).over("document")
    ranked = (
        records.with_columns(digest=pl.Series(digests, dtype=pl.UInt64))
        .sort("digest", "id")
        .with_columns(turn=turn)
        .sort("turn", "digest", "id")
    )
    return set(ranked["id"].slice(most))
