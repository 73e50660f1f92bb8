"""The work folder: a run removes what runs have made, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import RecipeError
from pipeline.prepare import prepare_recipe
from pipeline.resume import PLAN
from pipeline.shards import discard_folder

pytestmark = pytest.mark.usefixtures("quick_gate")

RECIPE = """\
name: tea
sources: [{path: data/}]
targets: {pairs: {format: prompt_completion}}
split: {validation: 0}
"""


@pytest.fixture
def srv(tmp_path: Path) -> Path:
    """A recipe with its data, and a folder beside it that is nobody's business."""
    folder = tmp_path / "srv"
    write_pairs(folder, 3)
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "archive").mkdir()
    (folder / "archive/keep.txt").write_text("precious\n")
    folder.chmod(0o755)
    return folder


def write_pairs(folder: Path, pairs: int) -> None:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"prompt": f"Cup {n}?", "completion": f"{n} g."}) for n in range(pairs)]
    (folder / "data/pairs.jsonl").write_text("\n".join(lines) + "\n")


def run(srv: Path, output: Path, work: Path | None) -> str:
    recipe = srv / "recipe.yaml"
    made = prepare_recipe(recipe, output=str(output), work=work, workers=1, log="text")
    return made.outcome.run


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("work", ["srv", "srv/data", "srv/archive", ".", "out", "out/runs"])
def test_a_folder_that_holds_something_else_is_refused(
    srv: Path, tmp_path: Path, work: str
) -> None:
    """Before anything is written to it, and its mode stays."""
    before = everything(srv)
    with pytest.raises(RecipeError, match=r"^--work [^\n]*; name (a|another) "):
        run(srv, tmp_path / "out", tmp_path / work)
    assert everything(srv) == before
    assert srv.stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "out").exists()


def test_a_source_elsewhere_is_not_taken_for_work(srv: Path, tmp_path: Path) -> None:
    """Though no file stands in the work folder yet, and whatever links lead to it."""
    (srv / "data").rename(tmp_path / "far")
    recipe = RECIPE.replace("data/", str(tmp_path / "far/*.jsonl"))
    (srv / "recipe.yaml").write_text(recipe)
    (tmp_path / "linked").symlink_to(tmp_path / "far", target_is_directory=True)
    with pytest.raises(RecipeError, match="holds a source"):
        run(srv, tmp_path / "out", tmp_path / "linked")


def test_a_folder_that_anyone_may_write_to_is_refused(srv: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(RecipeError, match="anyone may write to it"):
        run(srv, tmp_path / "out", tmp_path / "open")


def test_a_run_removes_only_what_runs_have_made(srv: Path, tmp_path: Path) -> None:
    """Of other runs all goes; other folders, files and what links lead to stay, and the mode."""
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    work.chmod(0o750)
    first = run(srv, out, work)
    (srv / "archive").rename(work / "archive")
    (work / ("a" * 20)).mkdir()
    (work / ("a" * 20) / "keep.txt").write_text("no plan, so no run\n")
    (work / "linked").symlink_to(work / "archive", target_is_directory=True)
    (work / ("b" * 20)).symlink_to(work / "archive", target_is_directory=True)
    (work / "spool/mine.txt").write_text("mine\n")
    for left in ("restored", "teacher", "c" * 20, f"{'d' * 20}.part"):
        (work / left).mkdir()
    (work / ("d" * 20 + ".part") / "text").write_text("half removed\n")
    write_pairs(srv, 5)
    second = run(srv, out, work)
    assert first != second
    there = {path.name for path in work.iterdir() if path.is_dir()}
    assert there == {second, "spool", "archive", "a" * 20, "linked", "b" * 20}
    assert (work / "archive/keep.txt").read_text() == "precious\n"
    assert (work / "spool/mine.txt").exists()
    assert work.stat().st_mode & 0o777 == 0o750
    assert (work / second).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("sign", ["lock", "pinned.json", "a run"])
def test_a_work_folder_of_earlier_runs_goes_on_working(
    srv: Path, tmp_path: Path, sign: str
) -> None:
    """By its lock, its list of sources or the folder of a run, whichever is left."""
    work, out = tmp_path / "work", tmp_path / "out"
    first = run(srv, out, work)
    assert work.stat().st_mode & 0o777 == 0o700
    for path in work.glob("*"):
        if path.is_file() and path.name != sign:
            path.unlink()
    if sign != "a run":
        discard_folder(work / first)
    write_pairs(srv, 5)
    assert run(srv, out, work) != first


def test_the_default_work_folder_may_be_named(srv: Path, tmp_path: Path) -> None:
    """Whatever a run that had its work elsewhere has left in it."""
    (tmp_path / "out/.work").mkdir(parents=True)
    (tmp_path / "out/.work/LATEST.part").touch()
    assert run(srv, tmp_path / "out", tmp_path / "out/.work")


def test_what_is_left_of_a_folder_that_is_being_removed_is_known(tmp_path: Path) -> None:
    """It has no plan any more, and another name."""
    folder = tmp_path / ("e" * 20)
    folder.mkdir()
    (folder / PLAN).write_text("{}")
    (tmp_path / f"{folder.name}.part").mkdir()
    discard_folder(folder)
    discard_folder(folder)
    assert not list(tmp_path.iterdir())
