"""The vote on pieces of texts that are in many records, in bounded memory.

For each record, two things are held: its position when all are sorted by source and id, and 8
bytes that identify its document. Pieces are spread over files by their keys, and judged some keys
at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.buckets import BUCKET, Buckets
from pipeline.corpus_stage import RewritingStage
from pipeline.record import ID_LENGTH
from pipeline.tables import SketchTable

COPIES = 2  # of the sketches, in memory while the pieces with some keys are judged
NAMED_BYTES = 400  # for each record while records are sorted
SAMPLES = 64  # records that are sampled for each group that is sorted by itself

NAMES = ["source", "id"]


class Pieces:
    """The pieces of all records of a pass, and the decision on them."""

    def __init__(self, sketches: SketchTable, folder: Path, room: int) -> None:
        self.sketches, self.folder, self.room = sketches, folder, room
        self.keys = 0  # how many were decided on
        self.order = in_order(sketches, folder / "order", room)
        # Polars' hash of a text is always the same within one process.
        roots = [ids.str.slice(0, ID_LENGTH).hash() for ids in sketches.pieces("id", own=True)]
        documents = pl.concat([pl.Series(dtype=pl.UInt64), *roots], rechunk=True)
        self.documents = documents.gather(self.order)

    def taken(self, stage: RewritingStage) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield (part of the sketches, `id` and `numbers` of the pieces to take out of it)."""
        taken_out = Buckets(self.folder / "votes", self.room)
        starts = pl.Series(self.sketches.starts, dtype=pl.Int64)
        for pieces in self._together(stage):
            document = self.documents.gather(pieces["place"]).alias("document")
            out = stage.decide(pieces.with_columns(document))
            self.keys += out.select("key", "rest").n_unique()
            row = self.order.gather(out["place"]).alias("row")
            part = starts.search_sorted(row.cast(pl.Int64), "right") - 1
            taken_out.add(
                out.select("number").with_columns(row, part.cast(pl.UInt32).alias(BUCKET))
            )
        for number, rows in taken_out.read():
            out = rows.group_by("row").agg(pl.col("number").sort().alias("numbers")).sort("row")
            yield number, self.sketches.rows(["id"], out["row"]).with_columns(out["numbers"])

    def _together(self, stage: RewritingStage) -> Iterator[pl.DataFrame]:
        """Yield `place`, `number`, `key`, `rest` of all pieces; those with one key are together."""
        place = self.order.arg_sort()  # for each row
        groups = max(1, -(-COPIES * self.sketches.size // self.room))
        spread = Buckets(self.folder / "keys", self.room)
        for start, read in self.sketches.frames(["pieces"]):
            pieces = stage.pieces(read["pieces"])
            number = (pl.col("key") % groups).cast(pl.UInt32).alias(BUCKET)
            named = pieces.drop("row").with_columns(
                place.gather(pieces["row"] + start).cast(pl.UInt32).alias("place"), number
            )
            spread.add(named)
        yield from (rows for _, rows in spread.read())


def in_order(sketches: SketchTable, folder: Path, room: int) -> pl.Series:
    """The row numbers of all sketches, sorted by `source` and `id`, UInt32."""
    groups = max(1, -(-NAMED_BYTES * sketches.height // room))
    spread = Buckets(folder, room)
    borders = _borders(sketches, groups)
    for start, named in sketches.frames(NAMES):
        number = pl.lit(0, pl.UInt32)
        for source, name in borders:
            behind = (pl.col("source") == source) & (pl.col("id") >= name)
            number = number + ((pl.col("source") > source) | behind).cast(pl.UInt32)
        row = pl.int_range(start, start + pl.len(), dtype=pl.UInt32).alias("row")
        spread.add(named.with_columns(row, number.alias(BUCKET)))
    rows = [named.sort(NAMES)["row"] for _, named in spread.read()]
    return pl.concat([pl.Series("row", dtype=pl.UInt32), *rows], rechunk=True)


def _borders(sketches: SketchTable, groups: int) -> list[tuple[str, str]]:
    """(source, id) at which each of some groups of about equal size begins, except the first."""
    if groups == 1:
        return []
    step = max(1, sketches.height // (groups * SAMPLES))
    few = pl.int_range(0, sketches.height, step, dtype=pl.UInt32, eager=True)
    drawn = sketches.rows(NAMES, few).sort(NAMES)
    return [drawn.row(number * drawn.height // groups) for number in range(1, groups)]
