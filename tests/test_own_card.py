"""Model cards of the user's own: named by their path in `check` and in a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_sets import dumped, minimal
from conftest import Command

from pipeline.bedrock.cards import find_card
from pipeline.bedrock.own_card import load_card
from pipeline.errors import RecipeError
from pipeline.recipe import load_recipe
from pipeline.schemas_dir import schema_path


def own_card(folder: Path, **limits: Any) -> Path:
    """Nova Micro's card under another name, with limits of its own."""
    card = yaml.safe_load((schema_path("models") / "nova-micro.yaml").read_text())
    card |= {"name": "our-micro", "model_id": "amazon.our-micro-v1:0"}
    source = {"source": "our account team", "date": "2026-11-20", "confidence": "user"}
    for name, value in limits.items():
        card["customizations"]["FINE_TUNING"]["limits"][name] = {"value": value, **source}
    path = folder / "our-micro.yaml"
    path.write_text(yaml.safe_dump(card))
    return path


def data_set(folder: Path, count: int = 9) -> Path:
    path = folder / "train.jsonl"
    path.write_bytes(b"".join(dumped(minimal("conversation", n)) + b"\n" for n in range(count)))
    return path


def test_check_holds_data_against_a_card_file(bedrock_prep: Command, tmp_path: Path) -> None:
    """Its limits, its name; and the rules of its family, reserved words and all."""
    card, data = own_card(tmp_path, records_min=10), data_set(tmp_path)
    done = bedrock_prep("check", str(data), "--model", str(card), "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 3
    assert told["model"] == "our-micro"
    assert {f["rule"]: f["source"] for f in told["faults"] if f["severity"] == "error"} == {
        "too-few-records": "our account team"
    }
    line = minimal("conversation", 1)
    line["messages"][0]["content"][0]["text"] = "User: hello"
    data.write_bytes(data.read_bytes() + dumped(line) + b"\n")
    done = bedrock_prep("check", str(data), "--model", str(card))
    assert "10: error: reserved-word" in done.stdout


def test_all_faults_of_a_card_are_told_at_once(bedrock_prep: Command, tmp_path: Path) -> None:
    """By their places, with exit code 2."""
    path = own_card(tmp_path)
    card = yaml.safe_load(path.read_text())
    card["family"], card["regions"] = "novella", "us-east-1"
    card["customizations"]["FINE_TUNING"]["limits"]["records_mix"] = {"value": 1}
    del card["title"]
    path.write_text(yaml.safe_dump(card))
    with pytest.raises(RecipeError) as caught:
        load_card(path)
    told = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 4, told
    for word in ("novella", "regions", "title", "records_mix"):
        assert word in told
    done = bedrock_prep("check", str(data_set(tmp_path)), "--model", str(path))
    assert done.returncode == 2
    assert all(word in done.stderr for word in ("novella", "regions", "title", "records_mix"))


@pytest.mark.parametrize(
    "text", ["", "a: [", "- 1", "lifecycle: 2026-01-01", "\x00", "!!set {a}", "{a: .nan}"]
)
def test_what_is_no_card_is_refused(text: str, tmp_path: Path) -> None:
    """A file of anything, or none."""
    path = tmp_path / "card.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"card\.yaml"):
        load_card(path)
    with pytest.raises(RecipeError, match="No such file"):
        load_card(tmp_path / "other.yaml")


RECIPE = """
name: own
sources: [{path: pairs.jsonl}]
stages: [clean]
targets:
  ours: {model: our-micro.yaml}
"""


def recipe_beside(folder: Path) -> Path:
    rows = [{"prompt": f"what is {n}?", "completion": f"it is {n}"} for n in range(12)]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / "recipe.yaml"
    path.write_text(RECIPE)
    return path


def test_a_recipe_takes_a_card_beside_it(bedrock_prep: Command, tmp_path: Path) -> None:
    """From any folder; the manifest holds the card, and estimate finds it there."""
    card = own_card(tmp_path, records_min=4)
    recipe, out = recipe_beside(tmp_path), tmp_path / "out"
    done = bedrock_prep("prepare", str(recipe), "--output", str(out), "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads((out / "LATEST").read_text())["run"]
    manifest = json.loads((out / "runs" / run / "manifest.json").read_text())
    assert manifest["targets"]["ours"]["model"] == "our-micro"
    assert manifest["recipe"]["targets"]["ours"]["model"] == "our-micro"
    assert manifest["recipe"]["cards"]["ours"]["model_id"] == "amazon.our-micro-v1:0"
    assert str(tmp_path) not in json.dumps(manifest["recipe"])
    card.unlink()
    told = bedrock_prep("estimate", str(out), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["model"] == "our-micro"


def test_what_a_card_says_is_part_of_the_recipe(tmp_path: Path) -> None:
    """Another limit is another run; a card that is not there is a fault of the recipe."""
    own_card(tmp_path, records_min=4)
    path = recipe_beside(tmp_path)
    before = load_recipe(path).as_json()
    assert before == load_recipe(path).as_json()
    card = own_card(tmp_path, records_min=5)
    assert load_recipe(path).as_json() != before
    card.unlink()
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(path)


def test_a_plan_knows_its_family() -> None:
    """Which the rules of a family go by."""
    assert find_card("nova-lite").plan().family == "nova"
