"""A recipe's YAML: safe, no doubled keys, positions for messages, `--set`."""

from __future__ import annotations

import pytest

from pipeline.errors import RecipeError
from pipeline.yaml_file import load_yaml, set_value


def test_positions_name_the_line_of_a_value() -> None:
    """A fault in a nested value is reported with its own line."""
    tree, positions = load_yaml(
        "name: a\nstages:\n  - clean\n  - language:\n      allow: [en]\n", "r"
    )
    assert tree["stages"][1]["language"]["allow"] == ["en"]
    assert positions.at(("stages", 1, "language", "allow")) == "r:5: "
    assert positions.at(("stages", 9)) == "r:2: "


def test_doubled_keys_are_all_reported() -> None:
    """YAML would silently take the last one."""
    with pytest.raises(RecipeError) as caught:
        load_yaml("a: 1\na: 2\nb: {c: 1, c: 2}\n", "r")
    assert caught.value.faults == [
        "r:2: a: is given twice in one mapping",
        "r:3: c: is given twice in one mapping",
    ]


@pytest.mark.parametrize(
    "text", ["a: &x [1]\nb: *x\n", "", "a: [", "a: !!python/object/apply:os.system [id]\n", "\0"]
)
def test_what_a_recipe_has_no_use_for_is_refused(text: str) -> None:
    """Aliases (the billion laughs), empty files, bad syntax, and objects of Python."""
    with pytest.raises(RecipeError):
        load_yaml(text, "r")


def test_set_changes_values_in_maps_and_lists() -> None:
    """A stage in the list is found by its name as well as by its number."""
    tree = {"stages": ["clean", {"chunk": {"max_tokens": 1}}]}
    set_value(tree, "stages.chunk.max_tokens=300")
    set_value(tree, "stages.clean.mojibake=false")
    set_value(tree, "split.validation=0.2")
    assert tree == {
        "stages": [{"clean": {"mojibake": False}}, {"chunk": {"max_tokens": 300}}],
        "split": {"validation": 0.2},
    }


@pytest.mark.parametrize("change", ["a", "=1", "stages.nothing.x=1", "name.x=1"])
def test_a_set_that_leads_nowhere_is_refused(change: str) -> None:
    """The path is repeated in the message."""
    with pytest.raises(RecipeError, match="--set"):
        set_value({"name": "x", "stages": ["clean"]}, change)


@pytest.mark.parametrize("value", ["[", "{a: 1", "2020-99-99", "'", "[" * 9999])
def test_a_set_to_what_is_no_yaml_is_refused(value: str) -> None:
    """Broken syntax, a day that there is not, and lists deeper than any."""
    with pytest.raises(RecipeError, match=r"--set name=.*: the value is not valid YAML"):
        set_value({"name": "x"}, f"name={value}")


def test_words_that_yaml_1_1_takes_for_booleans_are_words() -> None:
    """`on:` is a key of two stages, `no` is the Norwegian language."""
    tree, _ = load_yaml("on: [no, yes, off]\nmojibake: false\nx: true\n", "r")
    assert tree == {"on": ["no", "yes", "off"], "mojibake": False, "x": True}
    set_value(tree, "on=no")
    assert tree["on"] == "no"
