"""Rendered lines between the pass that makes them and the files that hold them.

The records of a part lie in an Arrow file, without their lines; those stand beside it in the same
order as they are to be published, each with its newline: a data set is put together by copying
bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import polars as pl

from pipeline.failpoints import step
from pipeline.made import Made
from pipeline.shards import write_frame

SPLITS = ("train", "validation", "test")
LONG = 1 << 20
"""Bytes from which on a copy is left to the kernel."""

PLACE = pl.Schema({"lines_of": pl.String, "offset": pl.Int64})
"""Where a record's line is: the file beside the Arrow file of this name, without its ending."""


LINES_END = ".lines"


def lines_kind(target: str) -> str:
    """What the rendered records of a target are called among the files of a part."""
    return f"targets.{target}{LINES_END}"


def write_fragments(records: Path, lines: pl.DataFrame) -> list[Path]:
    """Write rendered records (`line`, its `bytes`, and more), or placed ones; returns the files.

    A line is JSON, so that it holds no newline.
    """
    write_frame(records, lines.drop("line", *PLACE.names(), strict=False))
    path = records.with_suffix(".jsonl")
    unfinished = path.with_name(path.name + ".part")
    step("write lines")
    with unfinished.open("wb") as file:
        if "line" in lines.columns:
            lines.select("line").write_csv(file, include_header=False, quote_style="never")
        else:
            append_lines(lines, file)
    step("rename lines")
    unfinished.replace(path)
    return [records, path]


def placed(records: pl.DataFrame, stem: str) -> pl.DataFrame:
    """All records of a file with the places of their lines."""
    length = pl.col("bytes") + 1
    return records.with_columns(lines_of=pl.lit(stem), offset=length.cum_sum() - length)


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
        return self.made.frames(self.kind, change=placed)

    def columns(self, *names: str) -> Iterator[pl.DataFrame]:
        """Some of what is known of each."""
        return self.made.frames(self.kind, names)

    def texts(self) -> Iterator[pl.DataFrame]:
        """The same with each `line`."""
        for frame in self.frames():
            yield from map(with_lines, frame.iter_slices(LINES_AT_ONCE))


LINES_AT_ONCE = 8192


def with_lines(records: pl.DataFrame) -> pl.DataFrame:
    """Placed records with their lines instead of the places."""
    whole = b"".join(_read(*span) for span in _spans(records))
    lines = pl.Series("line", whole.decode().split("\n")[:-1], dtype=pl.String)
    return records.drop(*PLACE.names()).with_columns(lines)


def append_lines(records: pl.DataFrame, output: IO[bytes]) -> None:
    """Copy the lines of placed records to the end of a file, in their order."""
    for stem, offset, size in _spans(records):
        if size >= LONG:
            output.flush()
            copied = _copied(_path(stem), output.fileno(), offset, size)
            offset, size = offset + copied, size - copied
        if size:
            output.write(_read(stem, offset, size))


def _spans(records: pl.DataFrame) -> Iterator[tuple[str, int, int]]:
    """(stem, offset, size) of lines that stand one behind the other in a file."""
    told = records.select("lines_of", "offset", size=pl.col("bytes") + 1)
    before, end = pl.col("lines_of").shift(), (pl.col("offset") + pl.col("size")).shift()
    apart = ((pl.col("lines_of") != before) | (pl.col("offset") != end)).fill_null(True)
    spans = told.group_by(span=apart.cum_sum(), maintain_order=True).agg(
        pl.col("lines_of", "offset").first(), pl.col("size").sum()
    )
    yield from spans.select("lines_of", "offset", "size").iter_rows()


def _path(stem: str) -> Path:
    return Path(f"{stem}.jsonl")


def _read(stem: str, offset: int, size: int) -> bytes:
    with _path(stem).open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(size)


def _copied(path: Path, target: int, offset: int, size: int) -> int:
    """Copy bytes within the kernel as far as that is possible; returns how many."""
    done = 0
    with path.open("rb", buffering=0) as file, suppress(AttributeError, OSError):
        # Not on this system, not between these places; some file systems end early, too.
        while done < size:
            copied = os.copy_file_range(file.fileno(), target, size - done, offset + done)
            if not copied:
                break
            done += copied
    return done
