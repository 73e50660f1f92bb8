"""Tasks whose sources are just those of an earlier one: taken over whole, by link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_incremental import Project

from pipeline import execution
from pipeline.memory import Share

pytestmark = pytest.mark.usefixtures("quick_gate")

TEXT = "Water is boiled in it, and then it is kept {} for green tea."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Every file a task of its own."""
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(1, 1))
    return Project(tmp_path / "project", 7)


def kept_files(output: Path) -> dict[int, str]:
    """The files of the first pass with records by their number on the disk, which a link shares."""
    found = output.glob(".work/*/pass-00/*.kept.arrow")
    return {path.stat().st_ino: path.name for path in found}


def test_what_comes_behind_leaves_all_tasks_before_it(tmp_path: Path, project: Project) -> None:
    """Their files are linked, and the run has the bytes of one that makes all."""
    project.run(tmp_path / "out")
    before = kept_files(tmp_path / "out")
    (project.folder / "docs/zz.txt").write_text(TEXT.format("warm"))
    by_night = project.run(tmp_path / "out")
    after = kept_files(tmp_path / "out")
    assert len(after) == len(before) + 1
    assert before.keys() <= after.keys()
    assert by_night == project.run(tmp_path / "once")


def test_tasks_get_another_number(tmp_path: Path, project: Project) -> None:
    """The first is gone, then others come before: the rest is linked under new names, twice."""
    first = project.folder / "docs/000.txt"
    first.write_text(TEXT.format("warm"))
    project.run(tmp_path / "out")
    before = kept_files(tmp_path / "out")
    first.unlink()
    shorter = project.run(tmp_path / "out")
    moved = kept_files(tmp_path / "out")
    assert moved.keys() < before.keys()
    assert all(moved[number] < before[number] for number in moved)
    for name in ("000", "001"):
        (project.folder / f"docs/{name}.txt").write_text(TEXT.format(name))
    longer = project.run(tmp_path / "out")
    again = kept_files(tmp_path / "out")
    assert moved.keys() < again.keys()
    assert all(again[number] > before[number] for number in moved)
    assert longer == project.run(tmp_path / "longer") != shorter


def test_without_links_they_are_copied(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system that has none."""
    project.run(tmp_path / "out")
    before = kept_files(tmp_path / "out")
    (project.folder / "docs/zz.txt").write_text(TEXT.format("warm"))

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    by_night = project.run(tmp_path / "out")
    assert not before.keys() & kept_files(tmp_path / "out").keys()
    assert by_night == project.run(tmp_path / "once")
