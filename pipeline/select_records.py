"""Which records stay, or go together, when there are more than a model takes in one data set."""

from __future__ import annotations

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
    """How many records fit, of training alone and of training and validation together, for a model
    card may bound either; and what to do with the rest.

    `select` leaves them out, with the reason `over_records_max`; `parts` makes as many data sets
    as it takes, for successive jobs, since a tuned model can be tuned again.
    """

    overflow: Literal["select", "parts"]
    together: int | None = None
    train: int | None = None

    @property
    def least(self) -> int:
        """So many records fit, whatever they are for."""
        return min(bound for bound in (self.together, self.train) if bound is not None)

    def data_sets(self, records: pl.DataFrame) -> list[set[str]] | None:
        """The ids of each data set, or None when all fit in one."""
        trained = set(records.filter(pl.col("split") == "train")["id"])
        if self._fits(len(trained), records.height):
            return None
        ids = varied(records)
        train = [one for one in ids if one in trained]
        if self.overflow == "select":
            over = set() if self.train is None else set(train[self.train :])
            return [set([one for one in ids if one not in over][: self.together])]
        parts = _parts(len(ids), self.together)
        if self.train is None:
            size = -(-len(ids) // parts)  # alike, so that the last is not too small for a job
            return [set(ids[start : start + size]) for start in range(0, len(ids), size)]
        return self._dealt(train, [one for one in ids if one not in trained], parts)

    def _dealt(self, train: list[str], others: list[str], parts: int) -> list[set[str]]:
        """Both alike over at least so many parts, each of which has something to train on."""
        for number in range(max(parts, _parts(len(train), self.train)), len(train) + 1):
            # from both ends, so that one part does not get what is over of both
            dealt = list(zip(_cut(train, number), _cut(others, number)[::-1], strict=True))
            if all(self._fits(len(own), len(own) + len(more)) for own, more in dealt):
                break
        return [{*own, *more} for own, more in dealt]

    def _fits(self, train: int, together: int) -> bool:
        bounds = ((train, self.train), (together, self.together))
        return all(bound is None or count <= bound for count, bound in bounds)


def _parts(count: int, most: int | None) -> int:
    """How many data sets of at most `most` it takes."""
    return 1 if most is None else -(-count // most)


def _cut(ids: list[str], number: int) -> list[list[str]]:
    """So many pieces in order, as long as each other but for one id."""
    starts = [len(ids) * one // number for one in range(number + 1)]
    return [ids[start:end] for start, end in pairwise(starts)]


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
