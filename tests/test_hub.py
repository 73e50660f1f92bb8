"""Hugging Face data sets as sources; of the hub itself only that it is asked in vain offline."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RecipeError, StorageError
from pipeline.hub import DataSet, parse_spec
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, Outcome, prepare

pytestmark = pytest.mark.usefixtures("warm_gate")

RECIPE = """\
name: tea
sources: [{{path: "{source}"}}]
stages: [label]
targets: {{pairs: {{format: prompt_completion}}}}
split: {{validation: 0.0}}
"""
PAIRS = [{"question": f"What is tea {n}?", "answer": f"It is leaf number {n}."} for n in range(12)]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is looked up on the network, no cache of this machine is read."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))


def run(folder: Path, source: str) -> Outcome:
    (folder / "recipe.yaml").write_text(RECIPE.format(source=source))
    options = Options(output=str(folder / "out"), workers=1)
    recipe = load_recipe(folder / "recipe.yaml")
    return prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False))


def lines(folder: Path, made: Outcome) -> list[dict[str, Any]]:
    text = (folder / "out" / "runs" / made.run / "pairs" / "train.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_of_data_files_is_read_by_split(tmp_path: Path) -> None:
    """Every split of it, or the one that is asked for."""
    (tmp_path / "set").mkdir()
    for name, rows in {"train": PAIRS[:8], "test": PAIRS[8:]}.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "set" / f"{name}.jsonl").write_text(text)
    both = run(tmp_path, "hf://set")
    assert len(lines(tmp_path, both)) == 12
    sources = {one["source"]: one["reader"] for one in both.manifest["inputs"]}
    assert sources == {"hf://set/test.parquet": "parquet", "hf://set/train.parquet": "parquet"}
    one = run(tmp_path, "hf://set?split=train")
    assert sorted(line["prompt"] for line in lines(tmp_path, one)) == sorted(
        row["question"] for row in PAIRS[:8]
    )
    assert run(tmp_path, "hf://set?split=train").reused


def test_a_saved_data_set_is_read_without_its_own_notes(tmp_path: Path) -> None:
    """`state.json` and its like are no records, and nothing is set aside for them."""
    import datasets

    datasets.Dataset.from_list(PAIRS).save_to_disk(str(tmp_path / "saved"))
    made = run(tmp_path, "hf://saved")
    assert len(lines(tmp_path, made)) == 12
    assert made.manifest["stages"][0]["rejected"] == 0


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    """A data set of the hub without network, a split that the set has not."""
    with pytest.raises(StorageError, match="source hf://sen-tea/none: ") as caught:
        run(tmp_path, "hf://sen-tea/none")
    assert "\n" not in str(caught.value)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text(json.dumps(PAIRS[0]) + "\n")
    with pytest.raises(StorageError, match="split"):
        run(tmp_path, "hf://set?split=dev")


def test_several_splits_are_a_file_each(tmp_path: Path) -> None:
    """`train+test`: a plus is no blank; of a folder of files and of a saved data set."""
    import datasets

    halves = {"train": PAIRS[:8], "test": PAIRS[8:10], "other": PAIRS[10:]}
    (tmp_path / "set").mkdir()
    for name, rows in halves.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "set" / f"{name}.jsonl").write_text(text)
    (tmp_path / "set" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        + "".join(f"  - split: {name}\n    path: {name}.jsonl\n" for name in halves)
        + "---\n"
    )
    saved = {name: datasets.Dataset.from_list(rows) for name, rows in halves.items()}
    datasets.DatasetDict(saved).save_to_disk(str(tmp_path / "saved"))
    for name in ("set", "saved"):
        made = run(tmp_path, f"hf://{name}?split=train+test")
        assert len(lines(tmp_path, made)) == 10
        sources = [one["source"] for one in made.manifest["inputs"]]
        assert sources == [f"hf://{name}/test.parquet", f"hf://{name}/train.parquet"]


def test_a_revision_is_part_of_the_name(tmp_path: Path) -> None:
    """Of records of two revisions nobody could tell which is which."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text(json.dumps(PAIRS[0]) + "\n")
    made = run(tmp_path, "hf://set?revision=v1.2")
    assert [one["source"] for one in made.manifest["inputs"]] == ["hf://set@v1.2/train.parquet"]


def test_what_is_asked_for_is_known() -> None:
    assert parse_spec("hf://a/b?split=train&config=vi") == DataSet("a/b", "vi", "train")
    assert parse_spec("hf://a/b?split=train%5B:9%5D+test") == DataSet("a/b", None, "train[:9]+test")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("hf://", "does not name a data set"),
        ("hf://a/b?spilt=train", "spilt: is not one of config, split, revision"),
        ("hf://a/b?split=", "split: is empty"),
        ("hf://a/b?split=train+", "split: is empty"),
        ("hf://a/b?split=train&split=test", "split: is given twice"),
    ],
)
def test_what_cannot_be_asked_for_is_told_with_its_line(
    source: str, fault: str, tmp_path: Path
) -> None:
    """By the recipe's own check, before anything is read."""
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(source=source))
    with pytest.raises(RecipeError, match=r"recipe.yaml:2: source hf://") as caught:
        load_recipe(path)
    assert f": {fault}; for example hf://OWNER/NAME?split=train" in str(caught.value)
