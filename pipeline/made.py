"""What a pass has made: files of rows that never change, and an index of whose rows they are.

The words used here and in `units`, `tasks`, `parts`, `reuse` and `taken_over`:

unit    what is computed or reused as a whole: source files in the first pass; in later passes, the
        records that one part of the previous pass has kept of such a unit
task    the units that a worker is given at once
part    a batch of rows that a task writes, one Arrow file for each kind; a task writes its parts
        one after the other, each of a bounded size
kind    what the rows of a file are: `kept`, `rejected`, `ledger`, `sketch.<stage>` and so on
stem    the path of a part without its ending: its files are `<stem>.<kind>.arrow`
piece   a unit's rows in one part, which are one row of the index; the column `piece` numbers the
        pieces of a unit (in `deciding_pieces` it is a piece of text instead)
span    `stem`, `start`, `number`: consecutive rows of one file (`number` is how many)
marker  the JSON file that a task writes last, with the digests of its files: the task is finished

A unit's rows are consecutive in each file of a part. If they are too many for one part, they go on
in the next. Parts are stored in no particular order. The index is in the order of the units, and
so is everything that is read through it. That order is stored nowhere else, so a source that comes
in between two others moves no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.selectors as cs

from pipeline.unit_rows import UNIT

ALWAYS = {"kept", "rejected", "sketch", "ledger", "targets"}
"""Kinds, up to the first dot, of the files that every part has, even if they are empty."""

INDEX = {"key", "source", "part", "piece", "size"}
"""Columns of a units file that are not row counts."""

AT_ONCE, BYTES_AT_ONCE = 1 << 17, 1 << 26
"""Limits for one read: rows, and bytes of the units that they belong to."""


@dataclass(frozen=True)
class Made:
    """Everything that one pass of a run has made."""

    rows: pl.DataFrame  # a units file's rows with their positions, in the order of the units
    parts: tuple[Path, ...]  # stems, including those of parts in which no unit has rows

    def files(self, kind: str) -> list[Path]:
        """The files of a kind that every part has, one for each part."""
        return [Path(f"{part}.{kind}.arrow") for part in self.parts]

    def kinds(self) -> list[str]:
        """The kinds of files that the index knows."""
        return kinds_of(self.rows)

    def frames(
        self,
        kind: str,
        columns: Sequence[str] | None = None,
        file_in: str | None = None,
        *,
        ordered: bool = True,
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of a kind, in blocks of bounded size, in the order of the units.

        With `ordered=False` they come in the order of the files, which takes half the time.
        For `columns` and `file_in` see `read_spans`.
        """
        if kind not in self.rows.columns:
            return
        present = self.rows.filter(pl.col(kind) > 0)
        present = present if ordered else present.sort("stem", at(kind))
        if present.is_empty():
            return
        block = [
            pl.col(name).cast(pl.Int64).cum_sum() // most
            for name, most in ((kind, AT_ONCE), ("size", BYTES_AT_ONCE))
        ]
        numbered = present.with_columns(block=pl.struct(a=block[0], b=block[1]).rle_id())
        for rows in numbered.partition_by("block", maintain_order=True):
            yield read_spans(spans_of(rows, kind), kind, columns, file_in)


def made_of_parts(
    located: Iterable[pl.DataFrame], keys: pl.Series, parts: Iterable[Path] = ()
) -> Made:
    """Index located rows by the order of `keys`; `parts` are all stems, for when there are none."""
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
    """The name of the column that has the first row of each unit in a part's file of this kind."""
    return kind + AT


def kinds_of(rows: pl.DataFrame) -> list[str]:
    """The kinds of files for which located rows have positions."""
    return [name.removesuffix(AT) for name in rows.columns if name.endswith(AT)]


def located(index: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """A units file's rows, with the stem of the part and the unit's first row in each file."""
    kinds = [name for name in index.columns if name not in INDEX]
    starts = {at(kind): pl.col(kind).cum_sum().over("part") - pl.col(kind) for kind in kinds}
    return index.with_columns(**starts, stem=pl.lit(f"{folder}/") + pl.col("part"))


def spans_of(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`stem`, `start`, `number` of each unit's rows in the files of a kind, without empty ones."""
    return rows.select("stem", start=at(kind), number=kind).filter(pl.col("number") > 0)


def read_spans(
    spans: pl.DataFrame,
    kind: str,
    columns: Sequence[str] | None = None,
    file_in: str | None = None,
) -> pl.DataFrame:
    """Read spans (at least one) from files of one kind, in the order of the spans.

    `columns` are the columns to read, None for all. If `file_in` is given, a column of that name
    is added with the path of each row's file, without its ending.
    """
    merged = joined(spans).with_row_index("span")
    frames, span_groups = [], []
    for (stem,), spans_in_file in merged.group_by("stem", maintain_order=True):
        frame = _mapped(stem, kind, columns)
        if spans_in_file.height == 1:
            frame = frame.slice(spans_in_file["start"][0], spans_in_file["number"][0])
        else:
            frame = frame[spans_in_file.select(row_numbers("start", "number")).to_series()]
        frames.append(
            frame.with_columns(pl.lit(f"{stem}.{kind}").alias(file_in)) if file_in else frame
        )
        span_groups.append(spans_in_file)
    together = pl.concat(frames, rechunk=True)
    if len(frames) == 1:
        return together
    # The rows are now in the order of the files: `lies` is where each span starts in them.
    placed = pl.concat(span_groups).with_columns(lies=pl.col("number").cum_sum() - pl.col("number"))
    return together[placed.sort("span").select(row_numbers("lies", "number")).to_series()]


def in_use_path(stem: str) -> Path:
    """The file that lists the rows of a part that belong to units, if not all rows do."""
    return Path(f"{stem}.in_use.arrow")


def rows_in_use(path: Path) -> pl.Series | None:
    """The numbers of the rows of a work file that are in use, UInt32; None for all.

    For code that reads a file without the index.
    """
    part, kind = path.name.removesuffix(".arrow").split(".", 1)
    in_use = in_use_path(str(path.with_name(part)))
    if not in_use.exists():
        return None
    rows = pl.read_ipc(in_use)
    if kind not in rows.columns:
        return pl.Series(dtype=pl.UInt32)
    return rows.sort(at(kind)).select(row_numbers(at(kind), kind)).to_series().drop_nulls()


def row_numbers(start: str, number: str) -> pl.Expr:
    """The numbers of all rows in spans, UInt32, one after the other."""
    return pl.int_ranges(start, pl.col(start) + pl.col(number), dtype=pl.UInt32).explode()


def joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans (`stem`, `start`, `number`), with those that are adjacent in a file joined into one."""
    before, end = pl.col("stem").shift(), (pl.col("start") + pl.col("number")).shift()
    apart = ((pl.col("stem") != before) | (pl.col("start") != end)).fill_null(True)
    together = spans.group_by(span=apart.cum_sum(), maintain_order=True)
    return together.agg(pl.col("stem", "start").first(), pl.col("number").sum()).drop("span")


def _mapped(stem: object, kind: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """A whole file, memory-mapped: only the rows that are used are read from disk."""
    return pl.read_ipc(f"{stem}.{kind}.arrow", columns=None if columns is None else list(columns))
