"""Rendered lines between the pass that makes them and the files that hold them.

A shard's records lie in an Arrow file, without their lines; those of each split lie beside it as
they are to be published, each with its newline: a data set is put together by copying files.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

import polars as pl

from pipeline.failpoints import step
from pipeline.shards import read_frame, write_frame

SPLITS = ("train", "validation", "test")
ENDING = ".lines.arrow"
COPIED_MOST = 1 << 30  # bytes in one call


def fragment_path(records: Path, split: str) -> Path:
    """Where the lines of one split are, beside the Arrow file of their records."""
    return records.with_name(f"{records.name.removesuffix(ENDING)}.{split}.jsonl")


def write_fragments(records: Path, lines: pl.DataFrame) -> list[Path]:
    """Write rendered records (`split`, `line` and measures); returns the files.

    A line is JSON, so that it holds no newline.
    """
    write_frame(records, lines.drop("line"))
    written = [records]
    for split in SPLITS:
        own = lines.filter(pl.col("split") == split).select("line")
        if own.height:
            path = fragment_path(records, split)
            unfinished = path.with_name(path.name + ".part")
            step("write lines")
            with unfinished.open("wb") as file:
                own.write_csv(file, include_header=False, quote_style="never")
            step("rename lines")
            unfinished.replace(path)
            written.append(path)
    return written


def read_lines(records: Path) -> pl.DataFrame:
    """The records of a shard with their `line`, those of a split together."""
    told = read_frame(records)
    found = [told.clear().with_columns(line=pl.lit(None, pl.String))]
    for split in SPLITS:
        own = told.filter(pl.col("split") == split)
        if own.height:
            lines = fragment_path(records, split).read_bytes().decode().split("\n")[:-1]
            found.append(own.with_columns(line=pl.Series(lines, dtype=pl.String)))
    return pl.concat(found)


def append_fragment(records: Path, split: str, output: IO[bytes]) -> None:
    """Copy all lines of a split to the end of a file, within the kernel where that is possible."""
    with fragment_path(records, split).open("rb") as file:
        output.flush()
        with suppress(AttributeError, OSError):  # not on this system, not between these places
            while os.copy_file_range(file.fileno(), output.fileno(), COPIED_MOST):
                pass
        shutil.copyfileobj(file, output)  # the rest: some file systems end early and say nothing
