"""What a pass has made: files of rows that never change, and an index of which rows are whose.

A unit is what is done, or taken over, at once: source files in the first pass, later what one part
of the pass before holds of such a unit. Its rows stand together in each file of a part; if they are
too many for one part, they go on in the next. Parts lie in any order. The index is in the order of
the units, and so is all that is read by it: that order is nowhere on disk, so that what comes in
between moves no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.selectors as cs

from pipeline.unit_rows import UNIT

ALWAYS = {"kept", "rejected", "sketch", "ledger", "targets"}
"""Beginnings of the kinds of files that every part has, be they empty."""

INDEX = {"key", "source", "part", "piece", "size"}
"""Columns of a units file that are not numbers of rows."""

AT_ONCE, BYTES_AT_ONCE = 1 << 17, 1 << 26
"""Rows that are read at once, and bytes of the units that they are of."""


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
        self,
        kind: str,
        columns: Sequence[str] | None = None,
        file_in: str | None = None,
        *,
        ordered: bool = True,
    ) -> Iterator[pl.DataFrame]:
        """The rows of a kind, some at a time, in the order of the units; see `read_spans`.

        Where their order is nothing, not `ordered`: as they lie in the files, in half the time.
        """
        if kind not in self.rows.columns:
            return
        there = self.rows.filter(pl.col(kind) > 0)
        there = there if ordered else there.sort("stem", at(kind))
        if there.is_empty():
            return
        block = [
            pl.col(name).cast(pl.Int64).cum_sum() // most
            for name, most in ((kind, AT_ONCE), ("size", BYTES_AT_ONCE))
        ]
        numbered = there.with_columns(block=pl.struct(a=block[0], b=block[1]).rle_id())
        for some in numbered.partition_by("block", maintain_order=True):
            yield read_spans(spans_of(some, kind), kind, columns, file_in)


def made_of_parts(
    located: Iterable[pl.DataFrame], keys: pl.Series, parts: Iterable[Path] = ()
) -> Made:
    """The index of these located rows by the order of `keys`; `parts` are all, if rows are none."""
    rows = [frame for frame in located if frame.height]
    if not rows:
        return Made(pl.DataFrame(schema={"key": pl.String, "stem": pl.String}), tuple(parts))
    everything = pl.concat(rows, how="diagonal").with_columns(cs.numeric().fill_null(0))
    units = pl.DataFrame({"key": keys}).with_row_index(UNIT)
    ordered = everything.join(units, on="key").sort(UNIT, "piece").drop(UNIT)
    stems = ordered["stem"].unique(maintain_order=True)
    return Made(ordered, tuple(map(Path, stems)))


AT = " at"


def at(kind: str) -> str:
    """The column that says in which row of a part's file a unit's rows start."""
    return kind + AT


def kinds_of(rows: pl.DataFrame) -> list[str]:
    """The kinds of files that located rows tell the places in."""
    return [name.removesuffix(AT) for name in rows.columns if name.endswith(AT)]


def located(index: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """A units file's rows with the place of each unit's rows."""
    kinds = [name for name in index.columns if name not in INDEX]
    starts = {at(kind): pl.col(kind).cum_sum().over("part") - pl.col(kind) for kind in kinds}
    return index.with_columns(**starts, stem=pl.lit(f"{folder}/") + pl.col("part"))


def spans_of(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`stem`, `start`, `number` of each unit's rows in the files of a kind, if it has any."""
    return rows.select("stem", start=at(kind), number=kind).filter(pl.col("number") > 0)


def read_spans(
    spans: pl.DataFrame,
    kind: str,
    columns: Sequence[str] | None = None,
    file_in: str | None = None,
) -> pl.DataFrame:
    """The rows at some places, of which there is at least one, in files of one kind.

    `columns` are those wanted, None for all. The column `file_in`, if there is to be one, has the
    path of each row's file without its ending.
    """
    whole = joined(spans).with_row_index("span")
    found, rows = [], []
    for (stem,), own in whole.group_by("stem", maintain_order=True):
        read = _mapped(stem, kind, columns)
        if own.height == 1:
            read = read.slice(own["start"][0], own["number"][0])
        else:
            read = read[own.select(row_numbers("start", "number")).to_series()]
        found.append(
            read.with_columns(pl.lit(f"{stem}.{kind}").alias(file_in)) if file_in else read
        )
        rows.append(own)
    together = pl.concat(found, rechunk=True)
    if len(found) == 1:
        return together
    # By now file by file; of each span it is known where it came to lie.
    laid = pl.concat(rows).with_columns(lies=pl.col("number").cum_sum() - pl.col("number"))
    return together[laid.sort("span").select(row_numbers("lies", "number")).to_series()]


def in_use_path(stem: str) -> Path:
    """Where it is said which rows of a part's files are those of units, if not all are."""
    return Path(f"{stem}.in_use.arrow")


def rows_in_use(path: Path) -> pl.Series | None:
    """The numbers of the rows of a work file that count, UInt32; None for all.

    For whoever reads a file without the index.
    """
    part, kind = path.name.removesuffix(".arrow").split(".", 1)
    told = in_use_path(str(path.with_name(part)))
    if not told.exists():
        return None
    rows = pl.read_ipc(told)
    if kind not in rows.columns:
        return pl.Series(dtype=pl.UInt32)
    return rows.sort(at(kind)).select(row_numbers(at(kind), kind)).to_series().drop_nulls()


def row_numbers(start: str, number: str) -> pl.Expr:
    """The numbers of all rows of spans, UInt32, one after the other."""
    return pl.int_ranges(start, pl.col(start) + pl.col(number), dtype=pl.UInt32).explode()


def joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans (`stem`, `start`, `number`) with those made one that follow each other in a file."""
    before, end = pl.col("stem").shift(), (pl.col("start") + pl.col("number")).shift()
    apart = ((pl.col("stem") != before) | (pl.col("start") != end)).fill_null(True)
    together = spans.group_by(span=apart.cum_sum(), maintain_order=True)
    return together.agg(pl.col("stem", "start").first(), pl.col("number").sum()).drop("span")


def _mapped(stem: object, kind: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A whole file, of which only what is looked at is read."""
    return pl.read_ipc(f"{stem}.{kind}.arrow", columns=None if columns is None else list(columns))
