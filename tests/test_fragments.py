"""Rendered lines come into the files they are published in whole, however they are copied."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import fragments
from pipeline.fragments import LINES_OF, append_lines, with_lines, write_fragments
from pipeline.shards import read_frame

LINES = ['{"text":"tea, \\"green\\""}', '{"text":"trà"}', '{"text":"\\n"}']
RECORDS = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "split": ["train", "validation", "train"],
        "bytes": [len(line.encode()) for line in LINES],
        "line": LINES,
    }
)


ASKED = {len(line.encode()) + 1 for line in LINES}


def stops_after_nine(source: int, target: int, most: int, offset: int) -> int:
    """Copies a little of a line, then says that there is no more."""
    return os.write(target, os.pread(source, 9, offset)) if most in ASKED else 0


def fails_after_nine(source: int, target: int, most: int, offset: int) -> int:
    """Copies a little, then cannot go on."""
    if not (copied := stops_after_nine(source, target, most, offset)):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    return copied


@pytest.fixture
def records(tmp_path: Path) -> pl.DataFrame:
    """The records as they are read back, with the places of their lines."""
    path = tmp_path / "0-0000.targets.corpus.lines.arrow"
    assert write_fragments(path, RECORDS) == [path, path.with_suffix(".jsonl")]
    return read_back(path)


def read_back(path: Path) -> pl.DataFrame:
    return read_frame(path).with_columns(pl.lit(str(path.with_suffix(""))).alias(LINES_OF))


@pytest.mark.parametrize("how", [None, stops_after_nine, fails_after_nine, "not there"])
@pytest.mark.parametrize("chosen", [[0, 2], [0, 1, 2], [2, 0], [1], []])
def test_lines_are_appended_in_the_order_of_their_records(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    records: pl.DataFrame,
    how: Any,
    chosen: list[int],
) -> None:
    """By the kernel, by a kernel that ends early or fails half way, and without its help."""
    monkeypatch.setattr(fragments, "LONG", 1)
    if how == "not there":
        monkeypatch.delattr(fragments.os, "copy_file_range", raising=False)
    elif how is not None:
        monkeypatch.setattr(fragments.os, "copy_file_range", how, raising=False)
    with (tmp_path / "train.jsonl").open("wb") as output:
        output.write(b"before\n")
        for _ in range(2):
            append_lines(records[chosen], output)
        output.write(b"after\n")
    own = "".join(f"{LINES[number]}\n" for number in chosen).encode()
    assert (tmp_path / "train.jsonl").read_bytes() == b"before\n" + 2 * own + b"after\n"


def test_lines_are_read_back_beside_their_records(records: pl.DataFrame) -> None:
    """Each with its own line, in the order of the records."""
    assert with_lines(records).equals(RECORDS)
    assert with_lines(records[[2, 0]]).equals(RECORDS[[2, 0]])


def test_placed_lines_are_written_anew_as_they_are(tmp_path: Path, records: pl.DataFrame) -> None:
    """In another order, without what is left out."""
    path = tmp_path / "1-0000.targets.corpus.lines.arrow"
    write_fragments(path, records[[2, 1]])
    assert with_lines(read_back(path)).equals(RECORDS[[2, 1]])
