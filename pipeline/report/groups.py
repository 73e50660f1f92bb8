"""Records that belong together: duplicates, and records that contradict each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pipeline.report.measures import VALUE_LENGTH, cut

GROUPS_MOST = 10
MEMBERS_MOST = 2
CONTRADICTION = "contradiction"


def measure_duplicates(metrics: Path, rejected: Path) -> dict[str, Any]:
    """The largest groups of duplicates: the kept record, how many duplicates, and a few of them."""
    merged = pl.scan_parquet(rejected).filter(pl.col("merged_into").is_not_null())
    return _groups(metrics, rejected, merged.with_columns(head="merged_into"))


def measure_contradictions(metrics: Path, rejected: Path) -> dict[str, Any]:
    """The prompts with the most answers: the first record with each, how many others, a few."""
    against = pl.scan_parquet(rejected).filter(pl.col("reason") == CONTRADICTION)
    others = against.filter(pl.col("value").is_not_null() & (pl.col("value") != pl.col("id")))
    return _groups(metrics, rejected, others.with_columns(head="value"))


def _groups(metrics: Path, rejected: Path, rows: pl.LazyFrame) -> dict[str, Any]:
    """Summarise groups of rejected.parquet's `rows`; `head` is the id of a group's first record."""
    groups = rows.group_by(pl.col("head").alias("id")).agg(records=pl.len())
    totals = groups.select(pl.len(), pl.col("records").sum().alias("all")).collect()
    largest = groups.sort(["records", "id"], descending=[True, False]).head(GROUPS_MOST)
    ids = largest.collect()
    heads = _places(metrics, rejected, ids["id"])
    shown = ids.join(heads, on="id", how="left", maintain_order="left").to_dicts()
    members = _members(rows, ids["id"])
    return {
        "groups": int(totals["len"].item()),
        "records": int(totals["all"].item() or 0),
        "largest": [
            {n: v if n == "records" else cut(v) for n, v in row.items()}
            | {"members": members.get(row["id"], [])}
            for row in shown
        ],
    }


def _places(metrics: Path, rejected: Path, ids: pl.Series) -> pl.DataFrame:
    """`source` and `locator` of the records `ids`; a divided record has only its chunks' source."""
    wanted = ids.implode()
    is_record, document = pl.col("id").is_in(wanted), pl.col("document").is_in(wanted)
    places = [
        pl.scan_parquet(path)
        .filter(is_record | document)
        .select(
            "source",
            id=pl.when(is_record).then("id").otherwise("document"),
            locator=pl.when(is_record).then("locator"),
        )
        for path in (metrics, rejected)
    ]
    return pl.concat(places).group_by("id").agg(pl.col("source", "locator").min()).collect()


def _members(rows: pl.LazyFrame, ids: pl.Series) -> dict[str, list[dict[str, Any]]]:
    """By group, the records that are the least similar to its first one."""
    listed = rows.filter(pl.col("head").is_in(ids.implode())).with_columns(
        alike=pl.col("value").cast(pl.Float64, strict=False).fill_null(1.0)
    )
    few = listed.sort("head", "alike", "id").group_by("head", maintain_order=True)
    members: dict[str, list[dict[str, Any]]] = {}
    for row in few.head(MEMBERS_MOST).collect().to_dicts():
        member = {name: cut(row[name]) for name in ("id", "source", "locator", "stage", "reason")}
        members.setdefault(row["head"], []).append(
            member | {"value": cut(row["value"], VALUE_LENGTH)}
        )
    return members
