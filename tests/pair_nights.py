"""Nights of a small recipe over so many pairs: what a target ships, leaves out or cuts in parts."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

from conftest import latest, read_jsonl

from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, Outcome, prepare

START = """\
name: nights
sources: [{path: q/q.jsonl}]
stages: [clean]
"""


@dataclass
class Nights:
    """A recipe in a folder of its own; `rest` is what it says beside its sources and stages."""

    folder: Path
    rest: str

    def run(self, pairs: int, output: Path | None = None) -> Outcome:
        """One night, with so many pairs."""
        told = [
            {"prompt": f"Question number {n} about tea leaf kind {n * 7}?",
             "completion": f"Answer {n}: steep it {n} minutes at {n + 50} degrees."}
            for n in range(pairs)
        ]  # fmt: skip
        (self.folder / "q").mkdir(exist_ok=True)
        (self.folder / "q/q.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in told))
        (self.folder / "recipe.yaml").write_text(START + self.rest)
        recipe = load_recipe(self.folder / "recipe.yaml")
        options = Options(output=str(output or self.folder / "out"), workers=1)
        return prepare(recipe, self.folder, options, Lines(io.StringIO(), as_json=False))

    def lines(self, file: str) -> int:
        """How many lines a file of the latest run has."""
        return len(read_jsonl(latest(self.folder / "out") / file))
