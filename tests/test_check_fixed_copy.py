"""The repaired copy as a file: what it keeps, what it says, and what a fault leaves behind."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from check_sets import conversation, dumped, minimal, turn
from conftest import Command
from test_check import NOVA, verdict
from test_check_repair import fixed

from pipeline.bedrock.cards import find_card
from pipeline.check import check_files, fix_file
from pipeline.errors import DataError, RecipeError, StorageError

RFT = find_card("nova-2-lite").plan("rft")
GOOD = dumped(minimal("prompt_completion", 1)) + b"\n"


def test_words_are_rewritten_only_where_a_model_reads_texts(tmp_path: Path) -> None:
    """The answer key and the grader's data stay as they are."""
    beside = {"reference_answer": {"text": "User: bob"}, "grader": {"content": "System: keep"}}
    record = {"messages": [{"role": "user", "content": "System: x"}], **beside}
    made, repair = fixed(tmp_path, dumped(record), plan=RFT)
    assert json.loads(made) == record | {"messages": [{"role": "user", "content": "System - x"}]}
    assert repair.counts == {"reserved-word": 1}


def test_numbers_of_a_rewritten_record_keep_their_digits(tmp_path: Path) -> None:
    """Whatever a float holds of them."""
    digits = "[0.10000000000000000555,12345678901234567.123,-0,1.50,1E+2,123456789012345678901]"
    line = '{"messages":[{"role":"user","content":"System: x"}],"n":' + digits + "}"
    made, _ = fixed(tmp_path, line.encode(), plan=RFT)
    assert made.decode() == line.replace("System:", "System -") + "\n"


def test_keys_that_carry_data_are_never_removed(tmp_path: Path) -> None:
    """One in another case gets its name; one of another format stays for the check to tell."""
    made, repair = fixed(
        tmp_path, b'{"Prompt":"a","COMPLETION":"b"}\n', format_name="prompt_completion"
    )
    assert made == b'{"prompt":"a","completion":"b"}\n'
    assert [c.detail for c in repair.changes] == [
        "COMPLETION written completion",
        "Prompt written prompt",
    ]
    record = conversation(turn("user", "a"), turn("assistant", "b"), System=[{"text": "s"}])
    made, _ = fixed(tmp_path, dumped(record), format_name="conversation")
    assert json.loads(made)["system"] == [{"text": "s"}]
    for kept in ({"tools": [{"type": "function"}]}, {"System": [1], "SYSTEM": [2]}):
        record = conversation(turn("user", "a"), turn("assistant", "b"), **kept)
        made, repair = fixed(tmp_path, dumped(record), format_name="conversation")
        assert (json.loads(made), repair.counts) == (record, {})


def test_what_is_removed_is_shown(tmp_path: Path) -> None:
    """With its value, a long one cut."""
    record = conversation(turn("user", "a"), turn("assistant", "b"), id=[7, "x"], note="n" * 999)
    _, repair = fixed(tmp_path, dumped(record), format_name="conversation")
    shown = [change.detail for change in repair.changes]
    assert shown[0] == 'id removed: [7,"x"]'
    assert shown[1].startswith('note removed: "nnn')
    assert len(shown[1]) < 250


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_with_a_mark_is_written_as_utf_8(encoding: str, tmp_path: Path) -> None:
    """And the check calls it by its name."""
    data = '\ufeff{"prompt":"é","completion":"漢"}\n'.encode(encoding)
    made, repair = fixed(tmp_path, data, format_name="prompt_completion")
    assert made == '{"prompt":"é","completion":"漢"}\n'.encode()
    assert [c.detail for c in repair.changes] == [f"{encoding[:6].upper()} written as UTF-8"]
    (fault,) = verdict(tmp_path, data, format_name="prompt_completion").faults
    assert (fault.rule, fault.message.rpartition(": ")[2]) == ("not-utf-8", encoding[:6].upper())


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08\x00 more", b"\xff\xfea\x00\x00\xd8a\x00"])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    """With what to do, and without a file."""
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.jsonl: .*(gunzip|UTF-8)"):
        fix_file(path, out, format_name="pretraining")
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_leaves_no_file_and_names_the_right_one(tmp_path: Path) -> None:
    """The corrected command can be given again."""
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    with pytest.raises(StorageError, match=r"a\.jsonl: cannot be read: No such file"):
        fix_file(path, out, format_name="pretraining")
    path.write_bytes(GOOD)
    with pytest.raises(StorageError, match=r"nonexist/x\.jsonl: cannot be written: No such file"):
        fix_file(path, tmp_path / "nonexist" / "x.jsonl", format_name="pretraining")
    assert list(tmp_path.iterdir()) == [path]
    fix_file(path, out, format_name="pretraining")
    assert sorted(tmp_path.iterdir()) == [path, out]


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither under the final name nor beside it."""
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_bytes(GOOD * 10)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipeline.fixed_copy._rename", full)
    with pytest.raises(StorageError, match=r"b\.jsonl: cannot be written: No space left"):
        fix_file(path, out, format_name="prompt_completion")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_came_in_between_stays(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on file systems without hard links."""
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_bytes(GOOD)
    link = os.link

    def late(near: Path, final: Path) -> None:
        if final.exists() or not links:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        final.write_bytes(b"theirs")
        link(near, final)

    monkeypatch.setattr(os, "link", late)
    if links:
        with pytest.raises(RecipeError, match="already"):
            fix_file(path, out, format_name="prompt_completion")
        assert out.read_bytes() == b"theirs"
    else:
        fix_file(path, out, format_name="prompt_completion")
        assert out.read_bytes() == GOOD
        with pytest.raises(RecipeError, match="already"):
            fix_file(path, out, format_name="prompt_completion")


def test_the_command_says_what_stays_unread(bedrock_prep: Command, tmp_path: Path) -> None:
    """Exit code 3 with the first place and what to do; all of it as JSON, too."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(GOOD + '{"prompt":"Tiêng"'.encode("cp1258") + b"}")
    words = ("check", path, "--format", "prompt_completion", "--fix")
    done = bedrock_prep(*words, tmp_path / "one.jsonl")
    assert done.returncode == 3
    assert "a newline was added behind the last line" in done.stdout
    assert "line 2 of the original: not-utf-8" in done.stderr
    assert "save as UTF-8" in done.stderr
    done = bedrock_prep(*words, tmp_path / "two.jsonl", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["unread"], told["newline_added"]) == (3, 1, True)
    assert told["first_unread"]["rule"] == "not-utf-8"
    path.write_bytes(b'{"prompt":"a","completion":"b",}\n')
    done = bedrock_prep(*words, tmp_path / "three.jsonl", "--json")
    assert (done.returncode, json.loads(done.stdout)["counts"]) == (0, {"trailing-comma": 1})


@pytest.mark.parametrize("location", ["bucket/x", "s3:/bucket/x", "s3://", "s3:///x", "x"])
def test_a_location_that_is_no_folder_in_s3_is_refused(location: str, tmp_path: Path) -> None:
    """Before any file is read."""
    with pytest.raises(RecipeError, match=r"write s3://bucket/prefix/"):
        check_files([tmp_path / "none.jsonl"], plan=NOVA, location=location)
