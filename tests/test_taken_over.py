"""Tasks whose sources are just those of an earlier one: taken over whole, by link."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_incremental import Project

from pipeline import execution, finish, observations, passes, reuse, stage, taken_over
from pipeline.made import made_of_parts, rows_in_use
from pipeline.memory import Share
from pipeline.parts import Parts
from pipeline.record import ID_LENGTH, frame
from pipeline.reuse import find_known, first_of_each
from pipeline.steps import Steps
from pipeline.taken_over import link_known

pytestmark = pytest.mark.usefixtures("quick_gate")

SMALL_MOST = 3
TEXT = "Water is boiled in it, and then it is kept {} for green tea."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Every file a task of its own."""
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(1, 1))
    return Project(tmp_path / "project", 7, documents=10)


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


def test_tasks_keep_their_names_wherever_others_come_and_go(
    tmp_path: Path, project: Project
) -> None:
    """The first is gone, then others come before: the rest is linked as it is, twice."""
    first = project.folder / "docs/000.txt"
    first.write_text(TEXT.format("warm"))
    project.run(tmp_path / "out")
    before = kept_files(tmp_path / "out")
    first.unlink()
    shorter = project.run(tmp_path / "out")
    moved = kept_files(tmp_path / "out")
    assert moved.items() < before.items()
    for name in ("000", "001"):
        (project.folder / f"docs/{name}.txt").write_text(TEXT.format(name))
    longer = project.run(tmp_path / "out")
    again = kept_files(tmp_path / "out")
    assert moved.items() < again.items()
    assert longer == project.run(tmp_path / "longer") != shorter


def work_files(output: Path, kind: str) -> dict[str, list[int]]:
    """The numbers on the disk of the work files of one kind, by the pass that made them."""
    found: dict[str, list[int]] = {}
    for path in sorted(output.glob(f".work/*/*/*.{kind}")):
        found.setdefault(path.parent.name, []).append(path.stat().st_ino)
    return found


def test_what_later_passes_made_is_taken_over_too(tmp_path: Path, project: Project) -> None:
    """A new document moves no other's votes: all that was chunked and rendered stays."""
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("validation: 0.2", "validation: 0"))
    project.run(tmp_path / "out")
    kinds = ("kept.arrow", "targets.corpus.lines.jsonl")
    before = [work_files(tmp_path / "out", kind) for kind in kinds]
    (project.folder / "docs/zz.txt").write_text("A single sentence about the porcelain lid here.")
    by_night = project.run(tmp_path / "out")
    for kind, earlier in zip(kinds, before, strict=True):
        after = work_files(tmp_path / "out", kind)
        assert set(after) == set(earlier)
        for name, files in earlier.items():
            assert len(set(after[name]) - set(files)) == 1, name
            assert set(files) <= set(after[name]), name
    assert by_night == project.run(tmp_path / "once")


def in_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sources of a run in one task."""
    monkeypatch.setattr(execution, "share_memory", lambda *_: Share(1, 1 << 20))


def test_of_what_is_gone_no_text_stays(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task is written anew without it, in every pass; the others' records are not made anew."""
    in_one_task(monkeypatch)
    secret = project.folder / "docs/500-secret.txt"
    secret.write_text("The porcelain owl watches over seventeen umbrellas in the hall.")
    project.run(tmp_path / "out")
    work = tmp_path / "out/.work"

    def holding() -> set[str]:
        files = [path for path in work.rglob("*") if path.is_file()]
        return {path.parent.name for path in files if b"seventeen" in path.read_bytes()}

    assert holding() == {"pass-00", "pass-01", "rendered"}
    secret.unlink()
    read: list[str] = []
    real = passes.read_units
    monkeypatch.setattr(
        passes, "read_units", lambda units, *rest: real(read.extend(units) or units, *rest)
    )
    by_night = project.run(tmp_path / "out")
    assert not read
    assert not holding()
    assert by_night == project.run(tmp_path / "once")


def test_small_tasks_are_put_together(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document a night for three times as many nights as there may be small tasks."""
    in_one_task(monkeypatch)
    monkeypatch.setattr(taken_over, "SMALL_MOST", SMALL_MOST)
    numbers = []
    for night in range(3 * SMALL_MOST):
        (project.folder / f"docs/n{night:02d}.txt").write_text(TEXT.format(f"for night {night}"))
        by_night = project.run(tmp_path / "out")
        numbers.append(len(kept_files(tmp_path / "out")))
    assert max(numbers) == SMALL_MOST + 1
    assert min(numbers[SMALL_MOST + 1 :]) == 2
    assert by_night == project.run(tmp_path / "once")


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


def test_samples_that_are_gone_give_their_places_to_others(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that are shown, one goes a night: the next is known as long as some were kept to
    spare, and after that the texts are read again. The report is always that of one run."""
    in_one_task(monkeypatch)
    for module, name, number in (
        (stage, "SAMPLES_KEPT", 4), (reuse, "SAMPLES_KEPT", 4),
        (reuse, "SAMPLES_MOST", 2), (observations, "SAMPLES_MOST", 2),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, number)
    for number in range(12):
        (project.folder / f"docs/b{number}.txt").write_text(TEXT.format(f"  {number} \n\n\n  warm"))
    read: list[str] = []
    real = passes.read_units
    monkeypatch.setattr(
        passes, "read_units", lambda units, *rest: real(read.extend(units) or units, *rest)
    )
    shown: list[pl.DataFrame] = []
    gathered = finish.gather_samples
    monkeypatch.setattr(
        finish, "gather_samples", lambda made: shown.append(gathered(made)) or shown[-1]
    )
    project.run(tmp_path / "out")
    times = []
    for night in range(4):
        blanks = shown[-1].filter(pl.col("kind") == "blanks").sort("id")
        assert blanks.height == 2
        (project.folder / blanks["source"].first()).unlink()
        read.clear()
        by_night = project.run(tmp_path / "out")
        times.append(len(read))
        assert by_night == project.run(tmp_path / f"once-{night}")
    assert times[:2] == [0, 0]
    assert sum(times) > 0


def earlier(work: Path, keys: Sequence[str], parts: Sequence[Sequence[int]]) -> Path:
    """The folder of an earlier run's task: a record for each number of a unit in a part."""
    made = Parts(work / "other/pass-00", keys, keys, "stages")
    made.folder.mkdir(parents=True)
    start = 0
    for units in parts:
        texts = [f"piece {number}" for number in range(start, start + len(units))]
        records = frame([{"source": "a", "text": text} for text in texts])
        ids = [f"{number:0{ID_LENGTH}x}" for number in range(start, start + len(units))]
        own = records.with_columns(id=pl.Series(ids), unit=pl.Series(units, dtype=pl.UInt32))
        steps = Steps(own, made)
        steps.take("read", steps.records)
        frames = {"kept": steps.records, "rejected": steps.rejected(), "ledger": steps.ledger()}
        made.write(frames, steps.roots)
        start += len(units)
    made.finish()
    return made.folder


def test_a_task_is_linked_where_no_source_is_gone_and_half_is_of_use(tmp_path: Path) -> None:
    """Which of its rows count is said beside it, and no longer than that is so."""
    there = earlier(tmp_path, ["a", "b", "c"], [[0, 1, 2]])
    own = tmp_path / "own/pass-00"
    own.mkdir(parents=True)

    def kept(wanted: str, sources: str) -> tuple[list[str], bool, list[int] | None]:
        """The texts, whether their file is the earlier one, and its rows in use."""
        keys = pl.Series(list(wanted))
        known = find_known(tmp_path, own, "stages", keys, pl.Series(list(sources)), full=False)
        taken = link_known(known, own, "stages", keys, 1 << 20)
        made = made_of_parts(taken, keys)
        [file] = made.files("kept")
        in_use = rows_in_use(file)
        texts = [text for some in made.frames("kept", ["text"]) for text in some["text"]]
        [before] = there.glob("*.kept.arrow")
        return texts, file.samefile(before), None if in_use is None else in_use.to_list()

    assert kept("ca", "abc") == (["piece 2", "piece 0"], True, [0, 2])
    assert kept("abc", "abc") == (["piece 0", "piece 1", "piece 2"], True, None)
    assert kept("b", "abc") == (["piece 1"], False, None)
    shutil.rmtree(own)
    own.mkdir()
    assert kept("ca", "ac") == (["piece 2", "piece 0"], False, None)


def test_the_pieces_of_a_unit_stay_in_one_task(tmp_path: Path) -> None:
    """Its rows that are too many for one part are, where its task is written anew, too."""
    earlier(tmp_path, ["big", "gone"], [[0], [0], [0], [1]])
    own = tmp_path / "own/pass-00"
    own.mkdir(parents=True)
    keys = pl.Series(["new", "big"])
    for full in (False, True):  # from the other run, and again from what that has made
        known = find_known(tmp_path, own, "stages", keys, keys, full=full)
        located = list(link_known(known, own, "stages", keys, 1))
        made = made_of_parts(located, keys)
        texts = [text for some in made.frames("kept", ["text"]) for text in some["text"]]
        assert texts == ["piece 0", "piece 1", "piece 2"]
        assert len({str(part).rpartition("-")[0] for part in made.parts}) == 1
        assert len(made.parts) == 3


def plainly_first(
    tasks: list[list[dict[str, Any]]], keys: list[str], sources: list[str]
) -> list[dict[str, Any]]:
    """`first_of_each`, task by task and row by row."""
    wanted, found = set(keys), list[dict[str, Any]]()
    for rows in tasks:
        own = [
            row
            | {
                "hides": any(r["key"] not in wanted for r in rows if r["part"] == row["part"]),
                "of": sum(r["size"] for r in rows),
                "gone": any(r["source"] not in sources for r in rows),
            }
            for row in rows
            if row["key"] in wanted
        ]
        found += own
        wanted -= {row["key"] for row in own}
    return found


@pytest.mark.parametrize("seed", range(40))
def test_of_several_tasks_that_have_a_unit_the_first_is_taken(seed: int) -> None:
    """What hides rows, what is gone, and of how many bytes a task is: as a plain loop says."""
    chance = random.Random(seed)
    names = "abcdefgh"
    tasks = [
        [
            {
                "key": key,
                "source": key.upper(),
                "part": f"{number}-{chance.randrange(2)}",
                "size": chance.randrange(9),
                "task": f"task {number}",
            }
            for key in sorted(chance.choices(names, k=chance.randrange(7)))
        ]
        for number in range(chance.randrange(5))
    ]
    keys, sources = (chance.sample(names, chance.randrange(9)) for _ in range(2))
    frames = [pl.DataFrame(rows) for rows in tasks]
    there = [source.upper() for source in sources]
    wanted = pl.Series(keys, dtype=pl.String), pl.Series(there, dtype=pl.String)
    found = first_of_each(frames, *wanted)
    assert found.to_dicts() == plainly_first(tasks, keys, there)
