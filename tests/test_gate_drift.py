"""A run that is too far from the one before is not published, and the one before stays."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DataError
from pipeline.progress import Lines
from pipeline.recipe import load_recipe
from pipeline.run import Options, Outcome, prepare

pytestmark = pytest.mark.usefixtures("warm_gate")

RECIPE = """\
name: tea
sources: [{path: documents/}]
stages: [clean, {quality: {min_words: 3}}, dedup_exact]
targets: {corpus: {format: pretraining}}
split: {validation: 0.0}
gate: {drift: {lengths: 0.25, rejected: 0.2, sources_removed: 0.3, records_lost: 0.3}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty documents and their recipe."""
    (tmp_path / "documents").mkdir()
    for number in range(20):
        write(tmp_path, number, "The kettle is rinsed before tea number")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def write(folder: Path, number: int, text: str) -> None:
    (folder / "documents" / f"{number:02d}.md").write_text(f"{text} {number}")


def run(folder: Path, *changes: str) -> Outcome:
    recipe = load_recipe(folder / "recipe.yaml", list(changes))
    options = Options(output=str(folder / "out"), workers=1)
    return prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False))


def latest(folder: Path) -> str:
    told: dict[str, Any] = json.loads((folder / "out" / "LATEST").read_text())
    return str(told["run"])


def test_the_first_run_has_nothing_to_drift_from(folder: Path) -> None:
    """And the same work again is that run."""
    first = run(folder)
    assert (first.manifest["drift"], first.manifest["before"]) == (None, None)
    again = run(folder)
    assert (again.reused, again.run) == (True, first.run)


def test_a_small_step_is_published_and_named_after_the_run_before(folder: Path) -> None:
    """The distance stands in the manifest; the gate held each bound."""
    first = run(folder)
    write(folder, 20, "The cup is warmed before tea number")
    second = run(folder)
    assert latest(folder) == second.run != first.run
    assert second.manifest["before"] == second.manifest["drift"]["before"] == first.run
    held = {one["check"]: one for one in second.manifest["gate"]["checks"]}
    assert held["drift_lengths_allowed"]["bounds"] == {"min": None, "max": 0.25}
    assert {name for name in held if name.startswith("drift")} == {
        "drift_lengths_allowed", "drift_rejected_allowed", "drift_sources_removed_allowed",
        "drift_records_lost_allowed",
    }  # fmt: skip
    assert run(folder).reused


@pytest.mark.parametrize("fault", ["lengths", "rejected", "sources_removed", "records_lost"])
def test_each_bound_can_be_broken(folder: Path, fault: str) -> None:
    """The run before stays the latest; the evidence is in the work folder."""
    first = run(folder)
    for number in range(8):
        if fault == "lengths":
            write(folder, number, "A much longer text about tea and its water. " * 30)
            write(folder, number + 8, "A much longer text about tea and its cups. " * 30)
        elif fault == "rejected":
            write(folder, number, "Tea")
        else:
            (folder / "documents" / f"{number:02d}.md").unlink()
    with pytest.raises(DataError, match=rf"gate allows: .*, not .*gate.drift_{fault}_allowed"):
        run(folder)
    assert latest(folder) == first.run
    most = 10 if fault == "lengths" else 1
    wide = run(folder, f"gate={{drift: {{{fault}: {most}}}}}")
    assert latest(folder) == wide.run


def test_what_is_new_is_not_held_against_all_that_was(folder: Path) -> None:
    """A delta has fewer records by its nature; what it is made of is held, through the rest."""
    narrow = "targets.corpus.mode=delta"
    first = run(folder, narrow)
    write(folder, 20, "The cup is warmed before tea number")
    second = run(folder, narrow)
    assert latest(folder) == second.run != first.run
    assert second.manifest["targets"]["corpus"]["records"] == {"train": 1}
    assert second.manifest["drift"]["targets"] == {}
