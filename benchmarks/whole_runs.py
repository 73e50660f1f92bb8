"""All of `prepare`, on one JSON Lines file of documents or pairs: its cost by stage, its growth."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl
from bench import Bench, cost_row
from measure import Cost, measured

RECIPE = """
name: measured
sources: [{{path: {path}, reader: jsonl}}]
stages: [clean, quality, dedup_exact, dedup_near, {{chunk: {{max_tokens: 512, overlap: 64}}}}]
targets: {{corpus: {{format: pretraining}}}}
split: {{validation: 0.05}}
"""
LABELLED = """
name: measured
sources: [{{path: {path}, reader: jsonl}}]
stages: [clean, dedup_exact, dedup_near, contradictions]
targets: {{pairs: {{format: prompt_completion}}}}
split: {{validation: 0.05}}
"""
MULTIPLES = (1, 2, 4, 8)
MEMORY = "1GB"


def prepared(
    bench: Bench, source: Path, *options: str, text: str = RECIPE
) -> tuple[Cost, dict[str, float]]:
    """Run a whole `prepare` of one JSONL file; returns its cost, and CPU seconds by stage."""
    recipe, out = bench.work / "recipe.yaml", bench.work / "out" / "prepare"
    shutil.rmtree(out, ignore_errors=True)
    recipe.write_text(text.format(path=source))
    line = [sys.executable, "-m", "pipeline", "prepare", str(recipe), "--output", str(out)]
    cost = measured([*line, *options])
    run = json.loads((out / "LATEST").read_text())["run"]
    timings = json.loads((out / ".work" / run / "timings.json").read_text())
    return cost, timings


def by_stage(bench: Bench, source: Path, times: int, text: str = RECIPE) -> dict[str, Any]:
    """The cost of `prepare` on `times` times the corpus; the stages are those of the median run."""
    runs = [prepared(bench, source, text=text) for _ in range(bench.runs)]
    stages = sorted(runs, key=lambda run: run[0].cpu)[len(runs) // 2][1]
    costs = [cost for cost, _ in runs]
    return {**cost_row(costs, times * bench.whole.megabytes), "stages": stages}


def part_prepare(bench: Bench) -> dict[str, Any]:
    """All of `prepare`, on three times the corpus."""
    return by_stage(bench, bench.whole.times(3), 3)


def part_labelled(bench: Bench) -> dict[str, Any]:
    """The same on twice the corpus as pairs: the first half of a document is the prompt."""
    number = 2
    source = bench.work / f"pairs-{number}.jsonl"
    if not source.exists():
        documents = pl.read_ndjson(bench.whole.times(number), schema={"text": pl.String})
        text = pl.col("text")
        half = text.str.len_chars() // 2
        halves = documents.select(prompt=text.str.head(half), completion=text.str.slice(half))
        halves.write_ndjson(source)
    return by_stage(bench, source, number, LABELLED)


def part_growth(bench: Bench) -> dict[str, Any]:
    """All of `prepare` with limited memory, on 1, 2, 4 and 8 times the corpus."""
    costs = {}
    for number in MULTIPLES:
        cost, _ = prepared(bench, bench.whole.times(number), "--memory", MEMORY)
        costs[str(number)] = cost_row([cost], number * bench.whole.megabytes)
    return {"memory": MEMORY, "multiples": costs}
