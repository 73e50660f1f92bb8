"""Texts before and after a stage: how often each kind of change was made, and a few samples."""

from __future__ import annotations

import polars as pl

from pipeline.stage import SAMPLES, TALLIES, fewest

AROUND = 160
"""Characters before the first difference that a sample shows."""

LENGTH = 1200
"""Characters of a sample, before and after."""

COLUMNS = ("id", "source", "locator")


def changed_texts(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Records whose text or turns changed other than at the ends: `COLUMNS`, `before`, `after`.

    Both frames have the same rows in the same order; rows rejected in `before` are left out.
    """
    old, new = (frame.select(whole_text()).to_series() for frame in (before, after))
    old = old.str.strip_chars()
    hits = ((old != new) & before["rejected"].is_null()).fill_null(False).arg_true()
    texts = [old.gather(hits).alias("before"), new.gather(hits).str.strip_chars().alias("after")]
    rows = before.select(pl.col(COLUMNS).gather(hits)).with_columns(texts)
    return rows.filter(pl.col("before") != pl.col("after"))


def whole_text() -> pl.Expr:
    """A record's text, or the texts of its turns joined by newlines."""
    turns = pl.col("messages").list.eval(pl.element().struct.field("text").fill_null(""))
    return pl.coalesce("text", turns.list.join("\n"))


def tallied(rows: pl.DataFrame, kinds: dict[str, pl.Expr]) -> pl.DataFrame:
    """`TALLIES`: a row for each record and kind of change whose expression is true."""
    if rows.is_empty():
        return pl.DataFrame(schema=TALLIES)
    counted = [
        rows.filter(changed).select("id", kind=pl.lit(kind), number=pl.lit(1, pl.Int64))
        for kind, changed in kinds.items()
    ]
    return pl.concat([pl.DataFrame(schema=TALLIES), *counted])


def sampled(rows: pl.DataFrame, kinds: dict[str, pl.Expr]) -> pl.DataFrame:
    """`SAMPLES`: a few records of each kind of change, cut around the first difference."""
    if rows.is_empty():
        return pl.DataFrame(schema=SAMPLES)
    few = [
        fewest(rows.filter(changed)).with_columns(kind=pl.lit(kind))
        for kind, changed in kinds.items()
    ]
    samples = [
        row | _cut(row["before"], row["after"]) for of_kind in few for row in of_kind.to_dicts()
    ]
    return (
        pl.DataFrame(samples, schema_overrides=SAMPLES).match_to_schema(
            SAMPLES, extra_columns="ignore"
        )
        if samples
        else pl.DataFrame(schema=SAMPLES)
    )


def _cut(before: str, after: str) -> dict[str, str]:
    pairs = enumerate(zip(before, after, strict=False))
    shared = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
    start = max(shared - AROUND, 0)
    return {"before": before[start : start + LENGTH], "after": after[start : start + LENGTH]}
