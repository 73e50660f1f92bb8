"""The tables that the suite checks: numbers of each record, and a row of counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipeline.errors import RecipeError
from pipeline.gate.own import FLAGS, NUMBERS, TEXTS
from pipeline.gate.suite import TargetLimits
from pipeline.metrics_facts import Faulty
from pipeline.record import root_id

if TYPE_CHECKING:
    from pipeline.recipe_settings import Gate


def own_columns(gate: Gate, target: str) -> list[str]:
    """The columns that the recipe's own expectations name and that are not in every table."""
    asked = [
        expectation for expectation in gate.expectations if expectation.target in {None, target}
    ]
    named = dict.fromkeys(name for expectation in asked for name in expectation.columns())
    return [name for name in named if name not in {*NUMBERS, *FLAGS}]


def derived(
    rows: pl.LazyFrame, faulty: Faulty, extra: list[str], measures: Path | None
) -> pl.LazyFrame:
    """The columns of one target's records that a suite checks: flags, numbers, and `extra` ones."""
    with_extra = with_measures(rows, [name for name in extra if name not in TEXTS], measures)
    return with_extra.select(*faulty.flags(), *NUMBERS, *extra)


def with_measures(rows: pl.LazyFrame, names: list[str], measures: Path | None) -> pl.LazyFrame:
    """The records with `<stage>.<measure>` columns; a chunk has those of its record.

    Raises RecipeError for a measure that no stage of the run took.
    """
    for name in names:
        stage, _, measure = name.rpartition(".")
        path = None if measures is None else measures / f"{stage}.parquet"
        known = path is not None and path.exists()
        if path is None or not known or measure not in pl.read_parquet_schema(path):
            raise RecipeError(f"gate.expectations: no stage of this run measured {name}")
        taken = pl.scan_parquet(path).select(pl.col("id").alias("_id"), pl.col(measure).alias(name))
        for key in (pl.col("id"), root_id()):
            joined = rows.with_columns(_id=key).join(
                taken, on="_id", how="left", suffix="_root", maintain_order="left"
            )
            rows = joined.drop("_id")
        rows = rows.with_columns(pl.coalesce(name, f"{name}_root").alias(name))
    return rows


def counted(
    rows: pl.LazyFrame, targets: dict[str, TargetLimits], counts: dict[str, int], gate: Gate
) -> dict[str, float]:
    """The one-row table: records and shares by target; the share of no records is 0."""
    measures = [pl.len(), (pl.col("split") == "train").sum().alias("train")]
    for number, language in enumerate(gate.min_languages_share):
        measures.append((pl.col("language") == language).sum().alias(f"language{number}"))
    counted_rows = rows.group_by("target").agg(measures).collect()
    by_target = {row["target"]: row for row in counted_rows.iter_rows(named=True)}
    row: dict[str, float] = {"rejected_share": counts["rejected"] / max(counts["came"], 1)}
    for name in targets:
        target_row = by_target.get(name, {})
        row[f"{name}.train_records"] = target_row.get("train", 0)
        for number, language in enumerate(gate.min_languages_share):
            spoken = target_row.get(f"language{number}", 0)
            row[f"{name}.share_{language}"] = spoken / max(target_row.get("len", 0), 1)
    return row
