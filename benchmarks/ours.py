"""Our stages as a library, in one process: JSON Lines in, the kept lines out.

    python benchmarks/ours.py DOCS.jsonl OUT near|all [THRESHOLD]

`near` removes near-duplicates; `all` applies Gopher's and C4's filters, then removes exact and
near-duplicates. The peers do the same work. The result is OUT/kept.jsonl, without lineage, reasons
or gate: `prepare` has those, and is measured separately.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path

import polars as pl

from pipeline.deciding import Ballot
from pipeline.kernels import json_text
from pipeline.record import SCHEMA
from pipeline.shards import gather
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.quality import Quality
from pipeline.stages.quality_web import C4
from pipeline.tables import SketchTable

AT_ONCE = 16_000_000  # bytes of lines per frame


def records(path: Path) -> Iterator[pl.DataFrame]:
    """The documents as records, in frames of some 16 MB; the file is mapped, not copied."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as lines:
        names = tuple(name.encode() for name in json.loads(lines.readline()))
        start = 0
        with memoryview(lines) as whole:
            while start < len(lines):
                end = lines.find(b"\n", start + AT_ONCE) + 1 or len(lines)
                with whole[start:end] as block:
                    series = columns(block, names)
                yield as_records(*series)
                lines.madvise(MADV_DONTNEED, 0, end)  # lines that were read need not stay mapped
                start = end


def columns(block: memoryview, names: tuple[bytes, ...]) -> Sequence[pl.Series]:
    """The `id` and the `text` of every line of a block.

    They are read by the kernel of the JSON Lines reader if all lines have the same shape, and by
    Polars if they have not or if the kernels are not compiled. `names` are the first line's keys.
    """
    wanted = (names.index(b"id"), names.index(b"text"))
    series = json_text.texts(block, names, wanted) if json_text.COMPILED else None
    return (
        series
        or pl.read_ndjson(bytes(block), schema={"id": pl.String, "text": pl.String}).get_columns()
    )


def as_records(ids: pl.Series, texts: pl.Series) -> pl.DataFrame:
    """Records that have an id and a text; all other columns are null."""
    frame = pl.DataFrame({"id": ids, "source": ids, "document": ids, "text": texts})
    missing = [name for name in SCHEMA.names() if name not in frame.columns]
    empty = [pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in missing]
    return frame.with_columns(empty).select(SCHEMA.names())


def kept(part: pl.DataFrame) -> pl.DataFrame:
    """The records that no stage has rejected."""
    return part.filter(pl.col("rejected").is_null())


def without(parts: list[pl.DataFrame], votes: pl.DataFrame) -> list[pl.DataFrame]:
    """The records whose ids are not in `votes`."""
    return [part.filter(~pl.col("id").is_in(votes["id"].implode())) for part in parts]


class Held:
    """The evidence of near-duplicate candidates, all in memory."""

    def __init__(self, rows: pl.Series, blobs: pl.Series) -> None:
        self.rows, self.blobs = rows, blobs
        self.sizes = blobs.bin.size().cast(pl.UInt32).fill_null(0)

    def take(self, numbers: pl.Series) -> pl.Series:
        """The bytes of some candidates."""
        return self.blobs.gather(numbers)


def near(parts: list[pl.DataFrame], threshold: float) -> list[pl.DataFrame]:
    """One record of each cluster of near-duplicates, and all records that have none."""
    stage = DedupNear(threshold=threshold)
    sketches = SketchTable([stage.sketch(part) for part in parts])
    rows = stage.candidates(sketches)
    asked = sketches.by_part(rows)
    evidence = [stage.evidence(parts[number][local]) for number, local in asked]
    held = Held(rows, pl.concat([pl.Series(dtype=pl.Binary), *evidence]))
    votes = list(Ballot(stage.name, sketches).named(stage.decide(sketches, held).votes))
    return without(parts, pl.concat(votes)) if votes else parts


def exact(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The first record of each text."""
    stage = DedupExact()
    return without(parts, stage.decide(pl.concat([stage.sketch(part) for part in parts])))


def main() -> None:
    """Read the documents, remove what the command asks for, write the rest."""
    source, out, work = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    threshold = float(sys.argv[4]) if len(sys.argv) > 4 else 0.7
    if work == "all":
        quality = Quality(rules=("gopher_quality", "c4"), c4=C4(max_curly_lines=1_000_000))
        parts = exact(list(gather((kept(quality(part)) for part in records(source)), AT_ONCE)))
    else:
        parts = list(records(source))
    with (out / "kept.jsonl").open("wb") as file:
        for part in near(parts, threshold):
            part.select("id", "text").write_ndjson(file)


if __name__ == "__main__":
    main()
