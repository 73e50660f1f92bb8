"""Rendered lines between the pass that makes them and the files that hold them.

The records of a part lie in an Arrow file, without their lines; those stand beside it in the same
order as they are to be published, each with its newline: a data set is put together by copying
bytes.
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
"""Bytes from which on a copy is left to the kernel, and no more of which are read at once."""

TEXT_AT_ONCE = 16 << 20
"""Bytes of lines that are held at once."""

LINES_OF, OFFSET = "lines_of", "offset"
"""Where a record's line is: beside the file of this path without its ending, from this byte on."""


def lines_kind(target: str) -> str:
    """What the rendered records of a target are called among the files of a part."""
    return target_label(target) + LINES_END


def write_fragments(records: Path, lines: pl.DataFrame) -> list[Path]:
    """Write rendered records (`bytes` of each line, and more) with their lines; returns the files.

    The lines are a column `line`, or still where they were written first. A line is JSON, so that
    it holds no newline.
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
        """How many there are, without reading them."""
        known = self.kind in self.made.rows.columns
        return int(self.made.rows[self.kind].cast(pl.Int64).sum()) if known else 0

    def frames(self) -> Iterator[pl.DataFrame]:
        """Some at a time, with the places of their lines."""
        return self.made.frames(self.kind, file_in=LINES_OF)

    def columns(self, *names: str) -> Iterator[pl.DataFrame]:
        """Some of what is known of each."""
        return self.made.frames(self.kind, names)

    def texts(self) -> Iterator[pl.DataFrame]:
        """The same with each `line`."""
        block = (pl.col("bytes") + 1).cum_sum() // TEXT_AT_ONCE
        for frame in self.frames():
            cut = frame.with_columns(block=block)
            yield from map(
                with_lines, cut.partition_by("block", maintain_order=True, include_key=False)
            )


def with_lines(records: pl.DataFrame) -> pl.DataFrame:
    """Placed records with their lines instead of the places."""
    lines = b"".join(_pieces(records)).decode().split("\n")[:-1]
    return records.drop(LINES_OF, OFFSET).with_columns(pl.Series("line", lines, dtype=pl.String))


def append_lines(records: pl.DataFrame, output: BinaryIO) -> None:
    """Copy the lines of placed records to the end of a file, in their order."""
    for piece in _pieces(records, output):
        output.write(piece)


def _pieces(records: pl.DataFrame, output: BinaryIO | None = None) -> Iterator[bytes]:
    """The lines of placed records, without what the kernel has copied to `output` before."""
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
    """Copy bytes within the kernel as far as that is possible; returns how many."""
    done = 0
    with suppress(AttributeError, OSError):  # not on this system, not between these places
        while done < size:
            copied = os.copy_file_range(source, target, size - done, offset + done)
            if not copied:  # some file systems end early and say nothing
                break
            done += copied
    return done
