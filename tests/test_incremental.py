"""Night after night: what earlier runs have made is taken over, and never changes a byte."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import latest, tree_bytes

from pipeline import execution, taken_over
from pipeline.errors import RecipeError
from pipeline.memory import Share
from pipeline.progress import Lines
from pipeline.readers import text
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

RECIPE = """
name: nightly
sources:
  - path: docs/
    reader: text
  - path: pairs/*.jsonl
    reader: jsonl
stages:
  - clean
  - language
  - quality: {min_words: 5}
  - redact
  - dedup_exact
  - dedup_near: {threshold: 0.7}
  - chunk: {max_tokens: 60, overlap: 8}
targets:
  corpus: {format: pretraining}
  pairs: {format: prompt_completion}
split: {validation: 0.2, group_by: document}
"""
WORDS = ["kettle", "lotus", "water", "filter", "green", "tea", "warm", "button", "litre", "rinse"]


pytestmark = pytest.mark.usefixtures("quick_gate")


class Project:
    """A folder of documents and pairs that changes from night to night."""

    def __init__(self, folder: Path, seed: int, documents: int = 24) -> None:
        self.folder, self.chance, self.made = folder, random.Random(seed), 0
        for name in ("docs", "pairs"):
            (folder / name).mkdir(parents=True)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        for _ in range(documents):
            self.add()

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.suffix in {".txt", ".jsonl"})

    def text(self) -> str:
        chance = self.chance
        sentences = [
            " ".join(chance.choices(WORDS, k=chance.randint(4, 12))).capitalize() + "."
            for _ in range(chance.randint(1, 14))
        ]
        return "\n".join(sentences)

    def add(self) -> None:
        """A new document, a copy of another, one nearly the same, an empty one, or pairs."""
        self.made += 1
        name, others = f"{self.chance.randrange(1000):03d}-{self.made}", self.files()
        text, kind = self.text(), self.chance.random()
        if kind < 0.3 and others:
            text = self.chance.choice(others).read_text(encoding="utf-8")
            text += " And more, from tea@example.com." if kind < 0.15 else ""
        elif kind < 0.35:
            text = ""
        if kind > 0.8:
            pairs = [{"prompt": f"What of {w}?", "completion": self.text()} for w in WORDS[:6]]
            path = self.folder / "pairs" / f"{name}.jsonl"
            path.write_text("".join(json.dumps(p) + "\n" for p in pairs), encoding="utf-8")
        else:
            (self.folder / "docs" / f"{name}.txt").write_text(text, encoding="utf-8")

    def night(self) -> None:
        """Some documents come, some change, some go."""
        for _ in range(self.chance.randint(0, 4)):
            self.add()
        for path in self.chance.sample(self.files(), self.chance.randint(0, 2)):
            if path.suffix == ".txt":
                path.write_text(self.text(), encoding="utf-8")
        for path in self.chance.sample(self.files(), self.chance.randint(0, 3)):
            if len(list(path.parent.iterdir())) > 1:
                path.unlink()

    def prepare(self, output: str, **options: Any) -> list[str]:
        """One night; what it has told."""
        recipe = load_recipe(self.folder / "recipe.yaml")
        told = io.StringIO()
        prepare(recipe, self.folder, Options(output, 1, **options), Lines(told, as_json=False))
        return told.getvalue().splitlines()

    def run(self, output: Path, **options: Any) -> dict[str, bytes]:
        """The files of the run."""
        self.prepare(str(output), **options)
        return tree_bytes(latest(output))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the text files that are read."""
    seen: list[str] = []
    real = text.utf8_of
    monkeypatch.setattr(
        text, "utf8_of", lambda file, most: seen.append(file.uri) or real(file, most)
    )
    return seen


@pytest.mark.parametrize("seed", range(40 if os.environ.get("SOAK") else 3))
def test_any_nights_end_in_the_bytes_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Documents are added, changed and deleted; shards are cut otherwise each time."""
    project = Project(tmp_path / "project", seed)
    for night in range(4):
        share = Share(1, project.chance.choice([400, 2000, 1 << 20]))
        monkeypatch.setattr(execution, "share_memory", lambda *_, share=share: share)
        by_night = project.run(tmp_path / "nightly")
        at_once = project.run(tmp_path / f"once-{night}")
        assert by_night == at_once
        project.night()


def test_only_what_is_new_is_read(tmp_path: Path, read: list[str]) -> None:
    """And with `full` all of it; the bytes are the same."""
    project = Project(tmp_path / "project", 7)
    project.run(tmp_path / "out")
    (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
    changed = project.folder / "docs/changed.txt"
    changed.write_text("Water is boiled in it, and then it is kept warm.")
    project.run(tmp_path / "out")
    changed.write_text("Water is boiled in it, and then it is kept hot.")
    read.clear()
    by_night = project.run(tmp_path / "out")
    assert read == ["docs/changed.txt"]
    read.clear()
    shutil.rmtree(tmp_path / "out/runs")
    (tmp_path / "out/LATEST").unlink()
    assert project.run(tmp_path / "out", full=True) == by_night
    assert len(read) == len(list((project.folder / "docs").iterdir()))


def test_a_duplicate_comes_back_when_its_original_goes(tmp_path: Path) -> None:
    """It is shipped in its stead: a record stands for others only while it is there."""
    project = Project(tmp_path / "project", 11)
    text = "The lotus kettle boils a litre of water in four minutes and keeps it warm for tea."
    for name in ("000-a.txt", "zzz-b.txt"):
        (project.folder / "docs" / name).write_text(text)
    first = project.run(tmp_path / "out")
    (project.folder / "docs/000-a.txt").unlink()
    second = project.run(tmp_path / "out")
    for run in (first, second):
        lines = run["corpus/train.jsonl"] + run.get("corpus/validation.jsonl", b"")
        assert lines.count(text.encode()) == 1


@pytest.mark.parametrize("kind", ["kept.arrow", "sketch.*.arrow", "ledger.arrow", "units.arrow"])
def test_damaged_work_is_noticed_and_done_again(tmp_path: Path, read: list[str], kind: str) -> None:
    """One flipped byte in any file of it; no error, no wrong byte."""
    project = Project(tmp_path / "project", 5)
    project.run(tmp_path / "out")
    (project.folder / "docs/new.txt").write_text("A new document about the green tea kettle.")
    damaged = next((tmp_path / "out/.work").glob(f"*/pass-00/*.{kind}"))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    read.clear()
    by_night = project.run(tmp_path / "out")
    assert len(read) > 1
    assert by_night == project.run(tmp_path / "once")


def test_work_of_other_code_or_stages_is_not_taken_over(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another setting of a stage, or another version of the package, reads all anew."""
    project = Project(tmp_path / "project", 3)
    project.run(tmp_path / "out")
    documents = len(list((project.folder / "docs").iterdir()))
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("min_words: 5", "min_words: 6"), encoding="utf-8")
    read.clear()
    project.run(tmp_path / "out")
    assert len(read) == documents
    recipe.write_text(RECIPE.replace("min_words: 5", "min_words: 6") + "gate: {min_records: 2}\n")
    monkeypatch.setattr("pipeline.reuse.code_digest", lambda: "of other code")
    read.clear()
    project.run(tmp_path / "out")
    assert len(read) == documents
    recipe.write_text(RECIPE.replace("min_words: 5", "min_words: 6"), encoding="utf-8")
    shutil.rmtree(tmp_path / "out/runs")
    (tmp_path / "out/LATEST").unlink()
    read.clear()
    project.run(tmp_path / "out")
    assert read == []


def test_work_that_is_left_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many nights leave one run's work, no more files than half of them, and it is private."""
    monkeypatch.setattr(taken_over, "SMALL_MOST", 3)
    project = Project(tmp_path / "project", 2)
    sizes = []
    for night in range(12):
        (project.folder / "docs/night.txt").write_text(f"This is what came in night {night}.")
        project.run(tmp_path / "out")
        files = [path for path in (tmp_path / "out/.work").rglob("*") if path.is_file()]
        sizes.append((len(files), sum(path.stat().st_size for path in files)))
    half = 6
    for number in (0, 1):
        counts = [size[number] for size in sizes]
        assert max(counts[half:]) <= max(counts[:half]) * 1.02
    assert (tmp_path / "out/.work").stat().st_mode & 0o777 == 0o700


def lines_of(files: dict[str, bytes], target: str = "pairs") -> list[bytes]:
    """The lines of all splits of a target."""
    return [
        line
        for split in ("train", "validation", "test")
        for line in files.get(f"{target}/{split}.jsonl", b"").split(b"\n")
        if line
    ]


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    """The run's manifest."""
    manifest: dict[str, Any] = json.loads(files["manifest.json"])
    return manifest


def write_pairs(project: Project, name: str, words: list[str]) -> None:
    """A file of pairs, one for each word."""
    pairs = [{"prompt": f"What of {w}?", "completion": f"Of {w}, much is said."} for w in words]
    text = "".join(json.dumps(pair) + "\n" for pair in pairs)
    (project.folder / "pairs" / name).write_text(text, encoding="utf-8")


def test_a_delta_ships_what_no_run_of_its_chain_has_shipped(tmp_path: Path) -> None:
    """Three nights together hold every line once; the manifest names parents and chain."""
    project = Project(tmp_path / "project", 4)
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("{format: prompt", "{mode: delta, format: prompt"))
    nights = [project.run(tmp_path / "out")]
    for night in (1, 2):
        write_pairs(project, f"night-{night}.jsonl", [f"{word} {night}" for word in WORDS[:5]])
        nights.append(project.run(tmp_path / "out"))
    recipe.write_text(RECIPE, encoding="utf-8")
    whole = lines_of(project.run(tmp_path / "whole"))
    assert sorted(line for files in nights for line in lines_of(files)) == sorted(whole)
    assert [len(lines_of(files)) for files in nights[1:]] == [5, 5]
    first, second, third = (manifest_of(files) for files in nights)
    assert "parents" not in first
    assert second["parents"] == {"pairs": first["run"]}
    told = third["targets"]["pairs"]["delta"]
    assert told["parent_run"] == second["run"]
    assert told["chain"] == [second["run"], first["run"]]
    assert told["withdrawn"] == 0
    ledger = next(one for one in third["stages"] if one["stage"] == "targets.pairs.delta")
    assert ledger["came"] == len(whole)
    assert ledger["reasons"] == {"shipped_before": len(whole) - 5}


def test_a_delta_run_again_is_the_same_run(tmp_path: Path) -> None:
    """It is not a delta of itself; with `since` it goes on from the run that is named."""
    project = Project(tmp_path / "project", 4)
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("{format: prompt", "{mode: delta, format: prompt"))
    first = project.run(tmp_path / "out")
    assert project.run(tmp_path / "out") == first
    write_pairs(project, "more.jsonl", ["cup"])
    second = project.run(tmp_path / "out")
    assert project.run(tmp_path / "out") == second
    write_pairs(project, "and-more.jsonl", ["pot"])
    since_first = project.run(tmp_path / "out", since=manifest_of(first)["run"])
    assert len(lines_of(since_first)) == 2
    with pytest.raises(RecipeError, match=r"its parent, run 0+, is not in"):
        project.run(tmp_path / "out", since="0" * 20)


def test_a_delta_without_anything_new_is_empty_and_published(tmp_path: Path) -> None:
    """What was taken away is counted: a tuned model does not forget it."""
    project = Project(tmp_path / "project", 4)
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("{format: prompt", "{mode: delta, format: prompt"))
    write_pairs(project, "gone.jsonl", ["cup", "pot"])
    project.run(tmp_path / "out")
    (project.folder / "pairs/gone.jsonl").unlink()
    second = project.run(tmp_path / "out")
    told = manifest_of(second)["targets"]["pairs"]
    assert lines_of(second) == []
    assert told["ready"] is False
    assert told["delta"]["withdrawn"] == 2
    assert lines_of(second, "corpus")
