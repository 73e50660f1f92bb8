"""What a night takes over behind the first pass: only what every stage before, each vote and the
target would make again as it is."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import SAMPLE, latest, tree_bytes
from test_incremental import RECIPE, Project

from pipeline import execution
from pipeline.deciding import Deciding
from pipeline.made import rows_in_use
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

pytestmark = pytest.mark.usefixtures("quick_gate")

LATE_VOTES = (
    RECIPE[: RECIPE.index("stages:")]
    + """stages:
  - clean
  - dedup_exact
  - chunk: {max_tokens: 60, overlap: 8}
  - dedup_lines: {min_documents: 2, min_characters: 10}
  - dedup_exact
  - dedup_near: {threshold: 0.7}
targets:
  corpus: {format: pretraining}
split: {validation: 0.2, group_by: document}
"""
)
"""Votes by key, with evidence and on pieces of texts, each behind votes that change."""

IMAGES = """
name: pictures
sources: [{path: pictures/}]
targets:
  captions: {model: titan-multimodal-embeddings, quota: {records_min: 5}}
  talk: {model: nova-lite, image_prompt: "What does this show?"}
publish: {uri: "s3://bucket/tea", expected_bucket_owner: "111122223333"}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("min_words: 5", "min_words: 7"),
        ("  - redact\n", ""),
        ("threshold: 0.7", "threshold: 0.5"),
        ("max_tokens: 60", "max_tokens: 40"),
        ("{format: prompt_completion}", "{format: conversation}"),
        ("corpus: {format: pretraining}", "corpus: {format: pretraining, languages: [en]}"),
        ("validation: 0.2", "validation: 0.4"),
        ("  - dedup_exact\n", "  - dedup_lines: {min_documents: 2}\n  - dedup_exact\n"),
    ],
)
def test_whatever_is_set_otherwise_is_made_otherwise(
    tmp_path: Path, before: str, after: str
) -> None:
    """Of the first, a middle or the last pass, of a vote, or of a target."""
    project = Project(tmp_path / "project", 21)
    secret = "Whoever finds the porcelain owl writes to owl@example.com, and asks for its umbrella."
    (project.folder / "docs/500-owl.txt").write_text(secret)
    first = project.run(tmp_path / "out")
    assert before in RECIPE
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace(before, after), encoding="utf-8")
    second = project.run(tmp_path / "out")
    assert second == project.run(tmp_path / "once")
    assert second != first


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_rows_that_other_votes_have_left_behind_are_not_voted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A task is linked though some of its units are made anew, for a copy of one comes before it:
    the old rows take no part."""
    hidden: list[str] = []
    real = Deciding.decide

    def noted(self: Deciding, stage: Any) -> Any:
        hidden.extend(self.label for shard in self.shards if rows_in_use(shard) is not None)
        return real(self, stage)

    monkeypatch.setattr(Deciding, "decide", noted)
    project = Project(tmp_path / "project", seed)
    (project.folder / "recipe.yaml").write_text(LATE_VOTES, encoding="utf-8")
    project.run(tmp_path / "out")
    for night in range(2):
        old = project.chance.choice(
            [p for p in project.files() if p.suffix == ".txt" and p.stat().st_size > 200]
        )
        (project.folder / f"docs/00-{9 - night}.txt").write_bytes(old.read_bytes())
        for _ in range(2):
            project.add()
        by_night = project.run(tmp_path / "out")
        assert by_night == project.run(tmp_path / f"once-{night}")
    assert {"dedup_lines", "dedup_exact.2", "dedup_near", "split"} <= set(hidden)


def project_of_pictures(folder: Path) -> Path:
    """A recipe for the sample's catalog."""
    shutil.copytree(SAMPLE / "images/catalog", folder / "pictures")
    (folder / "recipe.yaml").write_text(IMAGES)
    return folder


def pictures(folder: Path, output: Path) -> dict[str, bytes]:
    """The files of a run on the pictures."""
    options = Options(str(output), 1)
    prepare(
        load_recipe(folder / "recipe.yaml"), folder, options, Lines(io.StringIO(), as_json=False)
    )
    return tree_bytes(latest(output))


def test_lines_name_images_of_their_own_run(tmp_path: Path) -> None:
    """A picture a night: the others' lines are rendered again, for they name the run."""
    folder = project_of_pictures(tmp_path / "project")
    [late, *_] = sorted(path for path in (folder / "pictures").rglob("*.png"))
    aside = tmp_path / late.name
    late.rename(aside)
    pictures(folder, tmp_path / "out")
    aside.rename(late)
    by_night = pictures(folder, tmp_path / "out")
    assert by_night == pictures(folder, tmp_path / "once")
    run = latest(tmp_path / "out").name
    lines = by_night["captions/train.jsonl"].decode().splitlines()
    assert len(lines) > 2
    assert all(f"s3://bucket/tea/runs/{run}/captions/images/" in line for line in lines)
    left = [path for path in (tmp_path / "out/.work").rglob("*") if ".image." in path.name]
    assert not left


def test_a_delta_of_pictures_ships_the_new_one_alone(tmp_path: Path) -> None:
    """Lines of the parent name the images of its own run, and are the same lines all the same."""
    folder = project_of_pictures(tmp_path / "project")
    delta = IMAGES.replace("captions: {", "captions: {mode: delta, ")
    (folder / "recipe.yaml").write_text(delta.replace("records_min: 5", "records_min: 1"))
    [late, *_] = sorted(path for path in (folder / "pictures").rglob("*.png"))
    aside = tmp_path / late.name
    late.rename(aside)
    pictures(folder, tmp_path / "out")
    aside.rename(late)
    by_night = pictures(folder, tmp_path / "out")
    told = json.loads(by_night["manifest.json"])["targets"]["captions"]
    assert len(by_night["captions/train.jsonl"].splitlines()) == 1
    assert (told["records"], told["delta"]["withdrawn"]) == ({"train": 1}, 0)


def test_a_prepared_image_that_is_damaged_is_prepared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run stops after its passes, and an image of its work is not as it was when it goes on."""
    folder = project_of_pictures(tmp_path / "project")

    class StopError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(execution, "finish", stop)
        with pytest.raises(StopError):
            pictures(folder, tmp_path / "out")
    damaged = next((tmp_path / "out/.work").rglob("captions.image.*"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert pictures(folder, tmp_path / "out") == pictures(folder, tmp_path / "once")
