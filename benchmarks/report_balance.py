"""Check the waterfall of a real run of many documents against its ledger and its files.

    python benchmarks/report_balance.py [DOCUMENTS]

The documents are generated: English sentences, some of them too short, some in French, some
duplicates, exact or with one word changed. The run is `bedrock-prep prepare` as a user would start
it.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

WORDS = """
the kettle water tea leaf cup house morning boils steeps pours warm clean lid base lamp
of and in to with for before after until slowly gently every small large green black
"""
FRENCH = "La bouilloire est pleine et nous attendons que le thé soit prêt dans la cuisine."
RECIPE = """
name: balance
sources: [{path: documents.jsonl}]
stages:
  - clean
  - language: {allow: [en]}
  - quality: {min_words: 12}
  - dedup_exact
  - dedup_near: {threshold: 0.8}
targets: {corpus: {format: pretraining_text}}
gate: {max_rejected: 0.9}
"""


def texts(count: int) -> list[str]:
    """Documents of 3 to 60 words; four of every twenty should be set aside."""
    drawn, words_of_tea = random.Random(7), WORDS.split()
    made: list[str] = []
    for number in range(count):
        words = drawn.choices(words_of_tea, k=drawn.randint(20, 60))
        kind = number % 20
        if kind == 0:
            words = words[:3]
        elif kind == 1 and number > 20:
            words = made[-8].split()
        elif kind == 2 and number > 20:
            words = made[-8].split()
            words[len(words) // 2] = "changed"
        made.append(FRENCH * 3 + f" {number}" if kind == 3 else " ".join(words))
    return made


def main() -> None:
    """Prepare, then check that every leg balances and that the files have the same counts."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = (json.dumps({"text": text}) for text in texts(count))
        (folder / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "recipe.yaml").write_text(RECIPE)
        began = time.perf_counter()
        line = [sys.executable, "-m", "pipeline", "prepare", str(folder / "recipe.yaml")]
        subprocess.run([*line, "--output", str(folder / "out")], check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        [run] = (folder / "out" / "runs").iterdir()
        report = json.loads((run / "report.json").read_bytes())
        balance(report, run, count)
        size = (run / "report.html").stat().st_size
    cpu = used.ru_utime + used.ru_stime
    print(f"{count:,} documents: {cpu:.1f} CPU s, {time.perf_counter() - began:.1f} s", end=", ")
    print(f"report.html {size / 1000:.0f} kB; every leg balances")


def balance(report: dict[str, Any], run: Path, count: int) -> None:
    """Check that records in = lost + left, in the report, the ledger and the files."""
    legs: list[dict[str, Any]] = report["waterfall"]
    lost: Counter[tuple[str, str]] = Counter()
    for leg in legs:
        steps: list[dict[str, Any]] = leg["steps"]
        parts = [(step["records"], step["share"]) for step in steps]
        assert leg["came"] - sum(records for records, _ in parts) == leg["left"]
        assert round(sum(share for _, share in parts) + leg["share"], 1) == 100.0
        for step in steps:
            lost[step["stage"], step["reason"]] += step["records"]
            print(f"  {step['stage']}: {step['reason']} {step['records']:,} ({step['share']} %)")
    assert legs[0]["came"] == count
    rows = pl.read_parquet(run / "rejected.parquet").group_by("stage", "reason").len()
    assert {(stage, reason): n for stage, reason, n in rows.rows()} == dict(lost)
    lines = sum(1 for path in (run / "corpus").glob("*.jsonl") for _ in path.open("rb"))
    assert lines == legs[-1]["left"] == pl.read_parquet(run / "lineage.parquet").height


if __name__ == "__main__":
    main()
