"""What stages changed (before and after), and the records that a limit only just let through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.report.measures import cut
from pipeline.report.texts import compare, shown

KINDS_MOST = 40
CHANGES_MOST = 3
"""How many samples of one stage and kind of change are shown."""


CHANGING = {"clean", "dedup_lines", "redact"}
"""Stages whose tallies count changes to texts; other stages tally what they observed."""


def measure_changes(tallies: dict[str, dict[str, int]], samples: Path, show: str) -> dict[str, Any]:
    """What stages changed, by stage and kind, with a few texts before and after.

    `tallies` maps stage and kind to the number of changes. `samples` is an Arrow file of `stage`,
    `id`, `source`, `locator`, `kind`, `before`, `after`; it may be missing.
    """
    rows = pl.DataFrame() if show == "none" or not samples.exists() else _changed(samples, show)
    changing = {name: counts for name, counts in tallies.items() if name.split(".")[0] in CHANGING}
    kinds = [(stage, kind, n) for stage, counts in changing.items() for kind, n in counts.items()]
    listed = [
        {
            "stage": stage,
            "kind": kind,
            "changes": number,
            "samples": list(_change_samples(rows, stage, kind)),
        }
        for stage, kind, number in kinds[:KINDS_MOST]
    ]
    return {"total": len(kinds), "shown": listed, "hidden": len(kinds) - len(listed)}


def _changed(path: Path, show: str) -> pl.DataFrame:
    with path.open("rb") as file:
        rows = pl.read_ipc(file)
    few = rows.group_by("stage", "kind", maintain_order=True).head(CHANGES_MOST)
    texts = {name: shown(few[name].fill_null("").to_list(), show) for name in ("before", "after")}
    return few.with_columns(pl.Series(name, new) for name, new in texts.items())


def _change_samples(rows: pl.DataFrame, stage: str, kind: str) -> Iterator[dict[str, Any]]:
    if rows.is_empty():
        return
    changed = rows.filter((pl.col("stage") == stage) & (pl.col("kind") == kind))
    for row in changed.iter_rows(named=True):
        yield {
            "id": row["id"],
            "source": cut(row["source"]),
            "locator": cut(row["locator"]),
            "pieces": compare(row["before"], row["after"]),
        }


def just_kept(metrics: Path, caps: dict[str, int], most: int = 5) -> list[dict[str, Any]]:
    """For each target, the records with the most tokens that its limit still lets through."""
    shown_by_target = []
    for target, cap in caps.items():
        rows = (
            pl.scan_parquet(metrics)
            .filter((pl.col("target") == target) & (pl.col("tokens") <= cap))
            .select("id", "source", "locator", "tokens")
            .top_k(most, by=["tokens", "id"])
            .sort(["tokens", "id"], descending=True)
            .collect()
        )
        samples = [
            row | {name: cut(row[name]) for name in ("source", "locator")}
            for row in rows.to_dicts()
        ]
        shown_by_target.append({"target": target, "allowed": cap, "samples": samples})
    return shown_by_target
