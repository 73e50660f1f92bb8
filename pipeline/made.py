"""What a pass has made: files of rows that never change, and an index of which rows are whose.

A unit is what is done, or taken over, at once: source files in the first pass, later what one part
of the pass before holds of such a unit. Its rows stand together in each file of a part; if they are
too many for one part, they go on in the next. Parts lie in any order. The index is in the order of
the units, and so is all that is read by it: that order is nowhere on disk, so that what comes in
between moves no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.selectors as cs

from pipeline.unit_rows import UNIT

ALWAYS = {"kept", "rejected", "sketch", "ledger", "targets"}
"""Beginnings of the kinds of files that every part has, be they empty."""

INDEX = {"key", "part", "piece", "size"}
"""Columns of a units file that are not numbers of rows."""

OTHERS = INDEX | {"task", "stem", "of", UNIT}
AT_ONCE, BYTES_AT_ONCE = 1 << 17, 1 << 26
"""Rows that are read at once, and bytes of the units that they are of."""

Change = Callable[[pl.DataFrame, str], pl.DataFrame]
"""What is made of the rows of a whole file, whose path without ending and kind it is told."""


@dataclass(frozen=True)
class Made:
    """All that one pass of a run has made."""

    rows: pl.DataFrame  # a units file's rows with their places, in the order of the units
    parts: tuple[Path, ...]  # without ending, those without a row of a unit too

    def files(self, kind: str) -> list[Path]:
        """The files of a kind that every part has."""
        return [Path(f"{part}.{kind}.arrow") for part in self.parts]

    def kinds(self) -> list[str]:
        """The kinds of files that there are."""
        return kinds_of(self.rows)

    def frames(
        self, kind: str, columns: Sequence[str] | None = None, change: Change | None = None
    ) -> Iterator[pl.DataFrame]:
        """The rows of a kind, some at a time, in the order of the units."""
        if kind not in self.rows.columns:
            return
        there = self.rows.filter(pl.col(kind) > 0)
        if there.is_empty():
            return
        block = [
            pl.col(name).cast(pl.Int64).cum_sum() // most
            for name, most in ((kind, AT_ONCE), ("size", BYTES_AT_ONCE))
        ]
        numbered = there.with_columns(block=pl.struct(a=block[0], b=block[1]).rle_id())
        for some in numbered.partition_by("block", maintain_order=True):
            yield rows_of(some, kind, columns, change)


def made_of_parts(
    located: Iterable[pl.DataFrame], keys: Sequence[str], parts: Iterable[Path] = ()
) -> Made:
    """The index of these located rows by the order of `keys`; `parts` are all, if rows are none."""
    rows = [frame.drop("task", "of", strict=False) for frame in located if frame.height]
    if not rows:
        return Made(pl.DataFrame(schema={"key": pl.String, "stem": pl.String}), tuple(parts))
    everything = pl.concat(rows, how="diagonal").with_columns(cs.numeric().fill_null(0))
    units = pl.DataFrame({"key": list(keys)}).with_row_index(UNIT)
    ordered = everything.join(units, on="key").sort(UNIT, "piece").drop(UNIT)
    stems = ordered["stem"].unique(maintain_order=True)
    return Made(ordered, tuple(map(Path, stems)))


def at(kind: str) -> str:
    """The column that says in which row of a part's file a unit's rows start."""
    return f"{kind} at"


def kinds_of(rows: pl.DataFrame) -> list[str]:
    """The kinds of files that a units file counts the rows of."""
    return [name for name in rows.columns if name not in OTHERS and not name.endswith(" at")]


def located(index: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """A units file's rows with the place of each unit's rows."""
    starts = {
        at(kind): pl.col(kind).cum_sum().over("part") - pl.col(kind) for kind in kinds_of(index)
    }
    return index.with_columns(**starts, stem=pl.lit(f"{folder}/") + pl.col("part"))


def rows_of(
    rows: pl.DataFrame,
    kind: str,
    columns: Sequence[str] | None = None,
    change: Change | None = None,
) -> pl.DataFrame:
    """The rows of some units in their files of one kind, in the order of `rows`."""
    spans = spans_of(rows, kind)
    if not spans.height:
        return _read(rows["stem"].first(), kind, columns, change).clear()
    return read_spans(spans, kind, columns, change)


def spans_of(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`stem`, `start`, `number` of each unit's rows in the files of a kind, if it has any."""
    return rows.select("stem", start=at(kind), number=kind).filter(pl.col("number") > 0)


def read_spans(
    spans: pl.DataFrame,
    kind: str,
    columns: Sequence[str] | None = None,
    change: Change | None = None,
) -> pl.DataFrame:
    """The rows at some places, of which there is at least one, in files of one kind."""
    before, end = pl.col("stem").shift(), (pl.col("start") + pl.col("number")).shift()
    apart = ((pl.col("stem") != before) | (pl.col("start") != end)).fill_null(True)
    whole = spans.group_by(span=apart.cum_sum(), maintain_order=True).agg(
        pl.col("stem", "start").first(), pl.col("number").sum()
    )
    files = {stem: _read(stem, kind, columns, change) for stem in whole["stem"].unique()}
    places = whole.select("stem", "start", "number").iter_rows()
    return pl.concat(
        [files[stem].slice(start, number) for stem, start, number in places], rechunk=True
    )


def _read(
    stem: object, kind: str, columns: Sequence[str] | None, change: Change | None
) -> pl.DataFrame:
    """A whole file, mapped: only what is looked at is read."""
    rows = pl.read_ipc(f"{stem}.{kind}.arrow", columns=None if columns is None else list(columns))
    return change(rows, f"{stem}.{kind}") if change else rows
