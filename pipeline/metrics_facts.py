"""What only all records of a run together tell: ids that stand twice, documents in two splits.

Held are the hashes of ids and documents, 8 or 16 bytes of each and for a moment twice; what the
hashes tell of is looked up by name, so that no collision can accuse a record.
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
"""Two hashes of a document: that two documents share both does not happen."""

_NEW = pl.any_horizontal(pl.all() != pl.all().shift()).fill_null(True)
"""Whether a row is another than the one before it."""


@dataclass(frozen=True)
class Faulty:
    """The ids of one target that stand there twice, and its documents in two splits."""

    repeated: pl.Series
    torn: pl.Series

    def flags(self) -> list[pl.Expr]:
        """What no bound on a number can say, as 0 or 1 a record.

        In 8 bytes: Great Expectations compares those at once, and shorter ones one by one.
        """
        known, document, split = pl.col("id").is_not_null(), pl.col("document"), pl.col("split")
        told = {
            "id_missing": ~known,
            "id_repeated": pl.col("id").is_in(self.repeated.implode()),
            "document_missing": document.is_null(),
            "document_in_two_splits": document.is_in(self.torn.implode()),
            "source_missing": pl.col("source").is_null(),
            "split_unknown": split.is_null() | ~split.is_in(SPLITS),
        }
        return [flag.fill_null(False).cast(pl.Int64).alias(name) for name, flag in told.items()]


def find_faulty(metrics: Path, target: str) -> Faulty:
    """The faulty ids and documents of one target's records in a Parquet file."""
    hashes = [rows["id"].drop_nulls().hash() for rows in _of_target(metrics, target, "id")]
    twice = _twice(pl.concat([pl.Series(dtype=pl.UInt64), *hashes]).sort())
    del hashes
    return Faulty(_repeated(metrics, target, twice), _torn(metrics, target))


def certificate(metrics: Path) -> dict[str, Any]:
    """The proof that no document stands in two splits of a target: counted in what was written."""
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
    """The ids with one of these hashes that stand there twice."""
    if not hashes.len():
        return pl.Series(dtype=pl.String)
    rows = _of_target(metrics, target, "id")
    ids = pl.concat([one["id"].filter(one["id"].hash().is_in(hashes.implode())) for one in rows])
    return ids.filter(ids.is_duplicated()).unique().sort()


def _torn(metrics: Path, target: str) -> pl.Series:
    """The documents of a target that stand in more than one split; a null is a split too."""
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
    """Each document (by two hashes) with each split that it stands in, once, by the first hash.

    The chunks of a document stand beside each other, so most go as soon as they are read.
    """
    document = pl.col("document")
    hashes = [document.hash(seed).alias(name) for seed, name in zip(SEEDS, NAMES, strict=True)]
    pairs = [rows.select(*hashes, pl.col("split").hash()).filter(_NEW).rechunk() for rows in groups]
    schema = dict.fromkeys([*NAMES, "split"], pl.UInt64)
    held = pl.concat([pl.DataFrame(schema=schema), *pairs], rechunk=True)
    del pairs
    held = held.sort(NAMES[0], "split", NAMES[1])
    return held.filter(_NEW)


def _twice(ascending: pl.Series) -> pl.Series:
    """The values that stand there more than once."""
    after, before = ascending.slice(1), ascending.head(-1)
    return after.filter(after == before).unique()
