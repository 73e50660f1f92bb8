"""`dedup_near` on a corpus with known near duplicates: its cost step by step, recall, precision.

    python benchmarks/near_duplicates.py [FOLDER]     (default ../shared/bench/corpus)

FOLDER holds docs.parquet (id, text, source) and near_pairs.parquet (id_a, id_b, jaccard: every
pair of five-word runs from 0.5 on). MB/s is megabytes (10^6 bytes) of all text a CPU second, all
threads counted. Recall: pairs from the threshold on of which one side is removed. Precision:
removed records that are in such a pair. Both stand twice: by the file's similarities, and by those
of our own words; they differ where one takes a typographic quote or dash for a letter.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import kernels
from pipeline.kernels import plain
from pipeline.record import SCHEMA
from pipeline.stages.dedup_near import DedupNear

MEGABYTE = 1e6
SHARD = 16 * MEGABYTE
TWIN = 10 * MEGABYTE  # of text for the comparison with the plain twin, which is slow
THRESHOLDS = (0.8, 0.7)


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it returns, its CPU seconds, its wall seconds."""
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
    """The ids it removes; for each step what it took and told."""
    parts = list(shards(records))
    took: dict[str, Any] = {}
    sketches, *cost = measured(lambda: pl.concat([stage.sketch(part) for part in parts]))
    took["sketch"] = [*cost, f"{sketches['bands'].estimated_size() / len(sketches):.0f} B a record"]
    chosen, *cost = measured(lambda: stage.candidates(sketches))
    took["candidates"] = [*cost, f"{len(chosen):,} of {len(sketches):,} records"]
    named = [part.filter(pl.col("id").is_in(chosen["id"].implode())) for part in parts]
    evidence, *cost = measured(lambda: pl.concat([stage.evidence(part) for part in named]))
    took["evidence"] = [*cost, f"{evidence.estimated_size() / MEGABYTE:.1f} MB held"]
    votes, *cost = measured(lambda: stage.decide(sketches, evidence))
    took["decide"] = [*cost, f"{len(votes):,} near duplicates"]
    return set(votes["id"]), took


def own_words(documents: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs with their similarity by our own words."""
    number = documents.select("id", n=pl.int_range(pl.len(), dtype=pl.UInt32))
    numbered = pairs
    for side in ("id_a", "id_b"):
        numbered = numbered.join(number.rename({"id": side, "n": f"n_{side}"}), on=side)
    sets = kernels.gram_sets(documents["text"])
    similarity = kernels.jaccard(sets, numbered.select("n_id_a", "n_id_b"))
    return numbered.select("id_a", "id_b", similarity)


def quality(removed: set[str], pairs: pl.DataFrame, threshold: float) -> tuple[float, float]:
    """Recall and precision."""
    alike = pairs.filter(pl.col("jaccard") >= threshold)
    sides = [alike[side].is_in(list(removed)) for side in ("id_a", "id_b")]
    known = set(alike["id_a"]) | set(alike["id_b"])
    return (sides[0] | sides[1]).mean(), len(removed & known) / max(len(removed), 1)


def print_steps(took: dict[str, Any], size: float) -> None:
    """The table of costs."""
    print("| step | CPU s | wall s | MB/s of CPU | |\n|---|--:|--:|--:|---|")
    total = [sum(row[place] for row in took.values()) for place in (0, 1)]
    for step, (cpu, wall, told) in [*took.items(), ("all", (*total, ""))]:
        print(f"| {step} | {cpu:.2f} | {wall:.2f} | {size / cpu:,.0f} | {told} |")


def print_twin(documents: pl.DataFrame) -> None:
    """Each kernel beside its plain twin on the same texts; they must agree."""
    sample = documents.filter(pl.col("text").str.len_bytes().cum_sum() <= TWIN)["text"]
    texts = sample.cast(pl.Binary).to_list()
    size = sum(map(len, texts)) / MEGABYTE
    print(f"\n| kernel, {size:.1f} MB | running MB/s | plain MB/s | |\n|---|--:|--:|--:|")
    for name, more in (("band_keys", (kernels.PERMUTATIONS, 20, 6)), ("gram_sets", ())):
        results, rates = [], []
        for module in (kernels._kernel, plain):
            call = getattr(module, name)
            result, cpu, _ = measured(
                lambda call=call, more=more: call(texts, kernels.LETTERS, *more)
            )
            results.append(result)
            rates.append(size / cpu)
        assert results[0] == results[1], name
        print(f"| {name} | {rates[0]:.0f} | {rates[1]:.1f} | {rates[0] / rates[1]:.0f}× |")


def main() -> None:
    """Measure and print Markdown."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/bench/corpus")
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
        told = [
            " / ".join(f"{x:.4f}" for x in quality(removed, p, threshold)) for p in (given, ours)
        ]
        print(f"| {threshold} | {len(removed):,} | {told[0]} | {told[1]} |")
    print_twin(documents)


if __name__ == "__main__":
    main()
