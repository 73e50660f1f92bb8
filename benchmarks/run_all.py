"""Measure every figure of RESULTS.md: ours and the peers in turn, on one corpus, in one call.

    python benchmarks/run_all.py [--quick] [--only near,prepare] [--corpus FOLDER] [--work FOLDER]

Parts: near (near-duplicates, with the peers), all (quality filters, exact and near-duplicates,
with the peers), prepare (a whole run by stage), labelled (the same for pairs), growth (1, 2, 4, 8
times the corpus in 1 GB), rules (decisions compared with datatrove's rule by rule). The corpus
FOLDER is one that `corpus.py` can read. Peers are measured if their environments are below
WORK/peers, where `peers/install.sh` makes them. Results are collected in WORK/results.json, part
by part, and RESULTS.md and growth.svg are written from all of them; `--quick` uses a tenth of the
corpus, one run each, and writes the pages into WORK.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comparisons
import results
import whole_runs
from bench import HERE, Bench

PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "near": comparisons.part_near,
    "all": comparisons.part_all,
    "prepare": whole_runs.part_prepare,
    "labelled": whole_runs.part_labelled,
    "growth": whole_runs.part_growth,
    "rules": comparisons.part_rules,
}
DOCUMENTS = HERE.parent.parent / "shared" / "bench" / "corpus"
"""The shared corpus, which may be stored next to the repository."""


def main() -> None:
    """Measure the parts that are asked for, then write the pages from all results."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = DOCUMENTS if DOCUMENTS.is_dir() else Path("/usr/share/doc")
    parser.add_argument("--corpus", type=Path, default=known)
    parser.add_argument("--work", type=Path, default=HERE.parent / "build" / "bench")
    parser.add_argument("--peers", type=Path, help="environments of the peers (WORK/peers)")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=60, help="wall seconds that a peer gets for its runs"
    )
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.work = asked.work / "quick"
        asked.peers = asked.peers or asked.work.parent / "peers"
    bench = Bench(asked)
    bench.keep("peers", bench.versions())
    for part in asked.only.split(","):
        started = time.monotonic()
        bench.keep(part, PARTS[part](bench))
        print(f"{part}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    results.write(bench.state, bench.work if asked.quick else HERE)


if __name__ == "__main__":
    main()
