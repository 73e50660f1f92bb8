"""What stages measured, changed and counted: scores with their thresholds, before and after."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.report_measures import cut
from pipeline.report_texts import compare, excerpt, shown

BINS = 24
KINDS_MOST = 40
CHANGES_MOST = 3
"""Samples of one stage and kind of change."""

MEASURES_MOST = 40
PERCENTS = (1, 25, 50, 75, 99)


def measure_scores(folder: Path, recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """Every measure of every stage: spread, histogram, and the bounds that the recipe sets.

    `folder` holds `<stage>.parquet` files with `id` and numeric columns; it may be missing.
    """
    told: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        rows = pl.scan_parquet(path)
        settings = _settings(recipe, path.stem)
        for name, kind in rows.collect_schema().items():
            if kind.is_numeric():
                numbers = rows.select(pl.col(name).cast(pl.Float64)).collect()[name]
                told.append(_score(path.stem, name, numbers.drop_nulls(), settings))
    return [one for one in told if one["records"]][:MEASURES_MOST]


def _settings(recipe: dict[str, Any], label: str) -> dict[str, Any]:
    """What the recipe sets for a stage; `quality.2` is the second one of that name."""
    name, _, number = label.partition(".")
    own = [stage[name] for stage in recipe.get("stages") or [] if name in stage]
    index = int(number) - 1 if number.isdigit() else 0
    return (own[index] or {}) if index < len(own) else {}


def _score(stage: str, name: str, numbers: pl.Series, settings: dict[str, Any]) -> dict[str, Any]:
    spread = {f"p{p}": _short(numbers.quantile(p / 100, "nearest")) for p in PERCENTS}
    return {
        "stage": stage,
        "measure": name,
        "records": numbers.len(),
        "min": _short(numbers.min()),
        "max": _short(numbers.max()),
        **spread,
        "bounds": list(_bounds(name, settings)),
        "histogram": _histogram(numbers),
    }


def _short(number: Any) -> float | None:
    return None if number is None else float(f"{number:.4g}")


def _bounds(measure: str, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`min_words: 20` bounds the measure `words` from below, `max_…` from above."""
    for side in ("min", "max"):
        value = settings.get(f"{side}_{measure}")
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield {"side": side, "setting": f"{side}_{measure}", "value": value}


def _histogram(numbers: pl.Series) -> list[dict[str, Any]]:
    """Bins of a round width from the first to the 99th per cent, the ends with what is beyond."""
    if not numbers.len():
        return []
    low, high = numbers.quantile(0.01, "nearest"), numbers.quantile(0.99, "nearest")
    assert low is not None
    assert high is not None
    step = _round_step((high - low) / BINS)
    first = math.floor(low / step)
    count = max(1, math.floor(high / step) - first + 1)
    index = (numbers / step).floor().cast(pl.Int64) - first
    counts = dict(index.clip(0, count - 1).value_counts().iter_rows())
    return [
        {
            "from": _short((first + n) * step),
            "to": _short((first + n + 1) * step),
            "records": counts.get(n, 0),
        }
        for n in range(count)
    ]


def _round_step(width: float) -> float:
    """The next of 1, 2, 5, 10 … that is no narrower."""
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= width * 0.999)


def measure_changes(tallies: dict[str, dict[str, int]], samples: Path, show: str) -> dict[str, Any]:
    """What stages changed, by stage and kind, with a few texts before and after.

    `samples` is an Arrow file of `stage`, `id`, `source`, `locator`, `kind`, `before`, `after`;
    it may be missing.
    """
    rows = pl.DataFrame() if show == "none" or not samples.exists() else _changed(samples, show)
    kinds = [(stage, kind, n) for stage, told in tallies.items() for kind, n in told.items()]
    listed = [
        {
            "stage": stage,
            "kind": kind,
            "records": number,
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
    own = rows.filter((pl.col("stage") == stage) & (pl.col("kind") == kind))
    for row in own.iter_rows(named=True):
        yield {
            "id": row["id"],
            "source": cut(row["source"]),
            "locator": cut(row["locator"]),
            "pieces": compare(row["before"], row["after"]),
        }


def just_kept(metrics: Path, caps: dict[str, int], most: int = 5) -> list[dict[str, Any]]:
    """By target, the records with the most tokens that its limit still lets through."""
    told = []
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
        told.append({"target": target, "allowed": cap, "samples": samples})
    return told


def with_excerpts(samples: list[dict[str, Any]], texts: dict[str, str]) -> list[dict[str, Any]]:
    """The samples, each with the beginning of its text."""
    return [one | {"excerpt": excerpt(texts.get(one["id"]))} for one in samples]
