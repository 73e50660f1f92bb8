"""Measure the throughput of a whole run by stage, on a folder of real documents.

    python benchmarks/run_stages.py [FOLDER [OPTION …]]      (default /usr/share/doc)

Options such as --memory 800MB or --workers 1 are passed on to `prepare`.

Runs `prepare` in its own process and prints, as Markdown: CPU seconds and CPU seconds per MB of
source by stage, MB/s of the whole run, and the peak memory of the process tree.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from measure import Cost, measured

RECIPE = """
name: measured
sources: [{{path: {folder}}}]
stages: [clean, language, quality, redact, dedup_exact, {{chunk: {{max_tokens: 512, overlap: 64}}}}]
targets: {{corpus: {{format: pretraining}}}}
split: {{validation: 0.05}}
"""


def main() -> None:
    """Run and print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/doc").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        recipe = Path(scratch, "recipe.yaml")
        recipe.write_text(RECIPE.format(folder=folder))
        output = Path(scratch, "out")
        line = [sys.executable, "-m", "pipeline", "prepare", str(recipe), "--output", str(output)]
        line += sys.argv[2:]
        cost = measured(line)
        print_table(output, cost)


def print_table(output: Path, cost: Cost) -> None:
    """Print the figures of the whole run, then those of each stage."""
    run = json.loads((output / "LATEST").read_text())["run"]
    manifest = json.loads((output / "runs" / run / "manifest.json").read_text())
    timings = json.loads((output / ".work" / run / "timings.json").read_text())
    size = sum(entry["bytes"] for entry in manifest["inputs"]) / 1e6
    print(f"{len(manifest['inputs'])} files, {size:.1f} MB; {platform.machine()}, ", end="")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"wall {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, {size / cost.wall:.1f} MB/s, ", end="")
    print(f"peak of the tree {cost.peak:.0f} MB\n")
    print("| stage | CPU s | CPU s/MB | MB/s a core |\n|---|--:|--:|--:|")
    for stage, seconds in timings.items():
        rate = size / seconds if seconds else float("inf")
        print(f"| {stage} | {seconds:.2f} | {seconds / size:.4f} | {rate:.1f} |")


if __name__ == "__main__":
    main()
