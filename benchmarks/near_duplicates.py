"""`dedup_near` on a corpus with known near-duplicates: cost by step, recall and precision.

    python benchmarks/near_duplicates.py [FOLDER]     (default ../shared/bench/corpus)
    python benchmarks/near_duplicates.py --run IN.jsonl OUT.jsonl [OPTION …]

The second form only removes near-duplicates, from JSON Lines to JSON Lines (id, text), as one
whole process with the code of a run: reader, shards, sketches, evidence, votes. It can be timed
and compared with other tools. Options: --threshold 0.8, --workers 1, --memory 1GB, --plain (the
twin kernels).

FOLDER has docs.parquet (id, text, source) and near_pairs.parquet (id_a, id_b, jaccard: every pair
whose sets of five-word runs have a similarity of 0.5 or more). MB/s is megabytes (10^6 bytes) of
all text per CPU second of all threads. Recall: the share of pairs at or above the threshold of
which one side is removed. Precision: the share of removed records that are in such a pair. Both
are given twice: by the file's similarities, and by similarities of our own words. These differ in
documents in scripts without spaces, where the file counts the text between two blanks as a word,
and we count each character.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import kernels
from pipeline.blobs import Blobs, write_blobs
from pipeline.deciding import Ballot, Deciding
from pipeline.earlier import Earlier
from pipeline.engines.local import Workers
from pipeline.kernels import plain
from pipeline.memory import share_memory
from pipeline.passes import Decided, Pass
from pipeline.prepare import parse_size
from pipeline.readers.jsonl import JsonlReader
from pipeline.record import SCHEMA
from pipeline.shards import private_folder, read_frame
from pipeline.source import SourceFile, Unit
from pipeline.stages.dedup_near import DedupNear
from pipeline.tables import SketchTable
from pipeline.tasks import read_tasks

MEGABYTE = 1e6
SHARD = 16 * MEGABYTE
TWIN = 10 * MEGABYTE  # of text for the comparison with the slow plain twins
THRESHOLDS = (0.8, 0.7)


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Call `work`; returns its result, its CPU seconds and its wall seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def peak() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def as_records(documents: pl.DataFrame) -> pl.DataFrame:
    """The documents with every column of a record."""
    missing = {
        name: pl.lit(None, dtype=dtype)
        for name, dtype in SCHEMA.items()
        if name not in documents.columns
    }
    return documents.with_columns(**missing).select(SCHEMA.names())


def shards(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The records in frames of about 16 MB, as a run has them."""
    number = (pl.col("text").str.len_bytes().cum_sum() / SHARD).floor()
    yield from records.with_columns(number=number).partition_by("number", include_key=False)


def steps(stage: DedupNear, records: pl.DataFrame) -> tuple[set[str], dict[str, Any]]:
    """The ids that the stage removes, and for each step: CPU seconds, wall seconds, a remark."""
    parts = list(shards(records))
    took: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        made, *cost = measured(lambda: [stage.sketch(part) for part in parts])
        sketches = SketchTable(made)
        size = sum(int(one.estimated_size()) for one in made) / sketches.height
        took["sketch"] = [*cost, f"{size:.0f} B a record, with id and source"]
        rows, *cost = measured(lambda: stage.candidates(sketches))
        took["candidates"] = [*cost, f"{rows.len():,} of {sketches.height:,} records"]
        evidence, *cost = measured(lambda: _evidence(stage, parts, sketches, rows, Path(scratch)))
        took["evidence"] = [*cost, f"{evidence.sizes.sum() / MEGABYTE:.1f} MB on disk"]
        votes, *cost = measured(lambda: _votes(stage, sketches, evidence))
        took["decide"] = [*cost, f"{len(votes):,} near duplicates"]
    return set(votes["id"]), took


def _evidence(
    stage: DedupNear,
    parts: list[pl.DataFrame],
    sketches: SketchTable,
    rows: pl.Series,
    folder: Path,
) -> Blobs:
    files, sizes = [], []
    for part, local in sketches.by_part(rows):
        path = folder / f"{part}.bin"
        sizes.append(write_blobs(path, stage.evidence(parts[part][local])))
        files.append((path, local.len()))
    return Blobs(rows, pl.concat(sizes), files)


def _votes(stage: DedupNear, sketches: SketchTable, evidence: Blobs) -> pl.DataFrame:
    verdict = stage.decide(sketches, evidence)
    return pl.concat(Ballot(stage.name, sketches).named(verdict.votes))


def run(options: argparse.Namespace) -> None:
    """Remove near-duplicates from JSON Lines to JSON Lines, with the code of a run."""
    path, memory = Path(options.run[0]), parse_size(options.memory) if options.memory else None
    share = share_memory(memory, options.workers)
    file = SourceFile(path.name, path, path.stat().st_size, "")
    stage = DedupNear(threshold=options.threshold)
    with (
        tempfile.TemporaryDirectory(dir=options.scratch) as scratch,
        Workers(share.workers) as engine,
    ):
        folder = private_folder(Path(scratch))
        label = stage.name
        this = Pass(0, folder, (), (), ((label, stage),), share.shard_bytes, "benchmark")
        tasks = read_tasks([(JsonlReader(), Unit((file,)))], share.shard_bytes)
        markers = dict(engine.map(this.run, tasks))
        names = [name for position in sorted(markers) for name in markers[position]["parts"]]
        kept = [folder / f"{name}.kept.arrow" for name in names]
        decided, counts = Deciding(label, kept, Earlier(), memory, engine).decide(stage)
        with Path(options.run[1]).open("wb") as output:
            for shard in kept:
                _write(decided, shard, output)
    shown = {name: counts[name] for name in ("candidates", "clusters", "merged")}
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in usage)
    print(f"{shown}; CPU {cpu:.2f} s, peak of the largest process {peak():.0f} MB", file=sys.stderr)


def _write(decided: Decided, shard: Path, output: Any) -> None:
    records = decided.apply(read_frame(shard), [shard]).records
    records.filter(pl.col("rejected").is_null()).select("id", "text").write_ndjson(output)


def own_words(documents: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs with their similarity computed from our own words."""
    number = documents.select("id", n=pl.int_range(pl.len(), dtype=pl.UInt32))
    numbered = pairs
    for side in ("id_a", "id_b"):
        numbered = numbered.join(number.rename({"id": side, "n": f"n_{side}"}), on=side)
    sets = kernels.gram_sets(documents["text"])
    similarity = kernels.jaccard(sets, numbered.select("n_id_a", "n_id_b"))
    return numbered.select("id_a", "id_b", similarity)


def quality(removed: set[str], pairs: pl.DataFrame, threshold: float) -> tuple[float, float]:
    """Recall and precision of the removed ids against the pairs at or above the threshold."""
    alike = pairs.filter(pl.col("jaccard") >= threshold)
    sides = [alike[side].is_in(list(removed)) for side in ("id_a", "id_b")]
    known = set(alike["id_a"]) | set(alike["id_b"])
    recall: Any = (sides[0] | sides[1]).mean()
    return recall, len(removed & known) / max(len(removed), 1)


def print_steps(took: dict[str, Any], size: float) -> None:
    """Print the table of costs by step; `size` is the text's MB."""
    print("| step | CPU s | wall s | MB/s of CPU | |\n|---|--:|--:|--:|---|")
    total = [sum(row[place] for row in took.values()) for place in (0, 1)]
    for step, (cpu, wall, remark) in [*took.items(), ("all", (*total, ""))]:
        print(f"| {step} | {cpu:.2f} | {wall:.2f} | {size / cpu:,.0f} | {remark} |")


def print_twin(documents: pl.DataFrame) -> None:
    """Time each kernel and its plain twin on the same texts; their results must agree."""
    sample = documents.filter(pl.col("text").str.len_bytes().cum_sum() <= TWIN)["text"]
    texts = sample.cast(pl.Binary).to_list()
    size = sum(map(len, texts)) / MEGABYTE
    print(f"\n| kernel, {size:.1f} MB | running MB/s | plain MB/s | |\n|---|--:|--:|--:|")
    for name, more in (("band_keys", (kernels.PERMUTATIONS, 20, 6)), ("gram_sets", ())):
        results, rates = [], []
        for module in (kernels._kernel, plain):
            call = getattr(module, name)
            result, cpu, _ = measured(partial(call, texts, kernels.LETTERS, *more))
            results.append(result)
            rates.append(size / cpu)
        assert results[0] == results[1], name
        print(f"| {name} | {rates[0]:.0f} | {rates[1]:.1f} | {rates[0] / rates[1]:.0f}× |")


def main() -> None:
    """Measure and print Markdown, or run once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", default="../shared/bench/corpus")
    parser.add_argument("--run", nargs=2, metavar=("IN", "OUT"))
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--memory")
    parser.add_argument("--scratch", help="folder for the shards")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.plain:
        kernels._kernel, kernels.COMPILED = plain, False
    if options.run:
        run(options)
    else:
        measure(Path(options.folder))


def measure(folder: Path) -> None:
    """Print the cost of each step, recall and precision, and kernels compared with their twins."""
    if not (folder / "docs.parquet").is_file():
        sys.exit(f"{folder.resolve()}: holds no docs.parquet; name the folder of a corpus")
    documents = pl.read_parquet(folder / "docs.parquet")
    given = pl.read_parquet(folder / "near_pairs.parquet")
    size = documents["text"].str.len_bytes().sum() / MEGABYTE
    records = as_records(documents)
    start = peak()
    print(f"{len(records):,} documents, {size:.1f} MB; {kernels.describe()}\n")
    results = {t: steps(DedupNear(threshold=t), records) for t in THRESHOLDS}
    print_steps(results[THRESHOLDS[0]][1], size)
    print(f"\nPeak of the process {peak():.0f} MB, {start:.0f} MB of it before the first step.\n")
    ours = own_words(documents, given)
    print("| threshold | removed | recall, precision as given | by our words |\n|--:|--:|--:|--:|")
    for threshold, (removed, _) in results.items():
        shares = [
            " / ".join(f"{x:.4f}" for x in quality(removed, p, threshold)) for p in (given, ours)
        ]
        print(f"| {threshold} | {len(removed):,} | {shares[0]} | {shares[1]} |")
    print_twin(documents)


if __name__ == "__main__":
    main()
