"""The vote on pieces of texts that stand in many records, in bounded memory.

Of each record are held its place among all by source and id, and 8 bytes of its document. Pieces
are spread over files by their keys, so that some keys at a time are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.buckets import BUCKET, Buckets
from pipeline.corpus_stage import RewritingStage
from pipeline.record import ID_LENGTH
from pipeline.tables import SketchTable

COPIES = 2  # of what a decision may hold at once, while those with some keys are judged
NAMED_BYTES = 400  # of each record while records are put in order
SAMPLES = 64  # records looked at for each group that is put in order by itself

NAMES = ["source", "id"]


class Pieces:
    """The pieces of all records of a pass, and the decision on them."""

    def __init__(self, sketches: SketchTable, folder: Path, room: int) -> None:
        self.sketches, self.folder, self.room = sketches, folder, room
        self.keys = 0  # that were decided on
        self.order = in_order(sketches, folder / "order", room)
        # Within one process Polars' hash of a text is always the same.
        roots = [ids.str.slice(0, ID_LENGTH).hash() for ids in sketches.pieces("id", own=True)]
        documents = pl.concat([pl.Series(dtype=pl.UInt64), *roots], rechunk=True)
        self.documents = documents.gather(self.order)

    def taken(self, stage: RewritingStage) -> Iterator[tuple[int, pl.DataFrame]]:
        """(part of the sketches, what is taken out of its records: `id` and `numbers`)."""
        found = Buckets(self.folder / "votes", self.room)
        starts = pl.Series(self.sketches.starts, dtype=pl.Int64)
        for pieces in self._together(stage):
            document = self.documents.gather(pieces["place"]).alias("document")
            out = stage.decide(pieces.with_columns(document))
            self.keys += out.select("key", "rest").n_unique()
            row = self.order.gather(out["place"]).alias("row")
            part = starts.search_sorted(row.cast(pl.Int64), "right") - 1
            found.add(out.select("number").with_columns(row, part.cast(pl.UInt32).alias(BUCKET)))
        for number, rows in found.read():
            out = rows.group_by("row").agg(pl.col("number").sort().alias("numbers")).sort("row")
            yield number, self.sketches.rows(["id"], out["row"]).with_columns(out["numbers"])

    def _together(self, stage: RewritingStage) -> Iterator[pl.DataFrame]:
        """`place`, `number`, `key`, `rest` of all pieces, those with one key in one frame."""
        place = self.order.arg_sort()  # of each row
        groups = max(1, -(-COPIES * self.sketches.size // self.room))
        spread = Buckets(self.folder / "keys", self.room)
        for start, read in self.sketches.frames(["pieces"]):
            found = stage.pieces(read["pieces"])
            number = (pl.col("key") % groups).cast(pl.UInt32).alias(BUCKET)
            named = found.drop("row").with_columns(
                place.gather(found["row"] + start).cast(pl.UInt32).alias("place"), number
            )
            spread.add(named)
        yield from (rows for _, rows in spread.read())


def in_order(sketches: SketchTable, folder: Path, room: int) -> pl.Series:
    """The rows of all sketches by `source` and `id`, UInt32."""
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
    rows = [found.sort(NAMES)["row"] for _, found in spread.read()]
    return pl.concat([pl.Series("row", dtype=pl.UInt32), *rows], rechunk=True)


def _borders(sketches: SketchTable, groups: int) -> list[tuple[str, str]]:
    """Where groups of about one size begin, but for the first."""
    if groups == 1:
        return []
    step = max(1, sketches.height // (groups * SAMPLES))
    few = pl.int_range(0, sketches.height, step, dtype=pl.UInt32, eager=True)
    drawn = sketches.rows(NAMES, few).sort(NAMES)
    return [drawn.row(number * drawn.height // groups) for number in range(1, groups)]
