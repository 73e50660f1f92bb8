"""What the report counts: lazy aggregates and capped samples of Parquet files, never texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.buckets import BUCKET, Buckets
from pipeline.errors import LawBroken
from pipeline.parquet_rows import ParquetRows, read_groups
from pipeline.report.waterfall import shares

EDGES = (1, *(round(2 ** (half / 2)) for half in range(6, 37)))
"""Lower ends of the bins of tokens, two per doubling from 8 to 2^18; fixed, to compare runs."""

TURNS = (*range(1, 13), 16, 24, 32, 64)
"""Lower ends of the fixed bins of turns."""

AT_ONCE = 500_000  # records whose outcomes are determined together
WAITING = 32 << 20  # bytes of records that are buffered in memory until then
ENDS = ["kept", "merged", "rejected"]
OUTCOMES = pl.Schema(dict.fromkeys(["id", "source", "language", "outcome"], pl.String))

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
SAMPLES_MOST = 5
REASONS_MOST = 60
SOURCES_MOST = 20
LANGUAGES_MOST = 20
PLACE_LENGTH = 160
VALUE_LENGTH = 120


def cut(text: Any, most: int = PLACE_LENGTH) -> str | None:
    """The value as text of at most `most` characters; `…` replaces the rest."""
    if text is None:
        return None
    whole = str(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def measure_records(metrics: Path, target: str) -> dict[str, Any]:
    """Lengths, turns, images and languages of one target's records, all splits together."""
    own = pl.scan_parquet(metrics).filter(pl.col("target") == target)
    tokens, sizes, turns = (_counted(own, name) for name in ("tokens", "bytes", "turns"))
    return {
        "tokens": _spread(tokens) | {"histogram": _histogram(tokens, EDGES)},
        "line_bytes": _spread(sizes),
        "turns": _spread(turns) | {"histogram": _histogram(turns, TURNS)},
        "images_most": own.select(pl.col("images").max()).collect().item() or 0,
        "languages": _languages(own),
    }


def _counted(records: pl.LazyFrame, name: str) -> pl.DataFrame:
    """`value` and `records` of each distinct value of a column, ascending; there are only a few."""
    values = records.select(value=name).drop_nulls().group_by("value").agg(records=pl.len())
    return values.sort("value").collect(engine="streaming")


def _spread(counted: pl.DataFrame) -> dict[str, Any]:
    """Minimum, maximum and nearest-rank percentiles; all None if there are no records."""
    names = ("min", "max", *(f"p{p}" for p in PERCENTILES))
    if not counted.height:
        return dict.fromkeys(names)
    values, upto = counted["value"], counted["records"].cast(pl.Int64).cum_sum()
    last = int(upto[-1]) - 1
    ranks = [0, last, *(math.floor(last * p / 100 + 0.5) for p in PERCENTILES)]
    places = upto.search_sorted(pl.Series(ranks), side="right")
    return dict(zip(names, values.gather(places).to_list(), strict=True))


def _histogram(counted: pl.DataFrame, edges: tuple[int, ...]) -> list[dict[str, int | None]]:
    """Records per fixed bin `[from, to)`, without the empty bins at both ends."""
    bins = pl.Series(edges).search_sorted(counted["value"], side="right")
    summed = counted.group_by(bin=bins).agg(pl.col("records").sum())
    counts = dict(summed.iter_rows())
    if not counts:
        return []
    lower, upper = (0, *edges), (*edges, None)
    return [
        {"from": lower[index], "to": upper[index], "records": counts.get(index, 0)}
        for index in range(min(counts), max(counts) + 1)
    ]


def _languages(records: pl.LazyFrame) -> dict[str, Any]:
    """Records per language, the largest first; a null counts as `und`."""
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
    """Write one row for each kept, merged or rejected record: id, source, language, outcome.

    A record that any target kept is `kept`; the others are `merged` or `rejected`.
    """
    total = pl.scan_parquet(metrics).select(pl.len()).collect().item()
    groups = max(1, -(-total // AT_ONCE))
    spread = Buckets(path.with_suffix(".parts"), WAITING)
    for rows in chain(_kept(metrics), _set_aside(rejected)):
        number = (pl.col("id").hash() % groups).cast(pl.UInt32)
        spread.add(rows.with_columns(number.alias(BUCKET)))
    with ParquetRows(path, OUTCOMES) as outcomes:
        for _, rows in spread.read():
            outcomes.add(_ended(rows))


def _kept(metrics: Path) -> Iterator[pl.DataFrame]:
    for rows in read_groups(metrics, ["id", "source", "language"]):
        yield rows.with_columns(rank=pl.lit(0, pl.UInt8))


def _set_aside(rejected: Path) -> Iterator[pl.DataFrame]:
    for rows in read_groups(rejected, ["id", "source", "merged_into"]):
        yield rows.select(
            "id",
            "source",
            language=pl.lit(None, dtype=pl.String),
            rank=pl.when(pl.col("merged_into").is_null()).then(2).otherwise(1).cast(pl.UInt8),
        )


def _ended(rows: pl.DataFrame) -> pl.DataFrame:
    """The outcome of each record: `kept` wins over `merged`, and `merged` over `rejected`."""
    kept = rows.filter(pl.col("rank") == 0)
    aside = rows.filter(pl.col("rank") > 0).join(kept.select("id"), on="id", how="anti")
    smallest = pl.col("source", "language", "rank").min()
    ended = pl.concat([kept.group_by("id").agg(smallest), aside.group_by("id").agg(smallest)])
    outcome = pl.col("rank").replace_strict([0, 1, 2], ENDS, return_dtype=pl.String)
    return ended.select("id", "source", "language", outcome=outcome)


def measure_languages(outcomes: Path) -> dict[str, Any]:
    """Languages of the records that at least one target kept."""
    return _languages(pl.scan_parquet(outcomes).filter(pl.col("outcome") == "kept"))


def measure_sources(outcomes: Path) -> dict[str, Any]:
    """The sources with the most records, and the outcomes of these; chunks count as records."""
    counted = (
        pl.scan_parquet(outcomes)
        .group_by("source")
        .agg(pl.len().alias("records"), *((pl.col("outcome") == e).sum().alias(e) for e in ENDS))
    )
    total = counted.select(pl.len()).collect().item()
    shown = counted.sort(["records", "source"], descending=[True, False]).head(SOURCES_MOST)
    rows = [row | {"source": cut(row["source"])} for row in shown.collect().to_dicts()]
    return {"total": int(total), "listed": len(rows), "shown": rows}


def measure_reasons(
    stages: Iterable[dict[str, Any]], rejected: Path, meanings: dict[str, str]
) -> dict[str, Any]:
    """Every reason with its count, its meaning and the places of a few of its records.

    Raises LawBroken when the ledger and the list of rejected records have different counts.
    """
    rows = pl.scan_parquet(rejected)
    merged = pl.col("merged_into").is_not_null().sum().cast(pl.Int64)
    grouped = rows.group_by("stage", "reason").agg(pl.len(), merged.alias("merged")).collect()
    listed = {(stage, reason): (n, m) for stage, reason, n, m in grouped.iter_rows()}
    counts = {(s["stage"], reason): n for s in stages for reason, n in s["reasons"].items()}
    if counts != {key: n for key, (n, _) in listed.items()}:
        raise LawBroken("the ledger's reasons and rejected.parquet have different counts")
    order = sorted(counts, key=lambda key: (-counts[key], key))
    shown = [
        {
            "stage": stage,
            "reason": reason,
            "records": counts[stage, reason],
            "merged": listed[stage, reason][1],
            "meaning": meanings.get(reason),
            "samples": _samples(rows, stage, reason),
        }
        for stage, reason in order[:REASONS_MOST]
    ]
    return {"total": len(order), "hidden": len(order) - len(shown), "shown": shown}


def merging_reasons(rejected: Path) -> set[tuple[str, str]]:
    """The stages and reasons whose records were merged into another record."""
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
    """A few records with a reason: those nearest to the threshold, or else the first ones."""
    matching = rows.filter((pl.col("stage") == stage) & (pl.col("reason") == reason))
    near = matching.select(list(SAMPLE)).with_row_index("place").with_columns(distance=_distance())
    few = near.bottom_k(SAMPLES_MOST, by=["distance", "place"]).sort("distance", "place").collect()
    return [{n: cut(row[n], most) for n, most in SAMPLE.items()} for row in few.to_dicts()]


def _distance() -> pl.Expr:
    """Distance between value and threshold; infinite if one of them is not a number."""
    value, threshold = (
        pl.col(name).cast(pl.Float64, strict=False) for name in ("value", "threshold")
    )
    return (value - threshold).abs().fill_null(float("inf"))
