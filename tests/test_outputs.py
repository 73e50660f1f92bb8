"""One output: held by one run whatever its work folder is, and never what it was not."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConflictError, StorageError
from pipeline.folder import FolderPlace, sync
from pipeline.lock import hold
from pipeline.prepare import prepare_recipe
from pipeline.run import Outcome

pytestmark = pytest.mark.usefixtures("quick_gate")

RECIPE = """\
name: tea
sources: [{path: pairs.jsonl}]
targets: {pairs: {format: prompt_completion}}
split: {validation: 0}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [json.dumps({"prompt": f"Cup {n}?", "completion": f"{n} g."}) for n in range(3)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def run(folder: Path, **asked: Any) -> Outcome:
    settings: dict[str, Any] = {"output": str(folder / "out"), "workers": 1, "log": "text"}
    return prepare_recipe(folder / "recipe.yaml", **(settings | asked)).outcome


def test_an_output_is_held_whichever_folder_the_work_is_in(folder: Path) -> None:
    """Of a run beside the output and two with work folders of their own each waits for each."""
    assert not run(folder, work=folder / "one").reused
    with (
        hold(folder / "out/.work", "out"),
        pytest.raises(ConflictError, match="another run holds it"),
    ):
        run(folder, work=folder / "two")
    with hold(folder / "one", "out"), pytest.raises(ConflictError, match="another run holds it"):
        run(folder, work=folder / "one")
    for work in (None, folder / "out/.work", folder / "one"):
        assert run(folder, work=work).reused


@pytest.mark.parametrize("manifest", ["same", "another", None])
def test_a_run_that_stands_there_already_is_not_written_over(
    tmp_path: Path, manifest: str | None
) -> None:
    """The same is as good as ours; another one, or one without a manifest, is told of."""
    there, staged = tmp_path / "out/runs/a", tmp_path / "staged"
    for folder, told in ((there, manifest), (staged, "same")):
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text("{}\n")
        if told:
            (folder / "manifest.json").write_text(told)
    place = FolderPlace(str(tmp_path / "out"))
    if manifest == "same":
        place.add_folder(staged, "runs/a")
    elif manifest == "another":
        with pytest.raises(ConflictError, match="another manifest; run again"):
            place.add_folder(staged, "runs/a")
    else:
        with pytest.raises(StorageError, match="without its manifest; remove it"):
            place.add_folder(staged, "runs/a")


def test_a_manifest_that_was_changed_is_not_blessed(folder: Path) -> None:
    """LATEST goes on naming the one that was published."""
    made = run(folder)
    path, latest = Path(made.uri, "manifest.json"), folder / "out/LATEST"
    before = latest.read_bytes()
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(StorageError, match=r"manifest.json: was changed since .*; remove .*/runs/"):
        run(folder)
    assert latest.read_bytes() == before


def test_a_full_run_looks_at_every_byte_of_one_that_is_there(folder: Path) -> None:
    """A size alone tells nothing of a bit that has turned."""
    made = run(folder)
    assert run(folder, full=True).reused
    path = Path(made.uri, "pairs/train.jsonl")
    path.write_bytes(path.read_bytes().replace(b"Cup 1", b"Cup 7"))
    assert run(folder).reused
    with pytest.raises(StorageError, match=r"train.jsonl: is not as it was published; remove "):
        run(folder, full=True)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EIO])
def test_a_file_system_that_flushes_no_folders_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As SMB and some of FUSE; a disk that fails, and a file, are told of as before."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "manifest.json").write_text("{}")
    place = FolderPlace(str(tmp_path / "out"))
    if number == errno.EIO:
        with pytest.raises(StorageError, match="Input/output error"):
            place.add_folder(staged, "runs/a")
        return
    place.add_folder(staged, "runs/a")
    place.swap("LATEST", b"{}", None)
    assert place.read("runs/a/manifest.json")
    monkeypatch.setattr(os, "fsync", lambda _: fsync(os.open(tmp_path, os.O_RDONLY)))
    with pytest.raises(OSError, match=os.strerror(number)):
        sync(tmp_path / "out/LATEST")
