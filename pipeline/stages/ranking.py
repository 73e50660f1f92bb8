"""Which of several duplicates to keep: a number for each record; the greatest is kept."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

TIMES = ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z")
LOCAL_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


def preference(
    keep: str, quality: str, date: str, prefer: Sequence[str], content: pl.Expr
) -> pl.Expr:
    """`preference`, Float64: the greatest is kept, null ranks last. See `DedupNear.keep`."""
    if keep == "longest":
        number = content.str.len_chars().cast(pl.Float64)
    elif keep == "best_quality":
        number = pl.col("extra").str.json_path_match(quality).cast(pl.Float64, strict=False)
    elif keep == "newest":
        number = moment(pl.col("extra").str.json_path_match(date))
    elif keep == "first_source":
        number = _place(prefer)
    else:
        number = pl.lit(0.0)
    return pl.when(number.is_finite()).then(number).alias("preference")


def moment(text: pl.Expr) -> pl.Expr:
    """Seconds since 1970, from ISO 8601 (UTC if it has no zone) or from a number of seconds."""
    zoned = text.str.replace(r"[Zz]$", "+00:00")
    times = [
        zoned.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("us") for form in TIMES
    ]
    times += [
        text.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("us")
        for form in LOCAL_TIMES
    ]
    times.append(text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).dt.epoch("us"))
    seconds = [time.cast(pl.Float64) / 1e6 for time in times]
    return pl.coalesce(*seconds, text.cast(pl.Float64, strict=False))


def _place(prefer: Sequence[str]) -> pl.Expr:
    """Minus the place in `prefer` of the first prefix that the source has; null if none."""
    negative = pl.lit(None, dtype=pl.Float64)
    for place, prefix in reversed(list(enumerate(prefer))):
        starts = pl.col("source").str.starts_with(prefix)
        negative = pl.when(starts).then(pl.lit(-float(place))).otherwise(negative)
    return negative
