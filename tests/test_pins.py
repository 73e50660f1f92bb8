"""Which files are read to be pinned: those that may have changed since an earlier run read them."""

from __future__ import annotations

import io
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import latest, tree_bytes
from PIL import Image
from test_incremental import Project

from pipeline import pins, storage
from pipeline.errors import SourceChanged, StorageError
from pipeline.execution import Execution
from pipeline.options import Options
from pipeline.pins import Pins
from pipeline.progress import Lines
from pipeline.readers import ranges
from pipeline.readers.images import ImagesReader
from pipeline.recipe import load_recipe
from pipeline.run import prepare
from pipeline.shards import read_frame
from pipeline.source import Listed, SourceFile
from pipeline.storage import Aws, list_sources, pin

pytestmark = pytest.mark.usefixtures("quick_gate")

TEXT = "Water is boiled in it, and then it is kept warm for green tea."


@pytest.fixture
def digested(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read to be pinned; every stamp is old enough."""
    seen: list[str] = []
    real = storage.pin_local

    def told(listed: Listed) -> SourceFile:
        seen.append(listed.uri)
        return real(listed)

    monkeypatch.setattr(storage, "pin_local", told)
    monkeypatch.setattr(pins, "SETTLED", -(10**15))
    return seen


def test_what_was_not_touched_is_not_digested_again(tmp_path: Path, digested: list[str]) -> None:
    """What is new or written to is, be its size and its own time as they were; `full` reads all."""
    project = Project(tmp_path / "project", 7)
    changed = project.folder / "docs/changed.txt"
    changed.write_text(TEXT)
    project.run(tmp_path / "out")
    assert len(digested) == len(project.files())
    told = changed.stat()
    changed.write_text(TEXT.replace("warm", "cold"))
    os.utime(changed, ns=(told.st_atime_ns, told.st_mtime_ns))
    (project.folder / "docs/new.txt").write_text(TEXT.replace("green", "black"))
    digested.clear()
    by_night = project.run(tmp_path / "out")
    assert sorted(digested) == ["docs/changed.txt", "docs/new.txt"]
    assert by_night == project.run(tmp_path / "once")
    digested.clear()
    project.run(tmp_path / "out", full=True)
    assert len(digested) == len(project.files())


def test_what_was_not_touched_keeps_its_reader(
    tmp_path: Path, digested: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reader is asked again whether it takes it, but by other code."""
    project = Project(tmp_path / "project", 7)
    recipe = project.folder / "recipe.yaml"
    recipe.write_text(re.sub(r" +reader: .*\n", "", recipe.read_text()))
    asked: list[str] = []

    def claims(_: ImagesReader, file: SourceFile, head: bytes) -> bool:  # the first that is asked
        asked.append(file.uri)
        return False

    monkeypatch.setattr(ImagesReader, "claims", claims)
    project.run(tmp_path / "out")
    assert len(asked) == len(project.files())
    (project.folder / "docs/new.txt").write_text(TEXT)
    asked.clear()
    by_night = project.run(tmp_path / "out")
    assert asked == ["docs/new.txt"]
    assert by_night == project.run(tmp_path / "once")
    (project.folder / "docs/newer.txt").write_text(TEXT)
    asked.clear()
    monkeypatch.setattr(pins, "code_digest", lambda: "of another version")
    project.run(tmp_path / "out")
    assert len(asked) == len(project.files())


LARGE = """
name: ranges
sources: [{path: pairs.jsonl}, {path: table.csv}]
stages: [clean]
targets: {pairs: {format: prompt_completion}}
"""


def test_a_large_file_is_cut_once(
    tmp_path: Path, digested: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not opened again to find its ranges, but by other code, or when it is another."""
    project = Project(tmp_path / "project", 7)
    (project.folder / "recipe.yaml").write_text(LARGE)
    pairs = project.folder / "pairs.jsonl"
    lines = [f'{{"prompt": "What is {n}?", "completion": "A number."}}\n' for n in range(300)]
    pairs.write_text("".join(lines))
    rows = "".join(f"Which is {n}?,A number.\n" for n in range(300))
    (project.folder / "table.csv").write_text("prompt,completion\n" + rows)
    opened: list[str] = []
    real = SourceFile.open
    monkeypatch.setattr(SourceFile, "open", lambda self: opened.append(self.uri) or real(self))
    monkeypatch.setattr(ranges, "RANGE_BYTES", 2000)
    monkeypatch.setattr("pipeline.memory.SHARD_MOST", 2000)
    first = project.run(tmp_path / "out")
    assert opened.count("pairs.jsonl") > 5
    published = tmp_path / "out/LATEST"

    def again(name: str) -> dict[str, bytes]:
        opened.clear()
        published.unlink()
        recipe = project.folder / "recipe.yaml"
        recipe.write_text(LARGE + f"gate: {{min_records: {len(name)}}}\n")  # another run
        return project.run(tmp_path / "out")

    lines_of = again("1")["pairs/train.jsonl"]
    assert opened == []
    assert lines_of == first["pairs/train.jsonl"]
    pairs.write_text("".join(lines[1:]))
    by_night = again("22")
    assert set(opened) == {"pairs.jsonl"}
    assert by_night == project.run(tmp_path / "once")
    monkeypatch.setattr(pins, "code_digest", lambda: "of another version")
    again("333")
    assert set(opened) == {"pairs.jsonl", "table.csv"}


def test_a_file_put_in_the_place_of_another_is_digested(
    tmp_path: Path, digested: list[str]
) -> None:
    """By renaming, which does not write to it."""
    project = Project(tmp_path / "project", 7)
    changed, other = project.folder / "docs/changed.txt", tmp_path / "other.txt"
    changed.write_text(TEXT)
    other.write_text(TEXT.replace("warm", "cold"))
    os.utime(other, ns=(0, changed.stat().st_mtime_ns))
    project.run(tmp_path / "out")
    digested.clear()
    other.replace(changed)
    project.run(tmp_path / "out")
    assert digested == ["docs/changed.txt"]


def test_what_was_just_touched_is_not_believed(tmp_path: Path) -> None:
    """The clock of its file system may not have moved between the reading and a later writing."""
    seen = Pins(tmp_path)
    now, old = seen.settled, seen.settled - 1
    listed = {
        name: Listed(name, 1, tmp_path / name, None, f"1 {changed} {entered} 7")
        for name, changed, entered in [("a", old, old), ("b", now, old), ("c", old, now)]
    }
    for one in listed.values():
        seen.note(one, "00")
    seen.write()
    found = Pins(tmp_path).of(list(listed.values()))
    assert found == ["00", None, None]


@pytest.mark.parametrize("suffix", ["arrow", "json"])
def test_damaged_notes_are_not_believed(tmp_path: Path, digested: list[str], suffix: str) -> None:
    """One flipped byte of either file: all sources are read."""
    project = Project(tmp_path / "project", 5)
    first = project.run(tmp_path / "out")
    noted = tmp_path / f"out/.work/pinned.{suffix}"
    data = bytearray(noted.read_bytes())
    data[len(data) // 2] ^= 1
    noted.write_bytes(data)
    digested.clear()
    assert project.run(tmp_path / "out") == first
    assert len(digested) == len(project.files())


def test_a_file_whose_records_are_made_anew_is_digested_first(
    tmp_path: Path, digested: list[str]
) -> None:
    """It is only believed where nothing is read of it: a note that lies stops the run."""
    project = Project(tmp_path / "project", 5)
    project.run(tmp_path / "out")
    known = Pins(tmp_path / "out/.work")
    name, (stamp, _) = next((uri, told) for uri, told in known.known.items() if ".txt" in uri)
    known.seen = known.known | {name: (stamp, "0" * 64)}
    known.write()
    assert name in read_frame(tmp_path / "out/.work/pinned.arrow")["uri"]
    with pytest.raises(SourceChanged, match="has changed, though"):
        project.run(tmp_path / "out")
    assert tree_bytes(latest(tmp_path / "out")) == project.run(tmp_path / "out", full=True)


@pytest.mark.parametrize("seed", range(3))
def test_nights_that_believe_end_in_the_bytes_of_one_run(
    tmp_path: Path, digested: list[str], seed: int
) -> None:
    """Files come, change and go; some are only touched."""
    project, chance = Project(tmp_path / "project", seed), random.Random(seed)
    project.run(tmp_path / "nightly")
    for night in range(3):
        project.night()
        for path in chance.sample(project.files(), 2):
            path.touch()
        digested.clear()
        by_night = project.run(tmp_path / "nightly")
        assert len(digested) < len(project.files())
        assert by_night == project.run(tmp_path / f"once-{night}")


def changes(monkeypatch: pytest.MonkeyPatch, before: str, change: Callable[[], object]) -> None:
    """Have something change while a run is about to do its `_all_passes` or its `_render`."""
    real = getattr(Execution, before)

    def changed(execution: Execution, *given: Any) -> Any:
        change()
        return real(execution, *given)

    monkeypatch.setattr(Execution, before, changed)


def test_a_file_that_becomes_a_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes to it: neither its digest, its first bytes nor its text ever came."""
    path = tmp_path / "docs/a.txt"
    path.parent.mkdir()
    path.write_text(TEXT)
    [listed] = list_sources("docs", tmp_path, Aws())
    file = pin(listed, tmp_path, Aws())
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StorageError, match=r"source docs/a.txt: is no regular file any more"):
        pin(listed, tmp_path, Aws())
    for read in (file.head, file.open):
        with pytest.raises(OSError, match="no regular file any more; run again"):
            read()
    project = Project(tmp_path / "project", 5)
    changing = project.folder / "docs/changing.txt"
    changing.write_text(TEXT)

    def replace() -> None:
        changing.unlink()
        os.mkfifo(changing)

    changes(monkeypatch, "_all_passes", replace)
    with pytest.raises(StorageError, match=r"changing.txt"):
        project.run(tmp_path / "out")
    assert not (tmp_path / "out/LATEST").exists()


@pytest.mark.parametrize("becomes", [TEXT.replace("warm", "cold"), TEXT * 2, ""])
def test_a_file_that_changes_before_it_is_read_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """Nothing is published, nothing made of it is kept: the next run has what is there then."""
    project = Project(tmp_path / "project", 5)
    changing = project.folder / "docs/changing.txt"
    changing.write_text(TEXT)
    with monkeypatch.context() as patched:
        changes(patched, "_all_passes", lambda: changing.write_text(becomes))
        with pytest.raises(SourceChanged, match=r"docs/changing.txt: changed while it was read"):
            project.run(tmp_path / "out")
    assert not (tmp_path / "out/LATEST").exists()
    changing.write_text(TEXT)
    assert project.run(tmp_path / "out") == project.run(tmp_path / "once")


def test_a_file_that_is_only_touched_meanwhile_is_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are those that were pinned."""
    project = Project(tmp_path / "project", 5)
    first = project.run(tmp_path / "out")
    changes(monkeypatch, "_all_passes", lambda: [path.touch() for path in project.files()])
    assert project.run(tmp_path / "once") == first


@pytest.mark.parametrize("becomes", ["another image", "no image", "gone"])
def test_an_image_that_changes_before_it_is_prepared_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """It is read twice: for its facts, and for the copy that a line names."""
    folder = tmp_path / "project"
    folder.mkdir()
    image = folder / "leaf.png"
    Image.new("RGB", (64, 64), "green").save(image)
    (folder / "leaf.txt").write_text("A leaf of green tea.")
    (folder / "recipe.yaml").write_text(
        "name: leaves\nsources: [{path: leaf.*}]\npublish: {uri: s3://sen-tea/leaves}\n"
        "targets: {pictures: {format: image_caption}}\n"
    )

    def change() -> None:
        if becomes == "another image":
            Image.new("RGB", (64, 64), "brown").save(image)
        elif becomes == "no image":
            image.write_bytes(b"no image")
        else:
            image.unlink()

    recipe = load_recipe(folder / "recipe.yaml")
    changes(monkeypatch, "_render", change)
    with pytest.raises(SourceChanged, match=r"leaf.png: changed while it was read"):
        prepare(
            recipe, folder, Options(str(tmp_path / "out"), 1), Lines(io.StringIO(), as_json=False)
        )
