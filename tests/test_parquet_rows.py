"""Parquet files have the same bytes however their rows came in."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from pipeline import parquet_rows
from pipeline.parquet_rows import ParquetRows

SCHEMA = pl.Schema({"n": pl.Int64, "text": pl.String})


@pytest.mark.parametrize("batch", [1, 3, 7, 10, 100])
def test_batches_do_not_change_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Row groups are cut by number, not by how frames arrive."""
    monkeypatch.setattr(parquet_rows, "ROW_GROUP", 7)
    rows = pl.DataFrame(
        {"n": range(50), "text": [None if n % 9 == 0 else f"trà {n}" for n in range(50)]},
        schema=SCHEMA,
    )
    written = []
    for size in (50, batch):
        path = tmp_path / f"{size}.parquet"
        with ParquetRows(path, SCHEMA) as out:
            for start in range(0, 50, size):
                out.add(rows.slice(start, size))
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert pl.read_parquet(path).equals(rows)
    assert pq.ParquetFile(path).num_row_groups == 8


def test_no_rows_make_an_empty_file_of_the_schema(tmp_path: Path) -> None:
    """A run that rejects nothing still has a rejected.parquet."""
    with ParquetRows(tmp_path / "empty.parquet", SCHEMA):
        pass
    assert pl.read_parquet(tmp_path / "empty.parquet").schema == SCHEMA
