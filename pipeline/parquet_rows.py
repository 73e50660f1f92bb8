"""Parquet with fixed row groups: the same rows give the same bytes, however they were added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 65_536


def read_groups(path: Path, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield some columns of a Parquet file, a row group at a time, so that memory stays bounded.

    A caller that keeps part of a frame should copy it: a view keeps all texts in memory.
    """
    rows = pl.scan_parquet(path)
    total = int(rows.select(pl.len()).collect().item())
    for start in range(0, total, ROW_GROUP):
        yield rows.select(columns).slice(start, ROW_GROUP).collect()


class ParquetRows:
    """Write frames of one schema to a Parquet file in row groups of `ROW_GROUP` rows.

    It uses no dictionaries, because ids and places seldom repeat: the compressed file is a quarter
    smaller. pyarrow is imported here because workers do not need it; pyarrow takes a relative path
    with a colon for a URI, so paths are made absolute.
    """

    def __init__(self, path: Path, schema: pl.Schema, compression: str = "zstd") -> None:
        import pyarrow.parquet as pq

        self.schema = schema
        self.arrow_schema = pl.DataFrame(schema=schema).to_arrow().schema
        self.writer = pq.ParquetWriter(
            path.absolute(), self.arrow_schema, compression=compression, use_dictionary=False
        )
        self.waiting: list[pa.Table] = []
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Append rows; columns are selected by name."""
        table = frame.select(self.schema.names()).cast(self.schema).to_arrow()
        self.waiting.append(table)
        self.rows += table.num_rows
        if self.rows >= ROW_GROUP:
            self._flush(whole_groups=True)

    def _flush(self, *, whole_groups: bool) -> None:
        import pyarrow as pa

        table = pa.concat_tables(self.waiting).combine_chunks()
        end = table.num_rows // ROW_GROUP * ROW_GROUP if whole_groups else table.num_rows
        for start in range(0, end, ROW_GROUP):
            self.writer.write_table(
                table.slice(start, min(ROW_GROUP, end - start)).combine_chunks()
            )
        self.waiting = [table.slice(end)]
        self.rows = table.num_rows - end

    def __enter__(self) -> ParquetRows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None and self.rows:
            self._flush(whole_groups=False)
        self.writer.close()
