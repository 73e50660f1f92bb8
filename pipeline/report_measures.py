"""What the report counts: lazily, in aggregates and capped samples, never in texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import LawBroken

EDGES = (1, *(round(2 ** (half / 2)) for half in range(6, 37)))
"""Lower ends of the fixed bins of tokens, two a doubling from 8 to 2^18: runs can be compared."""

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SAMPLES_MOST = 5
REASONS_MOST = 60
SOURCES_MOST = 20
LANGUAGES_MOST = 20
CLUSTERS_MOST = 10
PLACE_LENGTH = 160
VALUE_LENGTH = 120


def cut(text: Any, most: int = PLACE_LENGTH) -> str | None:
    """A text of at most `most` characters; `…` stands for the rest."""
    if text is None:
        return None
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def measure_target(metrics: Path, target: str) -> dict[str, Any]:
    """Lengths, turns, images and languages of one target's records, all splits together."""
    own = pl.scan_parquet(metrics).filter(pl.col("target") == target)
    numbers = own.select("tokens", "bytes", "turns", "images").collect()
    return {
        "tokens": _spread(numbers["tokens"]) | {"histogram": _histogram(numbers["tokens"])},
        "line_bytes": _spread(numbers["bytes"]),
        "turns": _spread(numbers["turns"]),
        "images_most": numbers["images"].max() or 0,
        "languages": _languages(own),
    }


def _spread(numbers: pl.Series) -> dict[str, Any]:
    """Least, most and nearest-rank percentiles; None of nothing."""
    ranks = {f"p{p}": numbers.quantile(p / 100, "nearest") for p in PERCENTILES}
    told: dict[str, Any] = {"min": numbers.min(), "max": numbers.max(), **ranks}
    return {name: None if value is None else int(value) for name, value in told.items()}


def _histogram(tokens: pl.Series) -> list[dict[str, int | None]]:
    """Records by fixed bin `[from, to)`, without the empty bins at both ends."""
    known = tokens.drop_nulls()
    bins = pl.DataFrame({"bin": pl.Series(EDGES).search_sorted(known, side="right")})
    counts = dict(bins.group_by("bin").len().iter_rows())
    if not counts:
        return []
    lower, upper = (0, *EDGES), (*EDGES, None)
    return [
        {"from": lower[index], "to": upper[index], "records": counts.get(index, 0)}
        for index in range(min(counts), max(counts) + 1)
    ]


def _languages(records: pl.LazyFrame) -> dict[str, Any]:
    """Records by language, the largest first; a null is `und`."""
    language = pl.col("language").fill_null("und")
    counted = records.group_by(language).agg(records=pl.len())
    rows = counted.sort(["records", "language"], descending=[True, False]).collect()
    shown = rows.head(LANGUAGES_MOST)
    total = int(rows["records"].sum())
    return {
        "records": total,
        "others": total - int(shown["records"].sum()),
        "shown": [row | {"language": cut(row["language"], 40)} for row in shown.to_dicts()],
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
    return {"total": int(total), "shown": rows}


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
    return {"total": len(order), "shown": shown}


def _samples(rows: pl.LazyFrame, stage: str, reason: str) -> list[dict[str, str | None]]:
    own = rows.filter((pl.col("stage") == stage) & (pl.col("reason") == reason))
    columns = {
        "source": PLACE_LENGTH,
        "locator": PLACE_LENGTH,
        "value": VALUE_LENGTH,
        "threshold": VALUE_LENGTH,
        "merged_into": PLACE_LENGTH,
    }
    first = own.select(list(columns)).head(SAMPLES_MOST).collect()
    return [{n: cut(row[n], most) for n, most in columns.items()} for row in first.to_dicts()]


def measure_duplicates(metrics: Path, rejected: Path) -> dict[str, Any]:
    """The largest groups of duplicates: the record that stands for them, and how many."""
    merged = pl.scan_parquet(rejected).filter(pl.col("merged_into").is_not_null())
    clusters = merged.group_by(pl.col("merged_into").alias("id")).agg(records=pl.len())
    totals = clusters.select(pl.len(), pl.col("records").sum().alias("merged")).collect()
    largest = clusters.sort(["records", "id"], descending=[True, False]).head(CLUSTERS_MOST)
    ids = largest.collect()
    wanted = pl.col("id").is_in(ids["id"].to_list())
    places = [
        pl.scan_parquet(path).filter(wanted).select("id", "source", "locator")
        for path in (metrics, rejected)
    ]
    stands = pl.concat(places).group_by("id").agg(pl.col("source", "locator").min()).collect()
    rows = ids.join(stands, on="id", how="left", maintain_order="left").to_dicts()
    return {
        "clusters": int(totals["len"].item()),
        "merged": int(totals["merged"].item() or 0),
        "largest": [{n: v if n == "records" else cut(v) for n, v in row.items()} for row in rows],
    }
