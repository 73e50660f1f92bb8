"""Which records stay, or go together, when there are more than a model takes in one data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl
import xxhash

OVER_LIMIT = "over_records_max"
OVER_LIMIT_MEANS = (
    "the model takes no more records: split the data set, or ask AWS for a higher quota and set it "
    "as `quota.records_max`"
)


@dataclass(frozen=True)
class RecordLimit:
    """How many records of training and validation together fit, and what to do with the rest.

    `select` leaves them out, with the reason `over_records_max`; `parts` makes as many data sets
    as it takes, for successive jobs, since a tuned model can be tuned again.
    """

    most: int
    overflow: Literal["select", "parts"]

    def data_sets(self, records: pl.DataFrame) -> list[set[str]] | None:
        """The ids of each data set, or None when all fit in one."""
        if records.height <= self.most:
            return None
        ids = varied(records)
        if self.overflow == "select":
            return [set(ids[: self.most])]
        parts = -(-len(ids) // self.most)
        size = -(-len(ids) // parts)  # alike, so that the last is not too small for a job
        return [set(ids[start : start + size]) for start in range(0, len(ids), size)]


def varied(records: pl.DataFrame) -> list[str]:
    """The ids of (`id`, `document`) so that any first part of them is as varied as can be.

    Every document gives its first record, then its second, and so on; within a round the order
    is that of a digest of the id, so no source is preferred and the order of the records does not
    matter.
    """
    digests = [xxhash.xxh3_64_intdigest(one.encode()) for one in records["id"]]
    turn = pl.int_range(pl.len()).over("document")
    ranked = (
        records.with_columns(digest=pl.Series(digests, dtype=pl.UInt64))
        .sort("digest", "id")
        .with_columns(turn=turn)
        .sort("turn", "digest", "id")
    )
    return ranked["id"].to_list()
