"""What stages measured of every record: spread, thresholds, and the records nearest to them."""

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
"""Records that a bound let through and that are looked for among the kept ones."""


@runtime_checkable
class Thresholds(Protocol):
    """A stage that measures, and knows what it allows of each measure."""

    def thresholds(self) -> Iterable[tuple[Any, float]]:
        """Rules with `measure`, `setting` and `least`, each with its threshold."""
        ...


def measure_scores(folder: Path, recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """Every measure of every stage: spread, histogram, and the bounds that the recipe sets.

    `folder` holds `<stage>.parquet` files with `id` and numeric columns; it may be missing.
    """
    told: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.parquet")):
        rows = pl.scan_parquet(path)
        bounds = _bounds_of(recipe, path.stem)
        for name, kind in rows.collect_schema().items():
            if kind.is_numeric():
                numbers = rows.select(pl.col(name).cast(pl.Float64)).collect()[name]
                told.append(_score(path.stem, name, numbers.drop_nulls(), bounds.get(name, [])))
    return [one for one in told if one["records"]][:MEASURES_MOST]


def _bounds_of(recipe: dict[str, Any], label: str) -> dict[str, list[dict[str, Any]]]:
    """By measure, the thresholds of a stage; `quality.2` is the second one of that name."""
    name, _, number = label.partition(".")
    own = [stage[name] for stage in recipe.get("stages") or [] if name in stage]
    index = int(number) - 1 if number.isdigit() else 0
    kind: Any = STAGES.get(name)
    stage = kind.model_validate(own[index] or {}) if kind and index < len(own) else None
    found: dict[str, list[dict[str, Any]]] = {}
    for rule, value in stage.thresholds() if isinstance(stage, Thresholds) else ():
        side = "min" if rule.least else "max"
        bound = {"side": side, "setting": rule.setting, "value": value, "nearest": []}
        found.setdefault(rule.measure, []).append(bound)
    return found


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


def nearest_kept(scores: list[dict[str, Any]], folder: Path, metrics: Path) -> None:
    """Add to each bound the records nearest to it that a target has kept, whole or in chunks."""
    wanted = [(score, bound) for score in scores for bound in score["bounds"]]
    near = [_let_through(folder, score, bound) for score, bound in wanted]
    ids = pl.Series([one for rows in near for one in rows["id"]], dtype=pl.String).unique()
    places = _places(metrics, ids)
    for (_, bound), rows in zip(wanted, near, strict=True):
        kept = rows.join(places, on="id", how="inner", maintain_order="left").head(NEAREST_MOST)
        bound["nearest"] = [
            {"id": one["id"], "value": _short(one["value"])}
            | {name: cut(one[name]) for name in ("source", "locator")}
            for one in kept.to_dicts()
        ]


def _let_through(folder: Path, score: dict[str, Any], bound: dict[str, Any]) -> pl.DataFrame:
    """`id` and `value` of the records nearest to a bound, on its good side."""
    value = pl.col(score["measure"]).cast(pl.Float64)
    good = value >= bound["value"] if bound["side"] == "min" else value <= bound["value"]
    rows = pl.scan_parquet(folder / f"{score['stage']}.parquet").filter(good)
    far = (pl.col("value") - bound["value"]).abs()
    few = rows.select("id", value=value).bottom_k(LOOKED_AT, by=[far, pl.col("id")])
    return few.sort(far, "id").collect()


def _places(metrics: Path, ids: pl.Series) -> pl.DataFrame:
    """`id`, `source`, `locator` of what a target has; of a divided one, of its first chunk."""
    known: list[tuple[Any, ...]] = []  # copies: a view of a text holds all texts beside it
    for rows in read_groups(metrics, ["id", "source", "locator"]):
        own = rows.with_columns(root=root_id()).filter(pl.col("root").is_in(ids.implode()))
        known += own.rows()
    schema = dict.fromkeys(["id", "source", "locator", "root"], pl.String)
    found = pl.DataFrame(known, schema=schema, orient="row").sort("id")
    return found.group_by(id="root").agg(pl.col("source", "locator").first())
