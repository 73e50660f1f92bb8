"""What the parts of a benchmark run share: the corpus in its forms, peers, place of the results."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import corpus
import polars as pl
from measure import Cost, measured, median

HERE = Path(__file__).parent
SMALL = 0.07
"""Share of the documents drawn for peers that would need minutes for all of them; together with the
documents similar to these it is a tenth."""

PEERS = {
    "rensa": "rensa",
    "datasketch": "datasketch",
    "textdedup": "text-dedup",
    "datajuicer": "py-data-juicer",
    "datatrove": "datatrove",
}
"""The folder of each peer's environment, and its package."""


class Bench:
    """The corpus in its forms, runs of ours and the peers in turn, and the results so far."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.work: Path = asked.work.resolve()
        self.peers: Path = (asked.peers or self.work / "peers").resolve()
        self.quick: bool = asked.quick
        self.runs: int = 1 if asked.quick else asked.runs
        self.seconds: float = asked.seconds
        whole, self.pairs = corpus.forms(asked.corpus.resolve(), self.work)
        small = corpus.part_of(whole, self.pairs, SMALL)
        corpus.write_forms(small, self.work / "small")
        self.small = Inputs(self.work / "small", small)
        self.whole = self.small if self.quick else Inputs(self.work, whole)
        self.state = self.work / "results.json"

    def python(self, peer: str) -> str | None:
        """The interpreter of a peer's environment; None if it is not installed."""
        path = self.peers / peer / "bin" / "python"
        return str(path) if path.exists() else None

    def versions(self) -> dict[str, str]:
        """The packages of the installed peers, with their versions."""
        known = {}
        for peer, package in PEERS.items():
            if python := self.python(peer):
                code = f"from importlib.metadata import version; print(version({package!r}))"
                reply = subprocess.run([python, "-c", code], capture_output=True, text=True)
                known[package] = reply.stdout.strip()
        return known

    def folder(self, name: str) -> Path:
        """The folder that a tool writes to."""
        return self.work / "out" / name

    def out(self, name: str) -> Path:
        """The same folder, emptied and created."""
        folder = self.folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def in_turn(self, lines: Mapping[str, Sequence[str]], peer: str) -> dict[str, list[Cost]]:
        """Run some commands in turn, `runs` times or until the peer has used up `seconds`.

        `peer` is the name of the peer's command in `lines`. Returns the costs by name.
        """
        costs: dict[str, list[Cost]] = {name: [] for name in lines}
        while len(costs[peer]) < self.runs and sum(c.wall for c in costs[peer]) < self.seconds:
            for name, line in lines.items():
                self.out(name)
                costs[name].append(measured(line))
        return costs

    def keep(self, part: str, result: Any) -> None:
        """Add a part's results to those of the other parts in results.json."""
        known = json.loads(self.state.read_text()) if self.state.exists() else {}
        known[part] = result
        self.state.write_text(json.dumps(known, indent=1))


class Inputs:
    """Some documents, and the folder with their files."""

    def __init__(self, folder: Path, documents: pl.DataFrame) -> None:
        self.folder = folder
        self.documents = documents
        self.file = folder / "docs.jsonl"
        self.shards = folder / "shards"
        self.megabytes = float(documents["text"].str.len_bytes().sum()) / 1e6

    def times(self, number: int) -> Path:
        """A file with `number` times as many documents."""
        return corpus.times(self.documents, number, self.folder)


def cost_row(costs: list[Cost], megabytes: float) -> dict[str, Any]:
    """The medians of some runs on `megabytes` of text, with their number and MB per CPU second."""
    one = median(costs)
    cost = {"cpu": one.cpu, "wall": one.wall, "peak": one.peak}
    return {"runs": len(costs), "megabytes": megabytes, "rate": megabytes / one.cpu, **cost}
