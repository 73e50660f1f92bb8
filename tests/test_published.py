"""Commands that read a published run of which a part is damaged: one line, the file, a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import copy_run, run_folder

from pipeline.cli_faults import system_fault
from pipeline.commands.diff import diff_runs
from pipeline.commands.report import copy_report, told_report
from pipeline.commands.why import answer
from pipeline.commands.withdraw import dependants
from pipeline.errors import StorageError
from pipeline.publish import read_latest
from pipeline.published import run_before
from pipeline.storage import Aws, open_place

REMEDY = r"; put back a copy of it, or remove [^\n]*/runs/[0-9a-f]{20} and run again$"


def commands(output: str) -> None:
    """Each reads the files that it is given to read."""
    for command in (
        lambda: answer(output, "pairs.jsonl", [], text=None, as_json=False),
        lambda: dependants(output, "pairs.jsonl", duplicates=False, as_json=False),
        lambda: diff_runs(output, output),
    ):
        with pytest.raises(StorageError, match=REMEDY) as told:
            command()
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["lineage.parquet", "rejected.parquet"])
@pytest.mark.parametrize("left", ["half", "none", "another byte", "nothing"])
def test_a_damaged_table_is_named(tmp_path: Path, name: str, left: str) -> None:
    """Cut short, empty, changed within, or gone."""
    output = copy_run(tmp_path)
    path = run_folder(output) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    if left != "nothing":
        kept = {"half": data[: len(data) // 2], "none": bytearray(), "another byte": data}
        path.write_bytes(kept[left])
    commands(str(output))


@pytest.mark.parametrize("content", ["{}", "[]", '{"name": 5}', "{", '"a"'])
@pytest.mark.parametrize("name", ["manifest.json", "report.json"])
def test_a_damaged_json_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    """Also to the night that compares itself with it."""
    output = copy_run(tmp_path)
    (run_folder(output) / name).write_text(content)
    place = open_place(str(output), Aws())
    with pytest.raises(StorageError, match=rf"{name}: is damaged: .*{REMEDY}"):
        copy_report(str(output), tmp_path / "copy", "en")
    with pytest.raises(StorageError, match=rf"{name}: is damaged: .*{REMEDY}"):
        before = run_before(place, read_latest(place))
        assert before is not None
        before.report()
    if name == "manifest.json":
        with pytest.raises(StorageError, match=REMEDY):
            told_report(str(output))


def test_only_prepare_says_that_nothing_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    error = FileNotFoundError(2, "No such file or directory", "/a")
    for command, more in (("prepare", "; nothing was published"), ("why", "")):
        monkeypatch.setattr("sys.argv", ["bedrock-prep", command])
        assert system_fault(error) == f"/a: No such file or directory{more}"


def test_a_whole_run_is_read(tmp_path: Path) -> None:
    output = str(copy_run(tmp_path))
    assert json.loads(answer(output, "pairs.jsonl", [], text=None, as_json=True))
    assert "gate:" in told_report(output)
    assert diff_runs(output, output)[0].same
