"""Facts that only all records of a run together show: repeated ids, documents in two splits.

In memory are the hashes of ids and documents, 8 or 16 bytes each and twice that for a moment. What
the hashes indicate is then looked up by name, so that no collision can accuse a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.parquet_rows import read_groups
from pipeline.record import SPLITS

SEEDS = (0, 1)
NAMES = ["first", "second"]
"""Two hashes of a document; that two documents have both in common does not happen."""

_NEW = pl.any_horizontal(pl.all() != pl.all().shift()).fill_null(True)
"""Whether a row differs from the one before it."""


@dataclass(frozen=True)
class Faulty:
    """The ids that occur twice in one target, and its documents that are in two splits."""

    repeated: pl.Series
    torn: pl.Series

    def flags(self) -> list[pl.Expr]:
        """Columns of 0 or 1 per record, for faults that no bound on a number can express.

        They have 8 bytes, because Great Expectations compares shorter numbers one by one.
        """
        known, document, split = pl.col("id").is_not_null(), pl.col("document"), pl.col("split")
        flags = {
            "id_missing": ~known,
            "id_repeated": pl.col("id").is_in(self.repeated.implode()),
            "document_missing": document.is_null(),
            "document_in_two_splits": document.is_in(self.torn.implode()),
            "source_missing": pl.col("source").is_null(),
            "split_unknown": split.is_null() | ~split.is_in(SPLITS),
        }
        return [flag.fill_null(False).cast(pl.Int64).alias(name) for name, flag in flags.items()]


def find_faulty(metrics: Path, target: str) -> Faulty:
    """The faulty ids and documents of one target's records, from the metrics' Parquet file."""
    hashes = [rows["id"].drop_nulls().hash() for rows in _of_target(metrics, target, "id")]
    twice = _twice(pl.concat([pl.Series(dtype=pl.UInt64), *hashes]).sort())
    del hashes
    return Faulty(_repeated(metrics, target, twice), _torn(metrics, target))


def certificate(metrics: Path) -> dict[str, Any]:
    """The proof that no document is in two splits of a target, counted in what was written."""
    pairs = _pairs(read_groups(metrics, ["target", "document", "split"]))
    targets = pl.scan_parquet(metrics).select(pl.col("target").unique()).collect()["target"]
    torn = [_torn(metrics, target) for target in targets if target is not None]
    named = pairs.select(NAMES).sort(NAMES)
    return {
        "documents": named.filter(_NEW).height,
        "in_two_splits": pl.concat([pl.Series(dtype=pl.String), *torn]).n_unique(),
    }


def _of_target(metrics: Path, target: str, *columns: str) -> Iterator[pl.DataFrame]:
    for rows in read_groups(metrics, ["target", *columns]):
        yield rows.filter(pl.col("target") == target)


def _repeated(metrics: Path, target: str, hashes: pl.Series) -> pl.Series:
    """The ids that occur twice, among those with one of these hashes."""
    if not hashes.len():
        return pl.Series(dtype=pl.String)
    rows = _of_target(metrics, target, "id")
    ids = pl.concat(
        [frame["id"].filter(frame["id"].hash().is_in(hashes.implode())) for frame in rows]
    )
    return ids.filter(ids.is_duplicated()).unique().sort()


def _torn(metrics: Path, target: str) -> pl.Series:
    """The documents of a target that are in more than one split; null counts as a split too."""
    pairs = _pairs(_of_target(metrics, target, "document", "split"))
    hashes = _twice(pairs["first"])
    if not hashes.len():
        return pl.Series(dtype=pl.String)
    named = pl.concat(
        rows.filter(pl.col("document").hash(SEEDS[0]).is_in(hashes.implode()))
        .select("document", "split")
        .unique()
        for rows in _of_target(metrics, target, "document", "split")
    )
    many = named.drop_nulls("document").group_by("document").agg(pl.col("split").n_unique())
    return many.filter(pl.col("split") > 1)["document"].sort()


def _pairs(groups: Iterator[pl.DataFrame]) -> pl.DataFrame:
    """Each document (as two hashes) with each split that it is in, once, sorted by first hash.

    Chunks of a document are next to each other, so most duplicates go as soon as they are read.
    """
    document = pl.col("document")
    hashes = [document.hash(seed).alias(name) for seed, name in zip(SEEDS, NAMES, strict=True)]
    pairs = [rows.select(*hashes, pl.col("split").hash()).filter(_NEW).rechunk() for rows in groups]
    schema = dict.fromkeys([*NAMES, "split"], pl.UInt64)
    distinct = pl.concat([pl.DataFrame(schema=schema), *pairs], rechunk=True)
    del pairs
    distinct = distinct.sort(NAMES[0], "split", NAMES[1])
    return distinct.filter(_NEW)


def _twice(ascending: pl.Series) -> pl.Series:
    """The values that occur more than once in an ascending series."""
    after, before = ascending.slice(1), ascending.head(-1)
    return after.filter(after == before).unique()
