"""Evaluation sets in a run: read by any reader, pinned, told of in the manifest and by `why`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import latest, tree_bytes
from small_run import ROLE

from pipeline import units
from pipeline.commands.policy import recipe_access
from pipeline.commands.why import answer
from pipeline.diff.sources import compare_made
from pipeline.errors import DataError, RecipeError, StorageError
from pipeline.memory import refuse_sets, share_memory
from pipeline.progress import Lines
from pipeline.readers import text
from pipeline.recipe import load_recipe
from pipeline.run import Options, prepare

pytestmark = pytest.mark.usefixtures("quick_gate")

RECIPE = """
name: exam
sources: [{path: "train/*"}]
evaluation_sets:
  lines: {path: eval/items.jsonl}
  table: {path: "eval/*.csv", reader: csv, columns: {prompt: ask, completion: reply}}
  prose: {path: eval/text/}
  columns: {path: eval/items.parquet}
stages: [clean, decontaminate, dedup_exact]
targets:
  pairs: {format: prompt_completion}
"""
QUESTIONS = (
    "How long may the leaves of a green tea from Thai Nguyen steep in water of eighty degrees?",
    "Which of the seven lids of the kettle closes with the red ring and which with the blue one?",
    "What does the lamp on the left of the handle say when it blinks three times and goes out?",
    "Where does the filter of the large jug go once it has been rinsed and dried for a whole day?",
)
NAMES = ("lines", "table", "prose", "columns")


def write(folder: Path, recipe: str = RECIPE) -> Path:
    """Training pairs, four of which an evaluation set asks, each set in a form of its own."""
    (folder / "train").mkdir()
    (folder / "eval" / "text").mkdir(parents=True)
    pairs = [(question, "So it is.") for question in QUESTIONS]
    pairs += [(f"What is number {n} of the list?", f"Tea number {n}.") for n in range(9)]
    for name, own in (("a", pairs[:6]), ("b", pairs[6:])):
        lines = [json.dumps({"prompt": p, "completion": c}) for p, c in own]
        (folder / "train" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    item = {"question": QUESTIONS[0], "answer": "Two minutes."}
    (folder / "eval" / "items.jsonl").write_text(json.dumps(item) + "\n{broken\n")
    (folder / "eval" / "items.csv").write_text(f'ask,reply\n"{QUESTIONS[1].upper()}",Red\n')
    (folder / "eval" / "text" / "page.txt").write_text(f"Page one.\n\n{QUESTIONS[2]}\n")
    row = {"instruction": [QUESTIONS[3]], "output": ["Back."]}
    pl.DataFrame(row).write_parquet(folder / "eval" / "items.parquet")
    path = folder / "recipe.yaml"
    path.write_text(recipe)
    return path


def run(path: Path, **options: Any) -> Path:
    folder = path.parent
    usual: dict[str, Any] = {"output": str(folder / "out"), "workers": 1}
    told = Options(**usual | options)
    prepare(load_recipe(path), folder, told, Lines(io.StringIO(), as_json=False))
    return latest(Path(told.output))


def test_what_sets_of_any_form_ask_is_rejected(tmp_path: Path) -> None:
    """Each question is found by the set that asks it, and its place is published without text."""
    out = run(write(tmp_path))
    found = pl.read_parquet(out / "contamination.parquet")
    rejected = pl.read_parquet(out / "rejected.parquet")
    rows = found.join(rejected, on="id").sort("locator").select("locator", "set", "kind", "reason")
    kinds = ("exact", "normalised", "run", "exact")
    assert rows.rows() == [
        (f"line={n}", name, kind, f"contaminated_{kind}")
        for n, name, kind in zip(range(1, 5), NAMES, kinds, strict=True)
    ]
    assert (out / "pairs" / "train.jsonl").read_text().count("\n") == 9
    told = json.loads((out / "manifest.json").read_bytes())["evaluation"]
    assert {name: one["items"] for name, one in told.items()} == dict.fromkeys(NAMES, 1)
    assert told["lines"]["unread"] == {"read.bad_json": 1}
    (listed,) = told["columns"]["inputs"]
    assert (listed["source"], listed["reader"]) == ("eval/items.parquet", "parquet")
    assert len(listed["sha256"]) == 64


def test_why_tells_which_item_and_where(tmp_path: Path) -> None:
    """In words and as JSON, by id and by source; other records have nothing to tell."""
    path = write(tmp_path)
    run(path)
    output = str(tmp_path / "out")
    words = answer(output, "train/a.jsonl", [])
    number = len(QUESTIONS[1].split())
    assert (
        f"overlaps with table: eval/items.csv (row=1), normalised, {number} words in a row" in words
    )
    assert f"at characters 0-{len(QUESTIONS[1]) - 1} of turn 1" in words
    told = json.loads(answer(output, "train/a.jsonl", [], as_json=True))
    assert [row["set"] for row in told["matches"]] == [
        row["set"] for row in sorted(told["matches"], key=lambda row: row["id"])
    ]
    assert "matches" not in json.loads(answer(output, "train/b.jsonl", [], as_json=True))


def test_the_same_bytes_for_any_workers_and_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers with shards of a few records make what one makes."""
    path = write(tmp_path)
    alone = tree_bytes(run(path))
    monkeypatch.setattr(units, "read_tasks", one_by_one(units.read_tasks))
    monkeypatch.setattr(units, "shard_tasks", one_by_one(units.shard_tasks))
    assert tree_bytes(run(path, output=str(tmp_path / "two"), workers=2)) == alone


def one_by_one(tasks: Any) -> Any:
    """Tasks of one unit, or of one shard."""

    def cut(*told: Any) -> Any:
        return tasks(*(1 if isinstance(one, int) else one for one in told))

    return cut


def test_a_changed_set_is_noticed_and_the_rest_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another night with the same sets reads nothing again; with another item, all of it."""
    path = write(tmp_path, RECIPE.replace("train/*", "notes/").replace("pairs:", "corpus:").replace(
        "prompt_completion", "pretraining"))  # fmt: skip
    notes = tmp_path / "notes"
    notes.mkdir()
    for n in range(4):
        (notes / f"{n}.txt").write_text(f"{QUESTIONS[n]} This is note {n} of the day.\n")
    (notes / "kept.txt").write_text("Nothing of this is asked by anybody.\n")
    count: list[str] = []
    monkeypatch.setattr(text, "utf8_of", counted(text.utf8_of, count))
    first = run(path)
    (notes / "new.txt").write_text("One more note that nobody asks about.\n")
    count.clear()
    second = run(path)
    assert count == ["eval/text/page.txt", "notes/new.txt"]  # sets are small: read every time
    matches = [pl.read_parquet(one / "contamination.parquet") for one in (first, second)]
    assert matches[0].height == 4
    assert matches[0].equals(matches[1])
    item = {"question": "Nothing of this is asked by anybody.", "answer": "?"}
    with (tmp_path / "eval" / "items.jsonl").open("a") as file:
        file.write(json.dumps(item) + "\n")
    count.clear()
    third = run(path)
    assert third != second
    assert len(count) == 1 + 6
    found = pl.read_parquet(third / "rejected.parquet")
    assert "notes/kept.txt" in found["source"].to_list()


def counted(look: Any, count: list[str]) -> Any:
    """Notes the names of the text files that are read."""

    def counting(file: Any, most: int) -> Any:
        count.append(file.uri)
        return look(file, most)

    return counting


def test_items_are_cleaned_as_records_are(tmp_path: Path) -> None:
    """What `clean` changes in records it changes in items: the place of a tone mark."""
    recipe = RECIPE.replace("[clean, decontaminate, dedup_exact]", "[clean, decontaminate]")
    path = write(tmp_path, recipe)
    old = "Vì sao ấm nước hoà tan trà nhanh hơn khi nước vừa sôi và thuỷ tinh còn nóng đến tay?"
    new = old.replace("hoà", "hòa").replace("thuỷ", "thủy")
    item = {"question": old, "answer": "?"}
    (tmp_path / "eval" / "items.jsonl").write_text(json.dumps(item) + "\n")
    pair = {"prompt": new, "completion": "Có."}
    (tmp_path / "train" / "c.jsonl").write_text(json.dumps(pair) + "\n")
    found = pl.read_parquet(run(path) / "contamination.parquet").filter(pl.col("set") == "lines")
    assert found["kind"].to_list() == ["exact"]


def test_a_set_of_which_nothing_can_be_read_ends_the_run(tmp_path: Path) -> None:
    """Else the data would pass for clean; a set that is not there is a fault of its place."""
    path = write(tmp_path)
    (tmp_path / "eval" / "items.jsonl").write_text("{broken\n")
    with pytest.raises(DataError, match=r"sets\.lines: none of its items can be read: read"):
        run(path)
    (tmp_path / "eval" / "items.jsonl").unlink()
    with pytest.raises(StorageError, match=r"eval/items\.jsonl"):
        run(path)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("decontaminate, ", ""), "evaluation_sets: they need the stage decontaminate"),
        (("clean, ", "decontaminate, "), "stages: decontaminate may be listed only once"),
        (("evaluation_sets:", "evaluation_set:"), "did you mean 'evaluation_sets'?"),
        (("reader: csv, columns", "reader: csv, colums"), "did you mean 'columns'?"),
    ],
)
def test_faults_of_the_recipe(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    """A set that nothing is held against, a stage twice, and slips of the pen."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, RECIPE.replace(*change)))
    assert fault in str(caught.value)


def test_the_stage_needs_sets(tmp_path: Path) -> None:
    """Without any it would do nothing, and nobody would know."""
    recipe = "name: x\nsources: [{path: a}]\nstages: [decontaminate]\n"
    recipe += "targets: {a: {format: pretraining}}\n"
    with pytest.raises(RecipeError, match="decontaminate needs evaluation_sets"):
        load_recipe(write(tmp_path, recipe))


def test_default_stages_hold_the_sets(tmp_path: Path) -> None:
    """Where the recipe names no stages the stage is among them, before what is seen of all."""
    recipe = load_recipe(write(tmp_path, RECIPE.replace("stages:", "#")))
    names = [step.name for step in recipe.steps()]
    assert names.index("decontaminate") == names.index("dedup_exact") - 1


def test_sets_are_sources_to_policies_and_doctors(tmp_path: Path) -> None:
    """Whoever may read the sources must be able to read the sets."""
    text = RECIPE.replace("eval/items.jsonl", "s3://sen-tea-exams/a.jsonl").replace(
        "pairs: {format: prompt_completion}", "pairs: {model: nova-lite}"
    )
    own = 'publish: {uri: "s3://sen-tea-data/x", expected_bucket_owner: "111122223333"}\n'
    own += f"job: {{role_arn: {ROLE}, output_uri: s3://sen-tea-data/m}}\n"
    recipe = load_recipe(write(tmp_path, text + own))
    assert [one.bucket for one in recipe_access(recipe, "us-east-1").sources] == ["sen-tea-exams"]
    assert "evaluation_sets.lines" in recipe.all_sources()


def test_a_difference_names_the_changed_set() -> None:
    """What the stage decides may differ because of a set's content, and of nothing else."""
    before, after = (
        {"recipe": {}, "version": "1", "python": "3", "targets": {},
         "evaluation": {"exam": {"inputs": [{"source": "e.jsonl", "sha256": digest}]}}}
        for digest in ("a", "b")
    )  # fmt: skip
    made = compare_made(before, after)
    (change,) = made.of_stage("decontaminate")
    assert (change.where, change.before, change.after) == ("evaluation_sets.exam.e.jsonl", "a", "b")
    assert made.of_stage("quality") == []


def test_memory_covers_the_tables() -> None:
    """Fewer workers fit beside large sets, and sets that cannot fit are refused."""
    most = 2 << 30
    assert share_memory(most, 4).workers > share_memory(most, 4, sets=20 << 20).workers
    refuse_sets(most, 10 << 20)
    with pytest.raises(RecipeError, match="making tables of the evaluation sets takes"):
        refuse_sets(most, 100 << 20)
