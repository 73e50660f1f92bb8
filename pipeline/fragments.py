"""Rendered lines, between the pass that makes them and the files that are published.

The records of a part are in an Arrow file, without their lines. The lines are in a file beside it,
in the same order, as they will be published, each with its newline: a data set is put together by
copying bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from pipeline.ledger import target_label
from pipeline.made import Made, joined
from pipeline.shards import whole_file, write_frame

LINES_END = ".lines"
LONG = 1 << 20
"""Bytes: pieces of at least this size are copied by the kernel, and reads are no larger."""

TEXT_AT_ONCE = 16 << 20
"""Bytes of lines that are in memory at once."""

LINES_OF, OFFSET = "lines_of", "offset"
"""Columns for where a record's line is: the path of the file, without its ending, and the first
byte."""


def lines_kind(target: str) -> str:
    """The kind of the files with a target's rendered records (see `pipeline.made`)."""
    return target_label(target) + LINES_END


def write_fragments(records: Path, lines: pl.DataFrame) -> list[Path]:
    """Write rendered records (with the `bytes` of each line) and their lines; returns both files.

    The lines are in the column `line`, or still in the files where they were written first. A line
    is JSON, so it contains no newline.
    """
    length = pl.col("bytes") + 1
    placed = lines.with_columns((length.cum_sum() - length).alias(OFFSET))
    write_frame(records, placed.drop("line", LINES_OF, strict=False))
    path = records.with_suffix(".jsonl")
    with whole_file(path, "lines") as file:
        if "line" in lines.columns:
            lines.select("line").write_csv(file, include_header=False, quote_style="never")
        else:
            append_lines(lines, file)
    return [records, path]


class Lines:
    """The rendered records of one target, in order."""

    def __init__(self, made: Made, target: str) -> None:
        self.made, self.kind = made, lines_kind(target)

    @property
    def height(self) -> int:
        """How many records there are, without reading them."""
        known = self.kind in self.made.rows.columns
        return int(self.made.rows[self.kind].cast(pl.Int64).sum()) if known else 0

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the records in blocks, with the places of their lines."""
        return self.made.frames(self.kind, file_in=LINES_OF)

    def columns(self, *names: str) -> Iterator[pl.DataFrame]:
        """Yield some columns of the records in blocks."""
        return self.made.frames(self.kind, names)

    def texts(self) -> Iterator[pl.DataFrame]:
        """Yield the records in blocks, with their lines in a column `line`."""
        block = (pl.col("bytes") + 1).cum_sum() // TEXT_AT_ONCE
        for frame in self.frames():
            cut = frame.with_columns(block=block)
            yield from map(
                with_lines, cut.partition_by("block", maintain_order=True, include_key=False)
            )


def with_lines(records: pl.DataFrame) -> pl.DataFrame:
    """Replace the places of lines by the lines themselves."""
    lines = b"".join(_pieces(records)).decode().split("\n")[:-1]
    return records.drop(LINES_OF, OFFSET).with_columns(pl.Series("line", lines, dtype=pl.String))


def append_lines(records: pl.DataFrame, output: BinaryIO) -> None:
    """Append the lines of records (with their places) to a file, in their order."""
    for piece in _pieces(records, output):
        output.write(piece)


def _pieces(records: pl.DataFrame, output: BinaryIO | None = None) -> Iterator[bytes]:
    """Yield the lines of records; with `output`, only what the kernel has not copied there."""
    spans = joined(records.select(stem=LINES_OF, start=OFFSET, number=pl.col("bytes") + 1))
    with ExitStack() as held:
        files = {
            stem: held.enter_context(Path(f"{stem}.jsonl").open("rb", buffering=0)).fileno()
            for stem in spans["stem"].unique()
        }
        for stem, start, size in spans.iter_rows():
            file, end = files[stem], start + size
            if output is not None and size >= LONG:
                output.flush()
                start += _copied(file, output.fileno(), start, size)
            for place in range(start, end, LONG):
                yield os.pread(file, min(LONG, end - place), place)


def _copied(source: int, target: int, offset: int, size: int) -> int:
    """Copy bytes within the kernel as far as possible; returns how many."""
    done = 0
    with suppress(AttributeError, OSError):  # not on this system, or not between these files
        while done < size:
            copied = os.copy_file_range(source, target, size - done, offset + done)
            if not copied:  # some file systems stop early without an error
                break
            done += copied
    return done
