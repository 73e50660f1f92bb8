"""Rendered lines come into the files they are published in whole, however they are copied."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import fragments
from pipeline.fragments import append_fragment, read_lines, write_fragments

RECORDS = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "split": ["train", "validation", "train"],
        "line": ['{"text":"tea, \\"green\\""}', '{"text":"trà"}', '{"text":"\\n"}'],
    }
)


def stops_after_nine(source: int, target: int, _most: int) -> int:
    """Copies a little, then says that there is no more."""
    return os.write(target, os.read(source, 9)) if os.lseek(source, 0, os.SEEK_CUR) == 0 else 0


def fails_after_nine(source: int, target: int, most: int) -> int:
    """Copies a little, then cannot go on."""
    if not (copied := stops_after_nine(source, target, most)):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    return copied


@pytest.mark.parametrize("how", [None, stops_after_nine, fails_after_nine, "not there"])
def test_all_lines_of_a_split_are_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    """By the kernel, by a kernel that ends early or fails half way, and without its help."""
    if how == "not there":
        monkeypatch.delattr(fragments.os, "copy_file_range", raising=False)
    elif how is not None:
        monkeypatch.setattr(fragments.os, "copy_file_range", how, raising=False)
    records = tmp_path / f"corpus.00000{fragments.ENDING}"
    write_fragments(records, RECORDS)
    with (tmp_path / "train.jsonl").open("wb") as output:
        output.write(b"before\n")
        for _ in range(2):
            append_fragment(records, "train", output)
        output.write(b"after\n")
    own = "".join(f"{line}\n" for line in RECORDS["line"].gather([0, 2])).encode()
    assert (tmp_path / "train.jsonl").read_bytes() == b"before\n" + 2 * own + b"after\n"


def test_lines_are_read_back_beside_their_records(tmp_path: Path) -> None:
    """Those of a split together, each with its own line."""
    records = tmp_path / f"corpus.00000{fragments.ENDING}"
    write_fragments(records, RECORDS)
    assert read_lines(records).sort("id").equals(RECORDS.select(read_lines(records).columns))
