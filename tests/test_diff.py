"""What changed between two runs, and what made the difference."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.commands.diff import diff_runs
from pipeline.diff import Diff
from pipeline.diff.drift import stability_index
from pipeline.diff.page import render_diff
from pipeline.diff.told import told_diff
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

pytestmark = pytest.mark.usefixtures("warm_gate")

RECIPE = """\
name: tea
sources: [{path: documents/}]
stages: [clean, {quality: {min_words: 3}}, dedup_exact]
targets: {corpus: {format: pretraining}}
split: {validation: 0.0}
"""
HOSTILE = "<img src=x onerror=alert(1)>.md"
TEXTS = {
    "twin-a.md": "The kettle is rinsed twice before the first tea.",
    "twin-b.md": "The kettle is rinsed twice before the first tea.",
    "short.md": "Four words of tea.",
    "long.md": "Pour the water over the leaves and wait three minutes at least.",
    "edited.md": "The cup is warmed with hot water before tea is poured.",
    HOSTILE: "The lotus flowers are closed over the leaves for one night.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe with its documents."""
    (tmp_path / "documents").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "documents" / name).write_text(text)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def run(folder: Path, *changes: str) -> str:
    """Prepare; returns the run's URI."""
    recipe = load_recipe(folder / "recipe.yaml", list(changes))
    options = Options(output=str(folder / "out"), workers=1)
    return prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False)).uri


def flips(diff: Diff) -> list[tuple[str, str, str, int]]:
    return [(one.before, one.after, one.cause, one.records) for one in diff.decisions.flips]


def test_a_run_is_the_same_as_itself(folder: Path) -> None:
    """Nothing differs, and every distance is 0."""
    one = run(folder)
    diff, name = diff_runs(one, one)
    assert (diff.same, name, flips(diff), diff.decisions.both) == (True, "tea", [], len(TEXTS))
    assert diff.drift.targets["corpus"].tokens == diff.drift.targets["corpus"].languages == 0
    assert "the same except for the name" in next(told_diff(diff))


def test_a_changed_threshold_is_named(folder: Path) -> None:
    """The records that the rule now sets aside are told with value and threshold."""
    before = run(folder)
    diff, _ = diff_runs(before, run(folder, "stages=[clean,{quality: {min_words: 6}},dedup_exact]"))
    cause = "recipe.stages.quality.min_words: 3 → 6"
    assert flips(diff) == [("kept: corpus", "rejected by quality: too_short", cause, 1)]
    (sample,) = diff.decisions.flips[0].samples
    assert (sample["source"], sample["value_after"], sample["threshold_after"]) == (
        "documents/short.md", "4", "6"
    )  # fmt: skip
    assert diff.drift.rejected == pytest.approx(1 / len(TEXTS), abs=1e-6)
    assert diff.sources.total == 0


def test_an_edited_source_is_the_cause(folder: Path) -> None:
    """The record keeps its id, so what became of it can be told."""
    before = run(folder)
    (folder / "documents" / "edited.md").write_text("Two words")
    diff, _ = diff_runs(before, run(folder))
    assert diff.sources.shown["changed"] == ["documents/edited.md"]
    assert flips(diff) == [
        ("kept: corpus", "rejected by quality: too_short", "the source changed", 1)
    ]


def test_an_edited_source_and_a_changed_threshold_are_both_told(folder: Path) -> None:
    """What was edited may be another record of the same file."""
    before = run(folder)
    (folder / "documents" / "short.md").write_text("These four short words")
    diff, _ = diff_runs(before, run(folder, "stages=[clean,{quality: {min_words: 6}},dedup_exact]"))
    cause = "the source changed, or recipe.stages.quality.min_words: 3 → 6"
    assert flips(diff) == [("kept: corpus", "rejected by quality: too_short", cause, 1)]


def test_a_removed_twin_brings_back_the_other(folder: Path) -> None:
    """Its duplicate was kept in its stead and is gone."""
    before = run(folder)
    manifest = json.loads((Path(before) / "manifest.json").read_text())
    assert {one["stage"]: one["merged"] for one in manifest["stages"]}["dedup_exact"] == 1
    (folder / "documents" / "twin-a.md").unlink()
    (folder / "documents" / "new.md").write_text("A new page about the lotus and its tea.")
    diff, _ = diff_runs(before, run(folder))
    kinds = diff.sources
    assert (kinds.added, kinds.changed, kinds.removed) == (1, 0, 1)
    assert flips(diff) == [
        ("merged by dedup_exact: duplicate", "kept: corpus", "its duplicates changed", 1)
    ]
    assert diff.drift.sources_removed == pytest.approx(1 / len(TEXTS), abs=1e-6)


def test_a_stage_that_is_new_or_gone_is_the_cause(folder: Path) -> None:
    """Both ways."""
    with_stage, without = run(folder), run(folder, "stages=[clean, dedup_exact]")
    (folder / "documents" / "short.md").write_text("Tea")
    diff, _ = diff_runs(without, with_stage)
    assert not diff.decisions.flips  # all texts were long enough then
    new = run(folder)
    back, _ = diff_runs(new, run(folder, "stages=[clean, dedup_exact]"))
    assert [(one.before, one.cause) for one in back.decisions.flips] == [
        ("rejected by quality: too_short", "quality is gone")
    ]


def test_an_entry_of_withdraw_is_the_cause(folder: Path) -> None:
    """Both ways; what was read otherwise has another cause."""
    before, entry = run(folder), "documents/long.md"
    after = run(folder, f"withdraw=[{entry}]")
    for one, other, told in (
        (before, after, f"recipe.withdraw: None → ['{entry}']"),
        (after, before, f"recipe.withdraw: ['{entry}'] → None"),
    ):
        [flip] = diff_runs(one, other)[0].decisions.flips
        assert flip.cause == told


def test_a_target_that_takes_fewer_is_the_cause(folder: Path) -> None:
    """Though the other target keeps the record in both runs, so that no stage set it aside."""
    model = "model: titan-text-express, customization: continued-pre-training, allow_legacy: true"
    few = f"targets.few={{{model}, overflow: select, quota: {{records_max: 5}}}}"
    before = run(folder, few)
    diff, _ = diff_runs(before, run(folder, few.replace("5", "3")))
    [(*verdicts, cause, records)] = flips(diff)
    assert (verdicts, records) == (["kept: corpus, few", "kept: corpus"], 2)
    assert "recipe.targets.few.quota.records_max: 5 → 3" in cause
    diff, _ = diff_runs(run(folder), before)
    assert flips(diff) == [("kept: corpus", "kept: corpus, few", "targets.few is new", 5)]


def test_the_page_shows_data_as_text(folder: Path) -> None:
    """Names are escaped, nothing is loaded, the policy forbids all but style."""
    before = run(folder)
    (folder / "documents" / HOSTILE).write_text("Tea")
    diff, name = diff_runs(before, run(folder))
    page = render_diff(diff, name)
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "<script" not in page
    assert "default-src &#x27;none&#x27;" in page


def test_the_command_prints_writes_and_fails(folder: Path) -> None:
    """Text, JSON, a folder with both files; a run that is not there is exit code 4's error."""
    before, call = run(folder), CliRunner().invoke
    (folder / "documents" / "more.md").write_text("More about tea and its water.")
    run(folder)
    after = str(folder / "out")
    assert "1 added" in call(app, ["diff", before, after]).stdout
    told = json.loads(call(app, ["diff", before, after, "--json"]).stdout)
    assert told["sources"]["shown"]["added"] == ["documents/more.md"]
    copy = folder / "copy"
    assert call(app, ["diff", before, after, "--output", str(copy)]).exit_code == 0
    assert json.loads((copy / "diff.json").read_text()) == told
    missing = call(app, ["diff", before, str(folder / "nothing")])
    assert getattr(missing.exception, "exit_code", None) == 4


counts = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 1000), min_size=1)


@settings(derandomize=True, deadline=None, max_examples=200, database=None)
@given(one=counts, other=counts)
def test_the_index_is_a_distance(one: dict[str, int], other: dict[str, int]) -> None:
    """Never negative, the same both ways, 0 for the same counts; none without records."""
    index = stability_index(one, other)
    if not sum(one.values()) or not sum(other.values()):
        assert index is None
        return
    assert index is not None
    assert index >= 0
    assert index == pytest.approx(stability_index(other, one))
    assert stability_index(one, one) == 0


def test_the_index_grows_with_the_shift() -> None:
    """And few records prove little."""
    near = stability_index({"en": 900, "vi": 100}, {"en": 850, "vi": 150})
    far = stability_index({"en": 900, "vi": 100}, {"en": 100, "vi": 900})
    assert near is not None and far is not None
    assert near < 0.1 < 0.25 < far
    few = stability_index({"en": 3}, {"en": 2, "vi": 1})
    assert few is not None and few < far
