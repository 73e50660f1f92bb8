"""kill -9 at I/O steps: run again, the same bytes and nothing left over; readers see whole runs.

The suite tries every step of publishing and a sample of the others; SOAK=1 tries them all.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import tree_bytes
from forked_runs import Forks, serve_forks

SOAK = bool(os.environ.get("SOAK"))
SEED = int(os.environ.get("SEED", "20261125"))
SAMPLE = 10  # of the steps before publishing
Property = Callable[[str, object], None]


def write_project(folder: Path, kind: str, documents: int = 60) -> Path:
    """200 records: documents and pairs; the new data has other pairs than the old."""
    (folder / "docs").mkdir(parents=True)
    for number in range(documents):
        text = f"Tea number {number} steeps for {number + 2} minutes in water of 80 degrees.\n"
        (folder / f"docs/{number:02d}.txt").write_text(text * 3)
    lines = [
        json.dumps(
            {"prompt": f"How long does {kind} tea {n} steep?", "completion": f"{n} minutes."}
        )
        for n in range(200 - documents)
    ]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n")
    recipe = {
        "name": "kills",
        "sources": [{"path": "docs/"}, {"path": "pairs.jsonl", "reader": "jsonl"}],
        "stages": ["clean", "dedup_exact", "chunk"],
        "targets": {"corpus": {"format": "pretraining"}, "plain": {"format": "prompt_completion"}},
        "split": {"validation": 0.2, "group_by": "document"},
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    return folder / "recipe.yaml"


@dataclass
class Project:
    """Old and new data, an output that holds the old run, and one that holds both."""

    forks: Forks
    old: Path
    new: Path
    before: Path
    after: Path
    out: Path

    def prepare(self, recipe: Path, **asked: Any) -> dict[str, Any]:
        words = [
            "prepare",
            recipe,
            "--output",
            self.out,
            "--workers",
            "1",
            "--log",
            "text",
        ]
        return self.forks.run(*words, every_step=str(self.out), **asked)

    def reset(self) -> None:
        """The output as the old run has left it."""
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.before, self.out)

    def steps(self) -> list[str]:
        """The name of each step of the new run over the old one."""
        self.reset()
        listed = self.out.parent / "steps"
        listed.unlink(missing_ok=True)
        assert self.prepare(self.new, failpoint=f"list:{listed}")["code"] == 0
        return listed.read_text().splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("kills")
    with serve_forks(folder / "forks") as forks:
        old = write_project(folder / "old", "green")
        new = write_project(folder / "new", "black")
        made = Project(forks, old, new, folder / "before", folder / "after", folder / "out")
        for recipe, kept in ((old, made.before), (new, made.after)):
            told = made.prepare(recipe)
            assert told["code"] == 0, told["stderr"]
            shutil.copytree(made.out, kept)
        yield made


def work_names(output: Path) -> set[str]:
    """What is left in the work folder, without what every run leaves there."""
    return {path.relative_to(output).as_posix() for path in (output / ".work").rglob("*")}


def read_as_a_reader(output: Path) -> str | None:
    """The run that LATEST leads to, each of its files held against the manifest."""
    try:
        told = json.loads((output / "LATEST").read_bytes())
    except FileNotFoundError:
        return None
    folder = output / "runs" / told["run"]
    manifest = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == told["manifest_sha256"]
    for one in json.loads(manifest)["files"]:
        data = (folder / one["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one["path"]
    return str(told["run"])


@dataclass
class Reader:
    """Looks at a place again and again; what it saw, and what was wrong."""

    look: Callable[[], str | None]
    pause: float = 0.005  # seconds between two looks
    seen: set[str | None] = field(default_factory=set)
    wrong: list[BaseException] = field(default_factory=list)
    looks: int = 0

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        done = threading.Event()

        def loop() -> None:
            while not done.is_set():
                try:
                    self.seen.add(self.look())
                except BaseException as error:  # noqa: BLE001 - told by the test
                    self.wrong.append(error)
                self.looks += 1
                done.wait(self.pause)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()


def chosen(steps: list[str]) -> list[int]:
    """Numbers of the steps to be tried: all, or those of publishing and a sample."""
    numbers = list(range(1, len(steps) + 1))
    if SOAK:
        return numbers
    first = next(n for n in numbers if steps[n - 1] == "rename run")
    publishing = [n for n in numbers if n >= first - 3]
    rest = [n for n in numbers if n < first - 3]
    last = max(n for n in publishing if "LATEST" in steps[n - 1]) + 3
    dense = [n for n in publishing if n <= last]
    return [*random.Random(SEED).sample(rest, SAMPLE), *dense, len(steps)]


def test_killed_at_any_step_and_run_again_gives_the_same_bytes(
    project: Project, record_property: Property
) -> None:
    steps = project.steps()
    assert tree_bytes(project.out) == tree_bytes(project.after)
    numbers = chosen(steps)
    ends = {read_as_a_reader(project.before), read_as_a_reader(project.after)}
    expected, left = tree_bytes(project.after), work_names(project.after)
    reader = Reader(lambda: read_as_a_reader(project.out))
    for number in numbers:
        project.reset()
        with reader.reading():
            told = project.prepare(project.new, failpoint=f"kill:{number}")
            assert told["code"] == -signal.SIGKILL, (number, told)
            seen = read_as_a_reader(project.out)
            assert seen in ends, (number, steps[number - 1])
            told = project.prepare(project.new)
            assert told["code"] == 0, (number, steps[number - 1], told)
        where = (number, steps[number - 1])
        assert tree_bytes(project.out) == expected, where
        assert work_names(project.out) == left, where
    assert reader.wrong == []
    assert reader.seen == ends
    record_property(
        "tried", f"kill -9 on disk: {len(numbers)} of {len(steps)} I/O steps, "
        f"a reader looked {reader.looks} times",
    )  # fmt: skip


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(
    project: Project, record_property: Property
) -> None:
    """Not at a step of ours: wherever it happens to be, in Polars or in the kernel too."""
    project.reset()
    whole = project.prepare(project.new)["seconds"]
    chance, killed, number = random.Random(SEED), 0, 0
    ends = {read_as_a_reader(project.before), read_as_a_reader(project.after)}
    expected, left = tree_bytes(project.after), work_names(project.after)
    while killed < (100 if SOAK else 6):
        number += 1
        project.reset()
        told = project.prepare(project.new, signal_after=chance.uniform(0, whole))
        killed += told["code"] == -signal.SIGKILL
        whole *= 1 if told["code"] else 0.9  # it came too late
        assert read_as_a_reader(project.out) in ends, number
        told = project.prepare(project.new)
        assert told["code"] == 0, (number, told)
        assert tree_bytes(project.out) == expected, number
        assert work_names(project.out) == left, number
    record_property("tried", f"kill -9 on disk at random moments: {killed}")


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EROFS", "EDQUOT"])
def test_a_failing_disk_ends_the_run_and_leaves_the_old_one(
    project: Project, fault: str, record_property: Property
) -> None:
    """From any step on: exit code 4, one line, LATEST untouched; then the run goes on."""
    steps = project.steps()
    numbers = list(range(1, len(steps) + 1))
    if not SOAK:
        numbers = random.Random(f"{SEED} {fault}").sample(numbers, 4)
    old = read_as_a_reader(project.before)
    expected = tree_bytes(project.after)
    for number in numbers:
        project.reset()
        told = project.prepare(project.new, failpoint=f"{fault}:{number}+")
        where = (number, steps[number - 1], told)
        seen = read_as_a_reader(project.out)
        published = steps[: number - 1].count("fsync LATEST") and seen != old
        assert told["code"] == 4, where
        assert told["stderr"].strip().split("\n")[-1].count("Errno") == 0, where
        assert "Traceback" not in told["stderr"], where
        assert seen == old or published, where
        assert project.prepare(project.new)["code"] == 0
        assert tree_bytes(project.out) == expected, where
    record_property("tried", f"{fault} from a step on: {len(numbers)} of {len(steps)} I/O steps")
