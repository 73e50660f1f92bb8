"""What the report counts: lazily, in aggregates and capped samples, never in texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import LawBroken
from pipeline.report_waterfall import shares

EDGES = (1, *(round(2 ** (half / 2)) for half in range(6, 37)))
"""Lower ends of the fixed bins of tokens, two a doubling from 8 to 2^18: runs can be compared."""

TURNS = (*range(1, 13), 16, 24, 32, 64)
"""Lower ends of the fixed bins of turns."""

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SAMPLES_MOST = 5
REASONS_MOST = 60
SOURCES_MOST = 20
LANGUAGES_MOST = 20
PLACE_LENGTH = 160
VALUE_LENGTH = 120


def cut(text: Any, most: int = PLACE_LENGTH) -> str | None:
    """A text of at most `most` characters; `…` stands for the rest."""
    if text is None:
        return None
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def measure_records(metrics: Path, target: str) -> dict[str, Any]:
    """Lengths, turns, images and languages of one target's records, all splits together."""
    own = pl.scan_parquet(metrics).filter(pl.col("target") == target)
    numbers = own.select("tokens", "bytes", "turns", "images").collect()
    return {
        "tokens": _spread(numbers["tokens"]) | {"histogram": _histogram(numbers["tokens"], EDGES)},
        "line_bytes": _spread(numbers["bytes"]),
        "turns": _spread(numbers["turns"]) | {"histogram": _histogram(numbers["turns"], TURNS)},
        "images_most": numbers["images"].max() or 0,
        "languages": _languages(own),
    }


def _spread(numbers: pl.Series) -> dict[str, Any]:
    """Least, most and nearest-rank percentiles; None of nothing."""
    ranks = {f"p{p}": numbers.quantile(p / 100, "nearest") for p in PERCENTILES}
    told: dict[str, Any] = {"min": numbers.min(), "max": numbers.max(), **ranks}
    return {name: None if value is None else int(value) for name, value in told.items()}


def _histogram(numbers: pl.Series, edges: tuple[int, ...]) -> list[dict[str, int | None]]:
    """Records by fixed bin `[from, to)`, without the empty bins at both ends."""
    known = numbers.drop_nulls()
    bins = pl.DataFrame({"bin": pl.Series(edges).search_sorted(known, side="right")})
    counts = dict(bins.group_by("bin").len().iter_rows())
    if not counts:
        return []
    lower, upper = (0, *edges), (*edges, None)
    return [
        {"from": lower[index], "to": upper[index], "records": counts.get(index, 0)}
        for index in range(min(counts), max(counts) + 1)
    ]


def _languages(records: pl.LazyFrame) -> dict[str, Any]:
    """Records by language, the largest first; a null is `und`."""
    language = pl.col("language").fill_null("und")
    counted = records.group_by(language).agg(records=pl.len())
    rows = counted.sort(["records", "language"], descending=[True, False]).collect()
    shown = rows.head(LANGUAGES_MOST).to_dicts()
    total = int(rows["records"].sum())
    others = total - sum(row["records"] for row in shown)
    *parts, rest = shares([*(row["records"] for row in shown), others])
    return {
        "records": total,
        "others": others,
        "others_share": rest if total else 0.0,
        "shown": [
            {"language": cut(row["language"], 40), "records": row["records"], "share": share}
            for row, share in zip(shown, parts, strict=True)
        ],
    }


def write_outcomes(metrics: Path, rejected: Path, path: Path) -> None:
    """One row for each record that ended somewhere: `id`, `source`, `language`, `outcome`.

    A record that any target kept is `kept`; the others are `merged` or `rejected`.
    """
    kept = (
        pl.scan_parquet(metrics)
        .group_by("id")
        .agg(pl.col("source").min(), pl.col("language").min())
        .with_columns(outcome=pl.lit("kept"))
    )
    merged = pl.col("merged_into").is_not_null().any()
    aside = (
        pl.scan_parquet(rejected)
        .group_by("id")
        .agg(pl.col("source").min(), merged.alias("merged"))
        .join(kept.select("id"), on="id", how="anti")
        .with_columns(
            language=pl.lit(None, dtype=pl.String),
            outcome=pl.when("merged").then(pl.lit("merged")).otherwise(pl.lit("rejected")),
        )
    )
    pl.concat([kept, aside.select("id", "source", "language", "outcome")]).sink_parquet(path)


def measure_languages(outcomes: Path) -> dict[str, Any]:
    """Languages of the records that at least one target kept."""
    return _languages(pl.scan_parquet(outcomes).filter(pl.col("outcome") == "kept"))


def measure_sources(outcomes: Path) -> dict[str, Any]:
    """The sources with the most records, and what became of them; chunks count as records."""
    ends = ("kept", "rejected", "merged")
    counted = (
        pl.scan_parquet(outcomes)
        .group_by("source")
        .agg(pl.len().alias("records"), *((pl.col("outcome") == e).sum().alias(e) for e in ends))
    )
    total = counted.select(pl.len()).collect().item()
    shown = counted.sort(["records", "source"], descending=[True, False]).head(SOURCES_MOST)
    rows = [row | {"source": cut(row["source"])} for row in shown.collect().to_dicts()]
    return {"total": int(total), "listed": len(rows), "shown": rows}


def measure_reasons(
    stages: Iterable[dict[str, Any]], rejected: Path, meanings: dict[str, str]
) -> dict[str, Any]:
    """Every reason with its count, its meaning and where to find a few of its records.

    Raises LawBroken when the ledger and the list of rejected records tell different counts.
    """
    rows = pl.scan_parquet(rejected)
    merged = pl.col("merged_into").is_not_null().sum().cast(pl.Int64)
    grouped = rows.group_by("stage", "reason").agg(pl.len(), merged.alias("merged")).collect()
    found = {(stage, reason): (n, m) for stage, reason, n, m in grouped.iter_rows()}
    told = {(s["stage"], reason): n for s in stages for reason, n in s["reasons"].items()}
    if told != {key: n for key, (n, _) in found.items()}:
        raise LawBroken("the ledger's reasons and rejected.parquet tell different counts")
    order = sorted(told, key=lambda key: (-told[key], key))
    shown = [
        {
            "stage": stage,
            "reason": reason,
            "records": told[stage, reason],
            "merged": found[stage, reason][1],
            "meaning": meanings.get(reason),
            "samples": _samples(rows, stage, reason),
        }
        for stage, reason in order[:REASONS_MOST]
    ]
    return {"total": len(order), "hidden": len(order) - len(shown), "shown": shown}


def merging_reasons(rejected: Path) -> set[tuple[str, str]]:
    """Stage and reason of what another record stands for."""
    merged = pl.scan_parquet(rejected).filter(pl.col("merged_into").is_not_null())
    return set(merged.select("stage", "reason").unique().collect().iter_rows())


SAMPLE = {
    "id": PLACE_LENGTH,
    "source": PLACE_LENGTH,
    "locator": PLACE_LENGTH,
    "value": VALUE_LENGTH,
    "threshold": VALUE_LENGTH,
    "merged_into": PLACE_LENGTH,
}
"""Columns of a sample, and how many characters of each are shown."""


def _samples(rows: pl.LazyFrame, stage: str, reason: str) -> list[dict[str, str | None]]:
    """Records with a reason: those nearest to the threshold, or else the first ones."""
    own = rows.filter((pl.col("stage") == stage) & (pl.col("reason") == reason))
    near = own.select(list(SAMPLE)).with_row_index("place").with_columns(distance=_distance())
    few = near.bottom_k(SAMPLES_MOST, by=["distance", "place"]).sort("distance", "place").collect()
    return [{n: cut(row[n], most) for n, most in SAMPLE.items()} for row in few.to_dicts()]


def _distance() -> pl.Expr:
    """How far what was measured is from what was allowed; the same for all that are no numbers."""
    value, threshold = (
        pl.col(name).cast(pl.Float64, strict=False) for name in ("value", "threshold")
    )
    return (value - threshold).abs().fill_null(float("inf"))
