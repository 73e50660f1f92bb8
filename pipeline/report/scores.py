"""What stages measured on every record: spread, thresholds, and the records nearest to them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from pipeline.parquet_rows import read_groups
from pipeline.record import root_id
from pipeline.report.measures import cut
from pipeline.stages import STAGES

BINS = 24
MEASURES_MOST = 40
PERCENTS = (1, 25, 50, 75, 99)
NEAREST_MOST = 3
LOOKED_AT = 60
"""How many of the records that a bound let through are looked up among the kept ones."""


@runtime_checkable
class Thresholds(Protocol):
    """A stage that measures records and knows which values of each measure it allows."""

    def thresholds(self) -> Iterable[tuple[Any, float]]:
        """Rules (with `measure`, `setting` and `least`), each with its threshold."""
        ...


def measure_scores(folder: Path, recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """Every measure of every stage: spread, histogram, and the bounds that the recipe sets.

    `folder` has `<stage>.parquet` files with `id` and numeric columns; it may be missing.
    """
    scores: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        rows = pl.scan_parquet(path)
        bounds = _bounds_of(recipe, path.stem)
        for name, kind in rows.collect_schema().items():
            if kind.is_numeric():
                numbers = rows.select(pl.col(name).cast(pl.Float64)).collect()[name]
                scores.append(_score(path.stem, name, numbers.drop_nulls(), bounds.get(name, [])))
    return [score for score in scores if score["records"]][:MEASURES_MOST]


def _bounds_of(recipe: dict[str, Any], label: str) -> dict[str, list[dict[str, Any]]]:
    """The thresholds of a stage by measure; `quality.2` is the second stage of that name."""
    name, _, number = label.partition(".")
    entries = [stage[name] for stage in recipe.get("stages") or [] if name in stage]
    index = int(number) - 1 if number.isdigit() else 0
    kind: Any = STAGES.get(name)
    stage = kind.model_validate(entries[index] or {}) if kind and index < len(entries) else None
    bounds: dict[str, list[dict[str, Any]]] = {}
    for rule, value in stage.thresholds() if isinstance(stage, Thresholds) else ():
        side = "min" if rule.least else "max"
        bound = {"side": side, "setting": rule.setting, "value": value, "nearest": []}
        bounds.setdefault(rule.measure, []).append(bound)
    return bounds


def _score(
    stage: str, name: str, numbers: pl.Series, bounds: list[dict[str, Any]]
) -> dict[str, Any]:
    spread = {f"p{p}": _short(numbers.quantile(p / 100, "nearest")) for p in PERCENTS}
    return {
        "stage": stage,
        "measure": name,
        "records": numbers.len(),
        "min": _short(numbers.min()),
        "max": _short(numbers.max()),
        **spread,
        "bounds": bounds,
        "histogram": _histogram(numbers),
    }


def _short(number: Any) -> float | None:
    return None if number is None else float(f"{number:.4g}")


def _histogram(numbers: pl.Series) -> list[dict[str, Any]]:
    """Bins of a round width from the 1st to the 99th percentile; the end bins include the rest."""
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
    """The smallest of 1, 2, 5, 10 … (times a power of ten) that is at least `width`."""
    if width <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * 0.999)


def nearest_kept(scores: list[dict[str, Any]], folder: Path, metrics: Path) -> None:
    """Add to each bound the nearest records that some target kept, whole or in chunks."""
    wanted = [(score, bound) for score in scores for bound in score["bounds"]]
    near = [_let_through(folder, score, bound) for score, bound in wanted]
    ids = pl.Series([id_ for rows in near for id_ in rows["id"]], dtype=pl.String).unique()
    places = _places(metrics, ids)
    for (_, bound), rows in zip(wanted, near, strict=True):
        kept = rows.join(places, on="id", how="inner", maintain_order="left").head(NEAREST_MOST)
        bound["nearest"] = [
            {"id": row["id"], "value": _short(row["value"])}
            | {name: cut(row[name]) for name in ("source", "locator")}
            for row in kept.to_dicts()
        ]


def _let_through(folder: Path, score: dict[str, Any], bound: dict[str, Any]) -> pl.DataFrame:
    """`id` and `value` of the records nearest to a bound, on the side that it lets through."""
    value = pl.col(score["measure"]).cast(pl.Float64)
    good = value >= bound["value"] if bound["side"] == "min" else value <= bound["value"]
    rows = pl.scan_parquet(folder / f"{score['stage']}.parquet").filter(good)
    far = (pl.col("value") - bound["value"]).abs()
    few = rows.select("id", value=value).bottom_k(LOOKED_AT, by=[far, pl.col("id")])
    return few.sort(far, "id").collect()


def _places(metrics: Path, ids: pl.Series) -> pl.DataFrame:
    """`id`, `source`, `locator` of kept records; for a divided one, those of its first chunk."""
    # Copies: a view of one text keeps all of its neighbours in memory.
    rows_found: list[tuple[Any, ...]] = []
    for rows in read_groups(metrics, ["id", "source", "locator"]):
        matching = rows.with_columns(root=root_id()).filter(pl.col("root").is_in(ids.implode()))
        rows_found += matching.rows()
    schema = dict.fromkeys(["id", "source", "locator", "root"], pl.String)
    places = pl.DataFrame(rows_found, schema=schema, orient="row").sort("id")
    return places.group_by(id="root").agg(pl.col("source", "locator").first())
