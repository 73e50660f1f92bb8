"""Chooses records, or divides them into several data sets, if a model takes fewer in one."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise
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
    """How many records fit, and what to do with the rest.

    A model card may limit training records alone, and training and validation together. `select`
    leaves the rest out, with the reason `over_records_max`; `parts` makes as many data sets as
    needed, for successive jobs, because a tuned model can be tuned again.
    """

    overflow: Literal["select", "parts"]
    together: int | None = None
    train: int | None = None

    @property
    def least(self) -> int:
        """The number of records that always fit, whatever their splits."""
        return min(bound for bound in (self.together, self.train) if bound is not None)

    def data_sets(self, records: pl.DataFrame) -> list[pl.Series] | None:
        """The ids of each data set, or None if all records fit into one."""
        is_trained = pl.col("split") == "train"
        trained = int(records.select(is_trained.sum()).item())
        if self._fits(trained, records.height):
            return None
        ordered = varied(records)
        if self.overflow == "select":
            over = is_trained & (is_trained.cum_sum() > (self.train or trained))
            return [ordered.filter(~over)["id"].head(self.together or records.height)]
        parts = _parts(ordered.height, self.together)
        if self.train is None:
            size = -(-ordered.height // parts)  # equal, so that the last is large enough for a job
            return [part["id"] for part in ordered.iter_slices(size)]
        train, others = (ordered.filter(where)["id"] for where in (is_trained, ~is_trained))
        return self._dealt(train, others, parts)

    def _dealt(self, train: pl.Series, others: pl.Series, parts: int) -> list[pl.Series]:
        """Distribute both evenly over at least `parts` data sets, each with training records."""
        for number in range(max(parts, _parts(train.len(), self.train)), train.len() + 1):
            # From both ends, so that one data set does not get the remainder of both.
            dealt = list(zip(_cut(train, number), _cut(others, number)[::-1], strict=True))
            if all(
                self._fits(trained.len(), trained.len() + more.len()) for trained, more in dealt
            ):
                break
        return [pl.concat(both) for both in dealt]

    def _fits(self, train: int, together: int) -> bool:
        bounds = ((train, self.train), (together, self.together))
        return all(bound is None or count <= bound for count, bound in bounds)


def _parts(count: int, most: int | None) -> int:
    """How many data sets of at most `most` records are needed."""
    return 1 if most is None else -(-count // most)


def _cut(ids: pl.Series, number: int) -> list[pl.Series]:
    """Cut ids into `number` pieces, in order; their lengths differ by at most one."""
    starts = [ids.len() * cut // number for cut in range(number + 1)]
    return [ids[start:end] for start, end in pairwise(starts)]


def varied(records: pl.DataFrame) -> pl.DataFrame:
    """Order records (with `id` and `document`) so that any first part is as varied as possible.

    Every document gives its first record, then its second, and so on; within a round the order
    is that of a digest of the id, so no source is preferred and the order of the records does not
    matter.
    """
    digests = array(
        "Q", (xxhash.xxh3_64_intdigest(record_id.encode()) for record_id in records["id"])
    )
    turn = pl.int_range(pl.len()).over("document")
    return (
        records.with_columns(digest=pl.Series(digests, dtype=pl.UInt64))
        .sort("digest", "id")
        .with_columns(turn=turn)
        .sort("turn", "digest", "id")
        .drop("turn", "digest")
    )
