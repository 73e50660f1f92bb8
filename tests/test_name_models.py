"""Models that find names: where they come from, what they are known by, what is wrong with one."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from conftest import Command, imported_with
from pydantic import ValidationError
from spacy.training import Example
from spacy_models import ruled

from pipeline.memory import MB, MODEL, SPACY, share_memory
from pipeline.recipe import load_recipe
from pipeline.record import frame
from pipeline.stages.name_models import find_model, load_model
from pipeline.stages.redact import Redact

RECIPE = """\
name: names
sources: [{path: docs/}]
stages:
  - clean
  - redact: SETTINGS
targets: {corpus: {format: pretraining}}
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A model with two labels, which a test may change."""
    return ruled(tmp_path / "people", ("PER", "Ann"), ("CITY", "Rome"))


def fault(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Redact(**{"kinds": ["person"]} | given)
    [one] = caught.value.errors()
    message = one["msg"].removeprefix("Value error, ")
    assert "\n" not in message
    return message


def test_names_need_a_model_and_a_model_names() -> None:
    """Each by itself is a slip."""
    remedy = "the folder or package of a spaCy pipeline (pip install 'bedrock-prep[ner]')"
    assert fault() == f"the kind person needs ner_model, {remedy}"
    assert fault(kinds=["email"], ner_labels={}) == f"ner_labels need ner_model, {remedy}"
    unused = "ner_model finds person, place, organization; kinds has none of them"
    assert fault(kinds=["email"], ner_model="x") == unused


@pytest.mark.parametrize("name", ["no_such", "models/no such", "../none", "os", "pathlib", ""])
def test_a_model_that_is_not_there(name: str) -> None:
    """Neither as a folder nor as a package; it is not looked for elsewhere."""
    told = fault(ner_model=name or "nothing here")
    assert told.endswith("and no installed package has the name; a run downloads nothing")


def test_a_folder_or_package_that_is_no_model(tmp_path: Path, people: Path) -> None:
    """A package is not even imported; what spaCy says of a broken model stands in one line."""
    assert fault(ner_model=str(tmp_path)).endswith("is not a spaCy pipeline: it has no meta.json")
    assert "is not a spaCy pipeline" in fault(ner_model="xml")
    (people / "config.cfg").write_text("[nlp]\nlang = 'xx'\npipeline = ['no_such']\n")
    assert f"ner_model {people}: cannot be loaded: " in fault(ner_model=str(people))


def test_a_model_that_finds_no_entities(tmp_path: Path) -> None:
    """Or with a component for them that has nothing to find."""
    nlp = spacy.blank("xx")
    nlp.to_disk(tmp_path / "blank")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "sentences")
    none = "has no component that finds entities (ner, entity_ruler); its components: "
    assert fault(ner_model=str(tmp_path / "blank")).endswith(none + "none")
    assert fault(ner_model=str(tmp_path / "sentences")).endswith(none + "sentencizer")
    ruled(tmp_path / "no rules")
    assert fault(ner_model=str(tmp_path / "no rules")).endswith(none + "entity_ruler")


def test_a_model_that_lacks_a_label(people: Path) -> None:
    """One for a kind, or one that the recipe names; the fault lists what there is."""
    told = fault(kinds=["person", "place"], ner_model=str(people))
    assert told == (
        f"ner_model: no label of {people} is known for the kind place; it has CITY, PER: "
        "name one in ner_labels"
    )
    told = fault(ner_model=str(people), ner_labels={"PRE": "person", "PER": "person"})
    assert told == f"ner_labels: {people} has no label PRE; it has CITY, PER"
    fault(ner_model=str(people), ner_labels={"PER": "people"})


def test_labels_of_ones_own(people: Path) -> None:
    """They stand instead of the usual ones, and only for the kinds asked for."""
    given = {"CITY": "place", "PER": "organization"}
    rows = frame([{"source": "a", "text": "Ann in Rome"}])
    place = Redact(kinds=["place"], ner_model=str(people), ner_labels=given)  # type: ignore[arg-type]
    assert place(rows)["text"].to_list() == ["Ann in [PLACE]"]
    both = Redact(kinds=["place", "organization"], ner_model=str(people), ner_labels=given)  # type: ignore[arg-type]
    assert both(rows)["text"].to_list() == ["[ORGANIZATION] in [PLACE]"]


def test_spacy_is_not_installed(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is told."""
    monkeypatch.setitem(sys.modules, "spacy", None)
    told = "names need the package spacy, which is not installed; pip install 'bedrock-prep[ner]'"
    assert fault(ner_model=str(people)) == told


def test_spacy_is_imported_for_a_model_alone() -> None:
    """Every other run starts as it did."""
    used = "pipeline.cli, pipeline.recipe, pipeline.stages.registry, pipeline.stages.names"
    assert imported_with(used, ["spacy", "thinc"]) == []


def test_a_fault_ends_a_run_before_it_begins(
    people: Path, tmp_path: Path, bedrock_prep: Command
) -> None:
    """With its line, and exit code 2; the model's folder is looked for beside the recipe."""
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("SETTINGS", "{kinds: [place], ner_model: people}"))
    done = bedrock_prep("prepare", path, "--output", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    where = f"{path}:5: stages[1].redact: ner_model: no label of people"
    assert done.stderr.strip().splitlines()[-1].startswith(where)
    assert not (tmp_path / "out").exists()


def test_a_run_is_known_by_its_models_content(people: Path, tmp_path: Path) -> None:
    """Another file, another run; where the files lie, and when, is of no account."""

    def told() -> Any:
        recipe = load_recipe(tmp_path / "recipe.yaml").as_json()
        return json.dumps(recipe)

    (tmp_path / "recipe.yaml").write_text(
        RECIPE.replace("SETTINGS", "{kinds: [person], ner_model: people}")
    )
    before = told()
    shutil.copytree(people, tmp_path / "copy")
    shutil.rmtree(people)
    (tmp_path / "copy").rename(people)
    (people / "__pycache__").mkdir()
    (people / "__pycache__" / "a.pyc").write_text("x")
    os.utime(people / "meta.json")
    assert told() == before
    ruled(people, ("PER", "Ann"), ("CITY", "Oslo"))
    other = told()
    assert other != before
    (people / "notes").write_text("none")
    third = told()
    (people / "notes").rename(people / "note")
    assert len({before, other, third, told()}) == 4
    assert "ner_digest" not in Redact().model_dump_json(exclude_none=True)


def test_a_model_that_changes_while_a_run_goes_on(people: Path) -> None:
    """Another process does not believe the name: it looks at the files."""
    stage = Redact(kinds=["person"], ner_model=str(people))
    copy = pickle.loads(pickle.dumps(stage))
    rows = frame([{"source": "a", "text": "Ann"}])
    assert copy(rows)["text"].to_list() == ["[PERSON]"]
    ruled(people, ("PER", "Anna"), ("CITY", "Rome"))
    load_model.cache_clear()
    with pytest.raises(OSError, match="has changed since the run began"):
        copy(rows.with_columns(text=rows["text"] + "!"))


def test_a_model_in_an_installed_package(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by all its files, its code among them."""
    package = tmp_path / "site" / "xx_tea_names"
    package.mkdir(parents=True)
    shutil.copytree(people, package / "data")
    shutil.copy(people / "meta.json", package)
    load = "import spacy\nload = lambda: spacy.load(__file__.replace('__init__.py', 'data'))\n"
    (package / "__init__.py").write_text(load)
    monkeypatch.syspath_prepend(package.parent)
    stage = Redact(kinds=["person"], ner_model="xx_tea_names")
    rows = frame([{"source": "a", "text": "Ann"}])
    assert stage(rows)["text"].to_list() == ["[PERSON]"]
    (package / "__init__.py").write_text(load + "\n")
    assert Redact(kinds=["person"], ner_model="xx_tea_names").ner_digest != stage.ner_digest


LISTENING = {
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": True,
        "nO": None,
        "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"},
    }
}


@pytest.mark.parametrize(
    ("config", "rule", "left"),
    [
        ({}, False, ["ner"]),
        (LISTENING, False, ["tok2vec", "ner"]),
        ({}, True, ["tok2vec", "tagger", "sentencizer", "ner", "entity_ruler"]),
    ],
    ids=["a network of its own", "one that listens", "with rules"],
)
def test_only_what_entities_need_is_kept(
    tmp_path: Path, config: dict[str, Any], rule: bool, left: list[str]
) -> None:
    """The rest of a pipeline takes most of its time; a rule may look at all of it."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec")
    nlp.add_pipe("tagger")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("ner", config=config)
    gold = {"entities": [(0, 3, "PER")], "tags": ["A", "B"]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Ann left"), gold)])
    if rule:
        nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Bob"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    loaded = load_model(find_model("model", tmp_path))
    assert loaded.pipe_names == left
    assert len(loaded("Ann left Bob.").text) == 13


def test_a_span_ruler_that_sets_entities_is_one(tmp_path: Path) -> None:
    """The ruler that spaCy has named after the old one."""
    model = ruled(tmp_path / "model", ("PER", "Ann"), component="span_ruler")
    rows = frame([{"source": "a", "text": "Ann"}])
    stage = Redact(kinds=["person"], ner_model=str(model))
    assert stage(rows)["text"].to_list() == ["[PERSON]"]


def test_memory_is_set_apart_for_a_model() -> None:
    """For each worker, and for the process that has read the recipe."""
    without, own = share_memory(4000 * MB, 8), share_memory(4000 * MB, 8, models=200 * MB)
    assert own.workers < without.workers
    used = (1 + own.workers) * (SPACY + MODEL * 200 * MB)
    assert used < 4000 * MB
    assert Redact().model_bytes == 0
