"""Expectations of one's own: read, refused early, held by Great Expectations, told with places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import Command, latest
from test_gate import COUNTS, METRICS, by_name, row

from pipeline.errors import RecipeError
from pipeline.gate.gate import TargetLimits, check_gate
from pipeline.gate.own import Expectation, known_types
from pipeline.recipe import load_recipe
from pipeline.recipe_settings import Gate

ROWS = [
    row(1, tokens=10, language="vi"),
    row(2, tokens=20, language="en", source="web/a.html"),
    row(3, tokens=900, language="xx", source="web/b.html"),
    row(4, tokens=None, language=None),
]
FAILING: list[tuple[str, dict[str, Any], list[str]]] = [
    ("column_values_to_be_between", {"column": "tokens", "max_value": 100}, ["line=3"]),
    ("column_values_to_be_in_set", {"column": "language", "value_set": ["vi", "en"]}, ["line=3"]),
    ("column_values_to_not_be_in_set", {"column": "tokens", "value_set": [20]}, ["line=2"]),
    ("column_values_to_not_be_null", {"column": "language"}, ["line=4"]),
    ("column_values_to_match_regex", {"column": "source", "regex": "^docu"}, ["line=2", "line=3"]),
    ("column_value_lengths_to_equal", {"column": "language", "value": 3}, ["1", "2", "3"]),
    ("column_values_to_be_between", {"column": "quality.words", "min_value": 5}, ["line=2"]),
    ("column_values_to_be_between", {"column": "quality.2.words", "min_value": 5}, ["line=4"]),
]
WHOLE: list[tuple[str, dict[str, Any]]] = [
    ("column_mean_to_be_between", {"column": "tokens", "max_value": 100}),
    ("column_most_common_value_to_be_in_set", {"column": "split", "value_set": ["test"]}),
    ("table_row_count_to_be_between", {"min_value": 5}),
    ("column_pair_values_to_be_equal", {"column_A": "tokens", "column_B": "bytes"}),
    ("compound_columns_to_be_unique", {"column_list": ["split", "turns"]}),
]


def expectation(name: str, kwargs: dict[str, Any], **more: Any) -> Expectation:
    return Expectation(type=f"expect_{name}", kwargs=kwargs, **more)


def held(folder: Path, expectations: list[Expectation]) -> dict[str, Any]:
    """The four records held against expectations; `quality` measured their words."""
    gate_folder, measures = folder / "gate", folder / "measures"
    for path in (gate_folder, measures):
        path.mkdir()
    ids = [one["id"] for one in ROWS]
    for label, words in {"quality": [9, 4, 8, 7], "quality.2": [9, 6, 8, 3]}.items():
        table = pl.DataFrame({"id": ids, "words": words})
        table.write_parquet(measures / f"{label}.parquet")
    pl.DataFrame(ROWS, schema=METRICS).write_parquet(folder / "metrics.parquet")
    gate = Gate(min_records=0, expectations=expectations)
    targets = {"assistant": TargetLimits()}
    return check_gate(
        gate, targets, folder / "metrics.parquet", COUNTS, gate_folder, measures=measures
    )


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Every expectation of the two lists, each of which the records break; one that only warns."""
    asked = [expectation(name, kwargs) for name, kwargs, _ in FAILING]
    asked += [expectation(name, kwargs) for name, kwargs in WHOLE]
    asked.append(
        expectation("column_max_to_be_between", {"column": "tokens", "max_value": 1},
                    severity="warning", description="Short answers are wanted")
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("own")
    return held(folder, asked), folder


def test_each_fails_with_the_records_that_break_it(failed: tuple[dict[str, Any], Path]) -> None:
    """Found by Polars from the values that Great Expectations names."""
    told, _ = failed
    own = [one for one in told["checks"] if one.get("own")]
    assert [one["passed"] for one in own] == [False] * (len(FAILING) + len(WHOLE) + 1)
    names = [one["check"] for one in own]
    assert names[0] == "tokens.column_values_to_be_between"
    assert names[-2] == "split+turns.compound_columns_to_be_unique"
    for one, (_, _, places) in zip(own, FAILING, strict=False):
        found = [row["locator"] for row in told["failing"][f"assistant.{one['check']}"]]
        assert found == [place if "=" in place else f"line={place}" for place in places]
        assert "values" not in one
    for one in own[len(FAILING) :]:
        assert f"assistant.{one['check']}" not in told["failing"]


def test_what_was_asked_and_seen_is_told(failed: tuple[dict[str, Any], Path]) -> None:
    """As it was written in the recipe; a list that was observed as text."""
    checks = by_name(failed[0])
    mean = checks["assistant", "tokens.column_mean_to_be_between"]
    assert mean["observed"] == pytest.approx(310)
    assert json.loads(mean["asked"]) == {"column": "tokens", "max_value": 100}
    splits = checks["assistant", "split.column_most_common_value_to_be_in_set"]
    assert "train" in splits["seen"]
    assert checks["assistant", "table.table_row_count_to_be_between"]["observed"] == 4
    warned = checks["assistant", "tokens.column_max_to_be_between"]
    assert (warned["severity"], warned["about"]) == ("warning", "Short answers are wanted")


def test_a_warning_stops_nothing(tmp_path: Path) -> None:
    """It is told as failed, and the gate passes."""
    asked = expectation("column_max_to_be_between", {"column": "turns", "max_value": 1})
    told = held(tmp_path, [asked.model_copy(update={"severity": "warning"})])
    assert [one["check"] for one in told["checks"] if not one["passed"]] == [
        "tokens_known",
        "turns.column_max_to_be_between",
    ]
    told["checks"] = [one for one in told["checks"] if one.get("own")]
    assert not told["passed"]  # for the tokens that are not known


def test_the_kept_suite_is_one_of_great_expectations(failed: tuple[dict[str, Any], Path]) -> None:
    """Its JSON can be read back as a suite, and named in another recipe."""
    [records, counts] = json.loads((failed[1] / "gate" / "suite.json").read_bytes())["suites"]
    assert (records["name"], counts["name"]) == ("records-000", "counts")
    file = failed[1] / "suite.json"
    file.write_text(json.dumps({"expectations": records["expectations"][-3:]}))
    recipe = failed[1] / "recipe.yaml"
    recipe.write_text(
        "name: again\nsources: [{path: x.md}]\nstages: [clean]\n"
        "targets: {assistant: {format: pretraining_text}}\ngate: {suite: suite.json}\n"
    )
    read = load_recipe(recipe).gate
    assert read.suite is None
    assert [one.type for one in read.expectations] == [
        "expect_column_pair_values_to_be_equal",
        "expect_compound_columns_to_be_unique",
        "expect_column_max_to_be_between",
    ]
    assert [one.target for one in read.expectations] == ["assistant"] * 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"column": "quality.nothing"}, "no stage of this run measured quality.nothing"),
        ({"column": "nowhere.words"}, "no stage of this run measured nowhere.words"),
        ({"column": "tokens", "min_value": "many"}, "expect_column_values_to_be_between"),
    ],
)
def test_one_that_cannot_be_computed_is_the_recipes_fault(
    tmp_path: Path, kwargs: dict[str, Any], message: str
) -> None:
    """Exit code 2, never a failed check, and never our bug."""
    with pytest.raises(RecipeError, match=message):
        held(tmp_path, [expectation("column_values_to_be_between", kwargs)])


RECIPE = """\
name: own
sources: [{path: docs/}]
stages: [clean, quality]
targets: {corpus: {format: pretraining_text}}
gate:
"""


def write(folder: Path, gate: str) -> Path:
    (folder / "docs").mkdir()
    for number in range(3):
        text = f"Page {number} tells how a tea of the house is made. " * (number + 1)
        (folder / "docs" / f"{number}.md").write_text(text)
    (folder / "recipe.yaml").write_text(RECIPE + gate)
    return folder / "recipe.yaml"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("  expectations: [{type: expect_tea_to_be_hot}]", "Great Expectations has no expect_tea"),
        (
            "  expectations: [{type: expect_column_to_exist, kwargs: {column: sugar}}]",
            "no column sugar",
        ),
        (
            "  expectations: [{type: expect_column_to_exist, kwargs: {column: quality.2.words}}]",
            "no column quality.2.words",
        ),
        ("  expectations: [{type: expect_column_to_exist, target: milk}]", "milk is not a target"),
        ("  expectations: [{type: DROP TABLE}]", "pattern"),
        ("  suite: nowhere.json", "nowhere.json: No such file"),
        ("  suite: recipe.yaml", "is not a suite of Great Expectations"),
    ],
)
def test_a_wrong_expectation_is_refused_before_the_work(
    tmp_path: Path, gate: str, message: str
) -> None:
    """With its place in the recipe."""
    with pytest.raises(RecipeError, match=message):
        load_recipe(write(tmp_path, gate))


def test_the_known_types_are_those_of_great_expectations() -> None:
    """Without importing it; those that need SQL are none of them."""
    types = known_types()
    assert {"expect_column_values_to_be_between", "expect_table_row_count_to_equal"} <= types
    assert not any("query" in name or "other_table" in name for name in types)
    assert len(types) > 50


def test_a_run_with_a_suite_of_its_own_ends_with_3(bedrock_prep: Command, tmp_path: Path) -> None:
    """The message names the check; a changed suite is another run; a met one is published."""
    suite = {"column": "tokens", "max_value": 20}
    path = write(tmp_path, "  suite: house.json\n")

    def run(most: int) -> Any:
        one = {"type": "expect_column_values_to_be_between", "kwargs": suite | {"max_value": most}}
        (tmp_path / "house.json").write_text(json.dumps({"name": "house", "expectations": [one]}))
        return bedrock_prep("prepare", path, "--output", tmp_path / "out")

    done = run(20)
    assert done.returncode == 3, done.stderr
    [told] = [line for line in done.stderr.splitlines() if "(gate.tokens." in line]
    assert "corpus: " in told
    assert " of 3 records (gate.tokens.column_values_to_be_between)" in told
    done = run(2000)
    assert done.returncode == 0, done.stderr
    folder = latest(tmp_path / "out")
    assert '"max_value": 2000' in (folder / "suite.json").read_text()
    assert "tokens.column_values_to_be_between" in (folder / "report.html").read_text()
