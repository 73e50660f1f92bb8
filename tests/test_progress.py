"""What a run tells while it goes on: the same numbers as its ledger."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from pipeline import execution
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

RECIPE = """
name: many
sources: [{path: data.jsonl}]
stages: [clean, dedup_exact]
targets:
  corpus: {format: pretraining_text}
"""


@pytest.mark.usefixtures("quick_gate")
@pytest.mark.parametrize("shard_bytes", [600, 1 << 20])
def test_a_pass_tells_all_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard_bytes: int
) -> None:
    """However many parts a task makes of one file, and so whatever the memory."""
    lines = [json.dumps({"text": f"Tea number {n // 2} of a long list."}) for n in range(60)]
    (tmp_path / "data.jsonl").write_text("\n".join([*lines, "{broken"]) + "\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(1, shard_bytes))
    told = io.StringIO()
    options = Options(str(tmp_path / "out"), 1, None, work=tmp_path / "work")
    recipe = load_recipe(tmp_path / "recipe.yaml", [])
    outcome = prepare(recipe, tmp_path, options, Lines(told, as_json=True))
    passes = [one for one in map(json.loads, told.getvalue().splitlines()) if "records" in one]
    assert [(one["records"], one["set_aside"]) for one in passes] == [(61, 1), (60, 30)]
    assert outcome.manifest["stages"][0]["came"] == 61
