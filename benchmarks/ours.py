"""Our stages as a library, in one process: JSON Lines in, the kept ones out.

    python benchmarks/ours.py DOCS.jsonl OUT near|all [THRESHOLD]

`near` is near-duplicates; `all` is Gopher's and C4's filters, exact and near-duplicates: what the
peers do too, to OUT/kept.jsonl. No lineage, no reasons, no gate: `prepare` has those, and is
measured by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from pipeline.deciding import Ballot
from pipeline.kernels import json_text
from pipeline.record import SCHEMA
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.quality import Quality
from pipeline.stages.quality_web import C4
from pipeline.tables import SketchTable

AT_ONCE = 16_000_000  # bytes of lines in a frame


def records(path: Path) -> Iterator[pl.DataFrame]:
    """The documents as records, in frames of some 16 MB."""
    with path.open("rb") as file:
        names = tuple(name.encode() for name in json.loads(file.readline()))
        file.seek(0)
        while block := file.read(AT_ONCE):
            yield as_records(*columns(block + file.readline(), names))


def columns(block: bytes, names: tuple[bytes, ...]) -> Sequence[pl.Series]:
    """The `id` and the `text` of every line, as the reader of JSON Lines takes them where all are
    alike; by Polars where they are not, or nothing is compiled."""
    wanted = (names.index(b"id"), names.index(b"text"))
    found = json_text.texts(block, names, wanted) if json_text.COMPILED else None
    return found or pl.read_ndjson(block, schema={"id": pl.String, "text": pl.String}).get_columns()


def as_records(ids: pl.Series, texts: pl.Series) -> pl.DataFrame:
    """Records with an id and a text, and nothing else."""
    frame = pl.DataFrame({"id": ids, "source": ids, "document": ids, "text": texts})
    missing = [name for name in SCHEMA.names() if name not in frame.columns]
    empty = [pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in missing]
    return frame.with_columns(empty).select(SCHEMA.names())


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
    if work == "all":
        quality = Quality(rules=("gopher_quality", "c4"), c4=C4(max_curly_lines=1_000_000))
        parts = exact([kept(quality(part)) for part in records(source)])
    else:
        parts = list(records(source))
    with (out / "kept.jsonl").open("wb") as file:
        for part in near(parts, threshold):
            part.select("id", "text").write_ndjson(file)


if __name__ == "__main__":
    main()
