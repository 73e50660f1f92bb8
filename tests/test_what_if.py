"""What another threshold would do, answered from what a run has stored."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.commands.why import answer
from pipeline.errors import RecipeError
from pipeline.progress import Lines
from pipeline.published import PublishedRun, open_run
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare
from pipeline.why.what_if import what_if

RECIPE = """\
name: what-if
sources: [{path: texts.jsonl}]
stages: [clean, redact: {action: pseudonym}, quality: {min_words: MIN, \
rules: [plain, gopher_quality], gopher_quality: {min_words: 12}}, dedup_exact]
targets: {corpus: {format: pretraining}}
"""
LINES = [
    {"text": " ".join(["the tea of", *(f"w{n}x{i}" for i in range(n))]) + "."} for n in range(30)
]


def run_of(folder: Path, least: int) -> PublishedRun:
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, LINES)) + "\n")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("MIN", str(least)))
    out = str(folder / f"out-{least}")
    options = Options(output=out, workers=1)
    prepare(load_recipe(recipe), folder, options, Lines(io.StringIO(), as_json=False))
    return open_run(out)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, PublishedRun]:
    """The same texts with two thresholds."""
    folder = tmp_path_factory.mktemp("what-if")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEDROCK_PREP_PSEUDONYM_KEY", "a key that nobody else knows")
        return {least: run_of(folder, least) for least in (5, 20)}


def rejected(run: PublishedRun) -> set[tuple[str, str]]:
    rows = run.scan("rejected.parquet").filter(pl.col("stage") == "quality")
    return set(rows.select("id", "reason").collect().iter_rows())


@pytest.mark.parametrize(("now", "then"), [(5, 20), (20, 5)])
def test_the_answer_is_what_a_rerun_gives(
    runs: dict[int, PublishedRun], now: int, then: int
) -> None:
    """By count and by id, both ways."""
    (found,) = what_if(runs[now], [f"quality.min_words={then}"])
    before, after = rejected(runs[now]), rejected(runs[then])
    assert (found.judged, found.rejected, found.would_be) == (len(LINES), len(before), len(after))
    ids_before, ids_after = ({record for record, _ in one} for one in (before, after))
    more = {record for one in found.moved if one.rejected for record in one.ids}
    fewer = {record for one in found.moved if not one.rejected for record in one.ids}
    assert more == ids_after - ids_before
    assert fewer == ids_before - ids_after


def test_settings_of_a_family(runs: dict[int, PublishedRun]) -> None:
    """Dotted, with a reason of its own."""
    (found,) = what_if(runs[5], ["quality.gopher_quality.min_words=15"])
    assert [(one.rejected, one.reason, len(one.ids)) for one in found.moved] == [
        (True, "gopher_too_few_words", 3)
    ]
    told = list(found.told())
    assert told[0].startswith("quality with gopher_quality.min_words=15: 12 of 30 rejected, not 9")
    assert told[1].startswith("  3 would be rejected: gopher_too_few_words  (")
    assert told[1].count(" with 1") == 3
    (one,) = found.moved
    assert one.values == sorted(one.values, reverse=True)
    assert all(10 <= value < 15 for value in one.values)


def test_nothing_moves_for_the_same_threshold(runs: dict[int, PublishedRun]) -> None:
    """The stored measures give the verdicts of the run."""
    (found,) = what_if(runs[5], ["quality.min_words=5"])
    assert found.moved == []
    assert found.rejected == found.would_be == len(rejected(runs[5]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("quality.min_words", "is not STAGE.SETTING=VALUE"),
        ("qualty.min_words=3", "did you mean 'quality'"),
        ("quality.min_word=3", "min_word: no such setting, did you mean 'min_words'"),
        ("quality.gopher_quality.min_word=3", "did you mean 'min_words'"),
        ("quality.c4.min_sentences=3", "belongs to no rule that this run applied"),
        ("quality.min_words=many", "min_words"),
        ("quality.rules=[c4]", "has not measured c4_"),
        ("quality.min_words=[", r"--what-if quality.min_words=\[: the value is not valid YAML"),
        ("redact.action=replace", "redact decides by more than thresholds"),
        ("clean.mojibake=false", "decides by more than thresholds"),
    ],
)
def test_what_cannot_be_answered(runs: dict[int, PublishedRun], change: str, told: str) -> None:
    """Each says why."""
    with pytest.raises(RecipeError, match=told):
        what_if(runs[5], [change])


def test_why_shows_what_was_measured(runs: dict[int, PublishedRun]) -> None:
    """Beside the threshold, of kept and rejected records, and as JSON."""
    run = runs[5]
    kept = run.scan("lineage.parquet").select("id").collect()["id"][0]
    told = answer(run.uri, kept, [], as_json=False)
    assert "  measured by quality: words 1" in told
    assert "(too_short: 5)" in told
    out = next(record for record, _ in rejected(run))
    assert "measured by quality" in answer(run.uri, out, [], as_json=False)
    found = json.loads(answer(run.uri, None, ["quality.min_words=20"], as_json=True))
    assert found["what_if"][0]["moved"][0]["reason"] == "too_short"
    for what, changes in ((None, []), (kept, ["quality.min_words=20"])):
        with pytest.raises(RecipeError, match="name a record, a source or a line"):
            answer(run.uri, what, changes, as_json=False)
