"""Our stages as a library, in one process: JSON Lines in, the kept ones out.

    python benchmarks/ours.py DOCS.jsonl OUT near|all [THRESHOLD]

`near` is near-duplicates; `all` is Gopher's and C4's filters, exact and near-duplicates: what the
peers do too, to OUT/kept.jsonl. No lineage, no reasons, no gate: `prepare` has those, and is
measured by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from pipeline.deciding import Ballot
from pipeline.record import SCHEMA
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.quality import Quality
from pipeline.stages.quality_web import C4
from pipeline.tables import SketchTable

AT_ONCE = 16_000_000  # bytes of text in a frame


def records(path: Path) -> list[pl.DataFrame]:
    """The documents as records, in frames of some 16 MB."""
    documents = pl.read_ndjson(path, schema={"id": pl.String, "text": pl.String})
    missing = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in SCHEMA.items()
        if name not in documents.columns
    ]
    filled = documents.with_columns(missing).with_columns(source="id", document="id")
    number = (pl.col("text").str.len_bytes().cum_sum() // AT_ONCE).alias("number")
    parts = filled.with_columns(number).partition_by("number", include_key=False)
    return [part.select(SCHEMA.names()) for part in parts]


def kept(part: pl.DataFrame) -> pl.DataFrame:
    """The records that no stage has rejected."""
    return part.filter(pl.col("rejected").is_null())


def without(parts: list[pl.DataFrame], votes: pl.DataFrame) -> list[pl.DataFrame]:
    """The records that were not voted out."""
    return [part.filter(~pl.col("id").is_in(votes["id"].implode())) for part in parts]


class Held:
    """Evidence that is all in memory."""

    def __init__(self, rows: pl.Series, blobs: pl.Series) -> None:
        self.rows, self.blobs = rows, blobs
        self.sizes = blobs.bin.size().cast(pl.UInt32).fill_null(0)

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of some candidates."""
        return self.blobs.gather(numbers)


def near(parts: list[pl.DataFrame], threshold: float) -> list[pl.DataFrame]:
    """The one that stands for each cluster of near-duplicates, and what has none."""
    stage = DedupNear(threshold=threshold)
    sketches = SketchTable([stage.sketch(part) for part in parts])
    rows = stage.candidates(sketches)
    asked = sketches.by_part(rows)
    evidence = [stage.evidence(parts[number][local]) for number, local in asked]
    held = Held(rows, pl.concat([pl.Series(dtype=pl.Binary), *evidence]))
    votes = list(Ballot(stage.name, sketches).named(stage.decide(sketches, held).votes))
    return without(parts, pl.concat(votes)) if votes else parts


def exact(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The first of equal texts."""
    stage = DedupExact()
    return without(parts, stage.decide(pl.concat([stage.sketch(part) for part in parts])))


def main() -> None:
    """Read, judge, write."""
    source, out, work = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    threshold = float(sys.argv[4]) if len(sys.argv) > 4 else 0.7
    parts = records(source)
    if work == "all":
        quality = Quality(rules=("gopher_quality", "c4"), c4=C4(max_curly_lines=1_000_000))
        parts = exact([kept(quality(part)) for part in parts])
    with (out / "kept.jsonl").open("wb") as file:
        for part in near(parts, threshold):
            part.select("id", "text").write_ndjson(file)


if __name__ == "__main__":
    main()
